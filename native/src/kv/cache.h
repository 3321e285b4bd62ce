// The KV cache of one session: pages of 128 tokens. Attention runs page by page in order, so the result does not depend
// on how tokens arrived in batches. This interface is what every codec implements; kv/paged_cache.h is how.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "base/thread_pool.h"
#include "kernels/kernel_table.h"
#include "niwaki/kv.h"
#include "niwaki/status.h"

namespace niwaki {

class KvPageStore;
class KvPool;
struct KvPage;

// Pages that are used at another place than they were computed for. Keys carry their position as a rotation; instead of
// turning them, which codes would not survive often, queries are turned the other way: (R_m q)(R_n+d k) = (R_m-d q)(R_n
// k).
struct KvShiftPiece {
  int64_t begin;  // position of its first token in the new timeline
  struct Part {
    std::shared_ptr<KvPage> page;
    int32_t first;  // tokens [first, last) of the page
    int32_t last;
    int64_t shift;  // new positions less those that the keys were turned by
  };
  std::vector<Part> parts;
  int64_t tokens() const {
    int64_t count = 0;
    for (const Part& part : parts) {
      count += part.last - part.first;
    }
    return count;
  }
};

struct KvAdopted {
  int64_t tokens;    // that the cache holds
  int64_t restored;  // of them: read from disk just now
};

class KvCache {
 public:
  static constexpr int64_t kPageTokens = 128;
  virtual ~KvCache() = default;

  // Makes ready for tokens [begin, end), which lie in one page and follow what is there: pages for them exist
  // afterwards, and those before them may have been turned into codes. kOutOfMemory when there is no memory (what was
  // there stays), kContextOverflow past the most tokens, kCancelled when `cancel` (may be null) is set meanwhile.
  virtual Status Prepare(int64_t begin, int64_t end, ThreadPool& threads,
                         const std::atomic<bool>* cancel = nullptr) = 0;
  // Stores the rotated (RoPE) key and the value of token `position` in one layer and kv head: k, v [head_size]. Prepare
  // has been called for it. Calls for different positions or heads may run concurrently.
  virtual void Store(int32_t layer, int32_t kv_head, int64_t position, const float* k, const float* v) = 0;
  // out = softmax(q k^T) v in one kv head, where token t of the queries sees the cache's first length + t tokens. All
  // these queries are tokens of the page that Prepare was last called for. `max` and `sum` of the queries are not used.
  // A query's result does not depend on which others share the call. Calls may run concurrently. `cancel` (may be null)
  // is looked at before every page: when it is set, `out` is undefined.
  virtual void Attend(int32_t layer, int32_t kv_head, const AttendQueries& queries, int64_t length,
                      const std::atomic<bool>* cancel = nullptr) const = 0;
  // Says which tokens have been stored since the last call, after all heads of all layers were: with that, others can
  // use the pages. A cache that is not told shares nothing.
  virtual void Append(std::span<const int32_t>) {}
  // Forgets tokens from `tokens` on, and returns how many are left: the first `tokens`, or fewer, a whole number of
  // pages, where the page that they end in can no longer be had as a fresh cache would hold it.
  virtual int64_t Truncate(int64_t tokens) = 0;
  // Makes ready for `tokens`, of which the cache's own first `own` are the beginning: takes pages of others, also from
  // disk, where they reach further, and truncates. It then holds fewer than all.
  virtual KvAdopted Adopt(std::span<const int32_t>, int64_t own, const std::atomic<bool>*) {
    return {Truncate(own), 0};
  }
  // The first finished page from number `from` on that is exact and not on disk, copied; `page` is -1 when there is
  // none.
  virtual KvUnsavedPage NextUnsaved(int64_t) const { return {}; }
  // Before PlanShift, with the same `own`: what the page at hand holds can then be moved as well.
  virtual Status Settle(int64_t, ThreadPool&, const std::atomic<bool>*) { return Status(); }
  // For a cache that holds `timeline`: which of its pages hold parts of `tokens` behind the first `own`, which both
  // have in common, at other positions or after other text. Empty when it is not worth it, or would take too many
  // pieces; and when `cancel` (may be null) is set meanwhile: then nothing has changed.
  virtual std::vector<KvShiftPiece> PlanShift(std::span<const int32_t>, std::span<const int32_t>, int64_t,
                                              const std::atomic<bool>*) {
    return {};
  }
  // Appends a piece's pages at its place, which is where the cache ends now. kNotFound when their memory was needed for
  // others meanwhile.
  virtual Status Place(const KvShiftPiece&, ThreadPool&, const std::atomic<bool>*) { return Unsupported(); }
  // How many tokens lie in pages as a fresh cache would have them, and how many the page at hand still takes.
  virtual int64_t exact_tokens() const { return std::numeric_limits<int64_t>::max(); }
  virtual int64_t room(int64_t at) const { return kPageTokens - at % kPageTokens; }
  // The session goes to work, and rests. While it rests its memory may be taken for others; Resume returns how many of
  // its tokens can still be there.
  virtual int64_t Resume() { return std::numeric_limits<int64_t>::max(); }
  virtual void Rest() {}
  // Whole pages among the first `tokens` stay in memory until the cache pins others or ends. kOutOfMemory when that is
  // more than half of the budget.
  virtual Status Pin(int64_t) { return Unsupported(); }
  // Another cache that holds the same; what finished pages take is shared, the page at hand until one of both writes.
  virtual Result<std::unique_ptr<KvCache>> Fork() const { return Unsupported(); }
  // Held by this cache, shared or not.
  virtual int64_t allocated_bytes() const = 0;

  // Bytes of a token in half precision.
  static int64_t BytesPerTokenF16(const KvShape& shape) {
    return int64_t{2} * 2 * shape.layers * shape.kv_heads * shape.head_size;
  }

 protected:
  static Status Overflow(int64_t tokens, int64_t most);
  static Status NoMemory(int64_t bytes);
  static Status Unsupported() { return Status(StatusCode::kUnsupported, "this KV cache cannot be shared"); }
};

// cos and sin [head_size / 2] of what turns a vector by so many positions (may be negative).
using KvTurn = std::function<void(int64_t positions, float* cos, float* sin)>;

// Where a cache lives.
struct KvCachePlace {
  KvCachePlace(int64_t most) : max_tokens(most) {}  // NOLINT: with a pool of its own
  KvCachePlace(int64_t most, std::shared_ptr<KvPool> shared, KvUser who, KvTurn turned)
      : max_tokens(most), pool(std::move(shared)), user(who), turn(std::move(turned)) {}
  int64_t max_tokens;
  std::shared_ptr<KvPool> pool;              // null: one of its own
  KvUser user = KvUser::kOther;              // whose tokens it counts
  KvTurn turn;                               // null: nothing is ever shifted
  std::shared_ptr<const KvPageStore> store;  // null: nothing is read from disk or saved
  Sha256::Digest kind{};                     // of its pages
};

std::unique_ptr<KvCache> NewF16KvCache(const KvShape& shape, KvCachePlace place, const KernelTable& kernels);

// What keys, values and queries are multiplied with before they are rotated, made of a calibration and fixed signs;
// shared by a model's sessions. [layers, kv_heads, head_size], signs [head_size].
struct KvBasis {
  std::vector<float> key_mean;
  std::vector<float> key_factor;    // sign / scale
  std::vector<float> query_factor;  // sign * scale
  std::vector<float> signs;         // of values
  std::vector<float> zeros;         // [head_size]
  std::string digest;               // 32 hexadecimal digits: bases of one digest are the same
};
std::shared_ptr<const KvBasis> NewKvBasis(const KvShape& shape, const KvCalibration& calibration);

// `codecs` has one entry a layer, none of 16 bits; CodesFit(shape.head_size).
std::unique_ptr<KvCache> NewCodedKvCache(const KvShape& shape, KvCachePlace place, std::vector<KvCodec> codecs,
                                         std::shared_ptr<const KvBasis> basis, const KernelTable& kernels);
// Bytes that such a cache holds with `tokens` tokens.
int64_t CodedBytes(const KvShape& shape, const std::vector<KvCodec>& codecs, int64_t tokens);

}  // namespace niwaki
