// The KV cache of one session: pages of 128 tokens. Attention runs page by page in order, so the result does not depend
// on how tokens arrived in batches. This interface is what every codec implements.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/kernel_table.h"
#include "niwaki/kv.h"
#include "niwaki/status.h"

namespace niwaki {

class KvCache {
 public:
  static constexpr int64_t kPageTokens = 128;
  virtual ~KvCache() = default;

  // Makes ready for tokens [begin, end), which lie in one page and follow what is there: pages for them exist
  // afterwards, and those before them may have been turned into codes. kOutOfMemory when there is no memory (what was
  // there stays), kContextOverflow past the most tokens, kCancelled when `cancel` (may be null) is set meanwhile.
  virtual Status Prepare(int64_t begin, int64_t end, ThreadPool& pool, const std::atomic<bool>* cancel = nullptr) = 0;
  // Stores the rotated (RoPE) key and the value of token `position` in one layer and kv head: k, v [head_size]. Prepare
  // has been called for it. Calls for different positions or heads may run concurrently.
  virtual void Store(int32_t layer, int32_t kv_head, int64_t position, const float* k, const float* v) = 0;
  // out = softmax(q k^T) v in one kv head, where token t of the queries sees the cache's first length + t tokens. All
  // these queries are tokens of the page that Prepare was last called for. `max` and `sum` of the queries are not used.
  // A query's result does not depend on which others share the call. Calls may run concurrently. `cancel` (may be null)
  // is looked at before every page: when it is set, `out` is undefined.
  virtual void Attend(int32_t layer, int32_t kv_head, const AttendQueries& queries, int64_t length,
                      const std::atomic<bool>* cancel = nullptr) const = 0;
  // Forgets tokens from `tokens` on, and returns how many are left: the first `tokens`, or fewer, a whole number of
  // pages, where the page that they end in can no longer be had as a fresh cache would hold it. Pages stay allocated
  // for reuse.
  virtual int64_t Truncate(int64_t tokens) = 0;
  virtual int64_t allocated_bytes() const = 0;

  // Bytes of a token in half precision.
  static int64_t BytesPerTokenF16(const KvShape& shape) {
    return int64_t{2} * 2 * shape.layers * shape.kv_heads * shape.head_size;
  }

 protected:
  static Status Overflow(int64_t tokens, int64_t most);
  static Status NoMemory(int64_t bytes);
};

std::unique_ptr<KvCache> NewF16KvCache(const KvShape& shape, int64_t max_tokens, const KernelTable& kernels);

// What keys, values and queries are multiplied with before they are rotated, made of a calibration and fixed signs;
// shared by a model's sessions. [layers, kv_heads, head_size], signs [head_size].
struct KvBasis {
  std::vector<float> key_mean;
  std::vector<float> key_factor;    // sign / scale
  std::vector<float> query_factor;  // sign * scale
  std::vector<float> signs;         // of values
  std::vector<float> zeros;         // [head_size]
};
std::shared_ptr<const KvBasis> NewKvBasis(const KvShape& shape, const KvCalibration& calibration);

// `codecs` has one entry a layer, none of 16 bits; CodesFit(shape.head_size).
std::unique_ptr<KvCache> NewCodedKvCache(const KvShape& shape, int64_t max_tokens, std::vector<KvCodec> codecs,
                                         std::shared_ptr<const KvBasis> basis, const KernelTable& kernels);
// Bytes that such a cache holds with `tokens` tokens.
int64_t CodedBytes(const KvShape& shape, const std::vector<KvCodec>& codecs, int64_t tokens);

}  // namespace niwaki
