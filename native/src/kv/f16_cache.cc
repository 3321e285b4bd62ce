// Keys and values in half precision. A page holds 128 tokens of all layers and heads:
// [layer][kv head][keys 128 x head_size, values 128 x head_size].
#include <limits>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "kv/cache.h"

namespace niwaki {
namespace {

class F16KvCache final : public KvCache {
 public:
  F16KvCache(const KvShape& shape, const KernelTable& kernels) : shape_(shape), kernels_(kernels) {}

  Status Reserve(int64_t tokens) override {
    if (tokens > shape_.max_tokens) {
      return Status(StatusCode::kContextOverflow,
                    "the text has " + std::to_string(tokens) + " tokens, this session holds " +
                        std::to_string(shape_.max_tokens) + "; shorten it, or raise the context size in the settings");
    }
    const size_t wanted = static_cast<size_t>((tokens + kPageTokens - 1) / kPageTokens);
    while (pages_.size() < wanted) {
      AlignedBuffer page(static_cast<size_t>(PageBytes()));
      if (page.bytes() == 0) {
        return Status(StatusCode::kOutOfMemory,
                      "there is no memory for " + std::to_string(PageBytes() >> 20) +
                          " MB more of context; close other programs or lower the context size");
      }
      pages_.push_back(std::move(page));
    }
    return Status();
  }

  void Store(int32_t layer, int64_t position, const float* k, const float* v) override {
    for (int32_t head = 0; head < shape_.kv_heads; ++head) {
      uint16_t* keys = Keys(layer, head, position / kPageTokens);
      const int64_t at = position % kPageTokens * shape_.head_size;
      kernels_.f32_to_f16(k + head * shape_.head_size, shape_.head_size, keys + at);
      kernels_.f32_to_f16(v + head * shape_.head_size, shape_.head_size, keys + kPageTokens * shape_.head_size + at);
    }
  }

  void Attend(int32_t layer, int32_t kv_head, const float* q, int64_t group, int64_t length,
              float* out) const override {
    constexpr int64_t kMaxGroup = 16;
    const int64_t size = shape_.head_size;
    for (int64_t first = 0; first < group; first += kMaxGroup) {
      const int64_t n = group - first < kMaxGroup ? group - first : kMaxGroup;
      float max[kMaxGroup];
      float sum[kMaxGroup];
      float* o = out + first * size;
      for (int64_t g = 0; g < n; ++g) {
        max[g] = -std::numeric_limits<float>::infinity();
        sum[g] = 0;
      }
      for (int64_t i = 0; i < n * size; ++i) {
        o[i] = 0;
      }
      for (int64_t begin = 0; begin < length; begin += kPageTokens) {
        const int64_t count = length - begin < kPageTokens ? length - begin : kPageTokens;
        const uint16_t* keys = Keys(layer, kv_head, begin / kPageTokens);
        kernels_.attend_page_f16(q + first * size, n, size, keys, keys + kPageTokens * size, count, max, sum, o);
      }
      for (int64_t g = 0; g < n; ++g) {
        for (int64_t i = 0; i < size; ++i) {
          o[g * size + i] /= sum[g];
        }
      }
    }
  }

  void Truncate(int64_t) override {}  // tokens past the caller's length are never read; their pages are used again
  int64_t allocated_bytes() const override { return static_cast<int64_t>(pages_.size()) * PageBytes(); }

 private:
  int64_t PageBytes() const { return BytesPerTokenF16(shape_) * kPageTokens; }
  uint16_t* Keys(int32_t layer, int32_t head, int64_t page) const {
    const int64_t slot = (static_cast<int64_t>(layer) * shape_.kv_heads + head) * 2 * kPageTokens * shape_.head_size;
    return pages_[static_cast<size_t>(page)].as<uint16_t>() + slot;
  }

  KvShape shape_;
  const KernelTable& kernels_;
  std::vector<AlignedBuffer> pages_;
};

}  // namespace

std::unique_ptr<KvCache> NewF16KvCache(const KvShape& shape, const KernelTable& kernels) {
  return std::make_unique<F16KvCache>(shape, kernels);
}

}  // namespace niwaki
