// Keys and values in half precision, keys in the order that attention wants (KeyIndex).
#include <algorithm>
#include <limits>
#include <utility>

#include "kv/paged_cache.h"

namespace niwaki {
namespace {

class F16KvCache final : public PagedCache {
 public:
  F16KvCache(const KvShape& kv_shape, const KvCachePlace& place, const KernelTable& kernels)
      : PagedCache(kv_shape, place, "f16", 0), kernels_(kernels) {}

  void Store(int32_t layer, int32_t kv_head, int64_t position, const float* k, const float* v) override {
    const int64_t size = shape().head_size;
    const int64_t slot = position - tail_begin();
    uint16_t* keys = Halves(*tail(), Head(layer, kv_head));
    uint16_t* values = keys + kPageTokens * size + slot * size;
    kernels_.f32_to_f16(k, size, values);  // where the values come afterwards: room for the key on its way
    for (int64_t i = 0; i < size; ++i) {
      keys[KeyIndex(i, slot, size)] = values[i];
    }
    kernels_.f32_to_f16(v, size, values);
  }

  void Attend(int32_t layer, int32_t kv_head, const AttendQueries& queries, int64_t length,
              const std::atomic<bool>* cancel) const override {
    ForParts(queries, length,
             [&](AttendQueries part, int64_t seen) { AttendPart(Head(layer, kv_head), part, seen, cancel); });
  }

 private:
  std::unique_ptr<PagedCache> NewLike() const override {
    return std::make_unique<F16KvCache>(shape(), place(), kernels_);
  }
  int64_t retained_until() const override { return 0; }
  int64_t sinks() const override { return 0; }
  Status Seal(const std::shared_ptr<HalfPage>& full, int64_t, bool, KvPage& page, ThreadPool&,
              const std::atomic<bool>*) override {
    page.halves = full;
    return Status();
  }

  int64_t Head(int32_t layer, int32_t kv_head) const {
    return static_cast<int64_t>(layer) * shape().kv_heads + kv_head;
  }

  void AttendPart(int64_t head, const AttendQueries& part, int64_t length, const std::atomic<bool>* cancel) const {
    float max[kMaxRows];
    float sum[kMaxRows];
    const int64_t size = shape().head_size;
    for (int64_t row = 0; row < part.tokens * part.group; ++row) {
      max[row] = -std::numeric_limits<float>::infinity();
      sum[row] = 0;
      std::fill_n(part.out + row / part.group * part.out_stride + row % part.group * size, size, 0.0f);
    }
    const auto cancelled = [cancel] { return cancel != nullptr && cancel->load(std::memory_order_relaxed); };
    const auto attend = [&](const HalfPage& page, int64_t begin) {
      const uint16_t* keys = Halves(page, head);
      const int64_t skip = std::max<int64_t>(0, begin + 1 - length);  // tokens that see nothing of this page
      AttendQueries seeing = part;
      seeing.q += skip * part.q_stride;
      seeing.out += skip * part.out_stride;
      seeing.tokens -= skip;
      seeing.max = max + skip * part.group;
      seeing.sum = sum + skip * part.group;
      kernels_.attend_page_f16(seeing, keys, keys + kPageTokens * size, length + skip - begin);
    };
    for (const Block& block : blocks()) {
      if (block.begin >= length + part.tokens - 1) {
        break;
      }
      if (cancelled()) {
        return;
      }
      if (block.plain()) {
        attend(*block.page->halves, block.begin);
      } else {
        AttendMoved(block, head, part, max, sum);
      }
    }
    if (cancelled()) {
      return;
    }
    if (tail_begin() < length + part.tokens - 1) {
      attend(*tail(), tail_begin());
    }
    for (int64_t row = 0; row < part.tokens * part.group; ++row) {
      float* out = part.out + row / part.group * part.out_stride + row % part.group * size;
      for (int64_t i = 0; i < size; ++i) {
        out[i] /= sum[row];
      }
    }
  }

  // The queries see the whole block, with its shift taken back.
  void AttendMoved(const Block& block, int64_t head, const AttendQueries& part, float* max, float* sum) const {
    const int64_t size = shape().head_size;
    const uint16_t* keys =
        Halves(*block.page->halves, head) + block.first * size;  // `first` is a multiple of kKeyGroup
    const uint16_t* values = Halves(*block.page->halves, head) + (kPageTokens + block.first) * size;
    float turned[kMostHeadSize];
    for (int64_t row = 0; row < part.tokens * part.group; ++row) {
      const float* q = part.q + row / part.group * part.q_stride + row % part.group * size;
      float* out = part.out + row / part.group * part.out_stride + row % part.group * size;
      if (block.shift != 0) {
        const Turn& turn = TurnOf(block.shift);
        std::copy_n(q, size, turned);
        kernels_.rope_neox(turned, size, turn.cos.data(), turn.sin.data());
        q = turned;
      }
      kernels_.attend_page_f16({q, 0, out, 0, 1, 1, size, max + row, sum + row}, keys, values,
                               block.last - block.first);
    }
  }

  const KernelTable& kernels_;
};

}  // namespace

std::unique_ptr<KvCache> NewF16KvCache(const KvShape& shape, KvCachePlace place, const KernelTable& kernels) {
  return std::make_unique<F16KvCache>(shape, OwnPlace(std::move(place)), kernels);
}

}  // namespace niwaki
