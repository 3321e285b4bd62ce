// The KV cache of one session: pages of 128 tokens. Attention runs page by page in order, so the result does not depend
// on how tokens arrived in batches. This interface is what every codec implements (fp16 now, 4-bit codes later).
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/kernel_table.h"
#include "niwaki/status.h"

namespace niwaki {

struct KvShape {
  int32_t layers = 0;
  int32_t kv_heads = 0;
  int32_t head_size = 0;
  int64_t max_tokens = 0;
};

class KvCache {
 public:
  static constexpr int64_t kPageTokens = 128;
  virtual ~KvCache() = default;

  // Makes sure that pages for tokens [0, tokens) exist. kOutOfMemory when they cannot be had, kContextOverflow past
  // max_tokens.
  virtual Status Reserve(int64_t tokens) = 0;
  // Stores the rotated keys and the values of token `position` in one layer: k, v [kv_heads, head_size]. Pages must
  // exist. Calls for different positions may run concurrently.
  virtual void Store(int32_t layer, int64_t position, const float* k, const float* v) = 0;
  // out [group, head_size] = softmax(q k^T) v over tokens [0, length) of one kv head. q [group, head_size] is scaled
  // already. Calls may run concurrently.
  virtual void Attend(int32_t layer, int32_t kv_head, const float* q, int64_t group, int64_t length,
                      float* out) const = 0;
  // Forgets tokens from `tokens` on; pages stay allocated for reuse.
  virtual void Truncate(int64_t tokens) = 0;
  virtual int64_t allocated_bytes() const = 0;

  static int64_t BytesPerTokenF16(const KvShape& shape) {
    return int64_t{2} * 2 * shape.layers * shape.kv_heads * shape.head_size;
  }
};

std::unique_ptr<KvCache> NewF16KvCache(const KvShape& shape, const KernelTable& kernels);

}  // namespace niwaki
