// Keys and values in half precision. A page holds 128 tokens of all layers and heads:
// [layer][kv head][keys, values 128 x head_size], keys in the order that attention wants (KeyIndex).
#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "base/aligned.h"
#include "kv/cache.h"

namespace niwaki {
namespace {

class F16KvCache final : public KvCache {
 public:
  F16KvCache(const KvShape& shape, int64_t max_tokens, const KernelTable& kernels)
      : shape_(shape), max_tokens_(max_tokens), kernels_(kernels) {}

  Status Prepare(int64_t, int64_t end, ThreadPool&, const std::atomic<bool>*) override {
    if (end > max_tokens_) {
      return Overflow(end, max_tokens_);
    }
    const size_t wanted = static_cast<size_t>((end + kPageTokens - 1) / kPageTokens);
    while (pages_.size() < wanted) {
      AlignedBuffer page(static_cast<size_t>(PageBytes()));
      if (page.bytes() == 0) {
        return NoMemory(PageBytes());
      }
      pages_.push_back(std::move(page));
    }
    return Status();
  }

  void Store(int32_t layer, int32_t kv_head, int64_t position, const float* k, const float* v) override {
    const int64_t size = shape_.head_size;
    const int64_t slot = position % kPageTokens;
    uint16_t* keys = Keys(layer, kv_head, position / kPageTokens);
    uint16_t* values = keys + kPageTokens * size + slot * size;
    kernels_.f32_to_f16(k, size, values);  // where the values come afterwards: room for the key on its way
    for (int64_t i = 0; i < size; ++i) {
      keys[KeyIndex(i, slot, size)] = values[i];
    }
    kernels_.f32_to_f16(v, size, values);
  }

  void Attend(int32_t layer, int32_t kv_head, const AttendQueries& queries, int64_t length,
              const std::atomic<bool>* cancel) const override {
    const int64_t heads = std::min<int64_t>(queries.group, kMaxRows);
    const int64_t tokens = kMaxRows / heads;
    for (int64_t t = 0; t < queries.tokens; t += tokens) {
      for (int64_t g = 0; g < queries.group; g += heads) {
        AttendQueries part = queries;
        const int64_t head = g * shape_.head_size;
        part.q += t * queries.q_stride + head;
        part.out += t * queries.out_stride + head;
        part.tokens = std::min(tokens, queries.tokens - t);
        part.group = std::min(heads, queries.group - g);
        AttendPart(layer, kv_head, part, length + t, cancel);
      }
    }
  }

  // Tokens past the caller's length are never read; their pages are used again.
  int64_t Truncate(int64_t tokens) override { return tokens; }
  int64_t allocated_bytes() const override { return static_cast<int64_t>(pages_.size()) * PageBytes(); }

 private:
  static constexpr int64_t kMaxRows = 64;  // queries whose state is kept at once

  void AttendPart(int32_t layer, int32_t kv_head, AttendQueries part, int64_t length,
                  const std::atomic<bool>* cancel) const {
    float max[kMaxRows];
    float sum[kMaxRows];
    const int64_t size = shape_.head_size;
    for (int64_t row = 0; row < part.tokens * part.group; ++row) {
      max[row] = -std::numeric_limits<float>::infinity();
      sum[row] = 0;
      std::fill_n(part.out + row / part.group * part.out_stride + row % part.group * size, size, 0.0f);
    }
    for (int64_t begin = 0; begin < length + part.tokens - 1; begin += kPageTokens) {
      if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
        return;
      }
      const uint16_t* keys = Keys(layer, kv_head, begin / kPageTokens);
      const int64_t skip = std::max<int64_t>(0, begin + 1 - length);  // tokens that see nothing of this page
      AttendQueries seeing = part;
      seeing.q += skip * part.q_stride;
      seeing.out += skip * part.out_stride;
      seeing.tokens -= skip;
      seeing.max = max + skip * part.group;
      seeing.sum = sum + skip * part.group;
      kernels_.attend_page_f16(seeing, keys, keys + kPageTokens * size, length + skip - begin);
    }
    for (int64_t row = 0; row < part.tokens * part.group; ++row) {
      float* out = part.out + row / part.group * part.out_stride + row % part.group * size;
      for (int64_t i = 0; i < size; ++i) {
        out[i] /= sum[row];
      }
    }
  }

  int64_t PageBytes() const { return BytesPerTokenF16(shape_) * kPageTokens; }
  uint16_t* Keys(int32_t layer, int32_t head, int64_t page) const {
    const int64_t slot = (static_cast<int64_t>(layer) * shape_.kv_heads + head) * 2 * kPageTokens * shape_.head_size;
    return pages_[static_cast<size_t>(page)].as<uint16_t>() + slot;
  }

  const KvShape shape_;
  const int64_t max_tokens_;
  const KernelTable& kernels_;
  std::vector<AlignedBuffer> pages_;
};

}  // namespace

std::unique_ptr<KvCache> NewF16KvCache(const KvShape& shape, int64_t max_tokens, const KernelTable& kernels) {
  return std::make_unique<F16KvCache>(shape, max_tokens, kernels);
}

}  // namespace niwaki
