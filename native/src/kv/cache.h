// The KV cache of one session: pages of 128 tokens. Attention runs page by page in order, so the result does not depend
// on how tokens arrived in batches. This interface is what every codec implements (fp16 now, 4-bit codes later).
#pragma once

#include <atomic>
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
  // Stores the rotated key and the value of token `position` in one layer and kv head: k, v [head_size]. The page must
  // exist. Calls for different positions or heads may run concurrently.
  virtual void Store(int32_t layer, int32_t kv_head, int64_t position, const float* k, const float* v) = 0;
  // out = softmax(q k^T) v in one kv head, where token t of the queries sees the cache's first length + t tokens.
  // `max` and `sum` of the queries are not used. A query's result does not depend on which others share the call. Calls
  // may run concurrently. `cancel` (may be null) is looked at before every page: when it is set, `out` is undefined.
  virtual void Attend(int32_t layer, int32_t kv_head, const AttendQueries& queries, int64_t length,
                      const std::atomic<bool>* cancel = nullptr) const = 0;
  // Forgets tokens from `tokens` on; pages stay allocated for reuse.
  virtual void Truncate(int64_t tokens) = 0;
  virtual int64_t allocated_bytes() const = 0;

  static int64_t BytesPerTokenF16(const KvShape& shape) {
    return int64_t{2} * 2 * shape.layers * shape.kv_heads * shape.head_size;
  }
};

std::unique_ptr<KvCache> NewF16KvCache(const KvShape& shape, const KernelTable& kernels);

}  // namespace niwaki
