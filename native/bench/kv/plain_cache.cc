#include "plain_cache.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "base/f16.h"

namespace niwaki::kvbench {
namespace {

constexpr int64_t kPage = KvCache::kPageTokens;

// Keys of a page lie token by token, values element by element: so both products are matrix products.
class PlainCache final : public KvCache {
 public:
  PlainCache(const KvShape& shape, int64_t max_tokens, const KernelTable& kernels, bool halves,
             std::shared_ptr<const PageCodec> codec)
      : shape_(shape), kernels_(kernels), halves_(halves), codec_(std::move(codec)) {
    const int64_t pages = (max_tokens + kPage - 1) / kPage;
    pages_.resize(static_cast<size_t>(pages));
  }

  Status Prepare(int64_t begin, int64_t, ThreadPool&, const std::atomic<bool>*) override {
    const int64_t page = begin / kPage;
    if (page >= static_cast<int64_t>(pages_.size())) {
      return Overflow(begin + 1, static_cast<int64_t>(pages_.size()) * kPage);
    }
    if (pages_[static_cast<size_t>(page)].empty()) {
      pages_[static_cast<size_t>(page)].assign(static_cast<size_t>(Heads() * 2 * kPage * shape_.head_size), 0.0f);
    }
    if (codec_ != nullptr && page > sealed_) {
      for (int64_t head = 0; head < Heads(); ++head) {
        SealHead(head, page - 1);
      }
    }
    sealed_ = std::max(sealed_, page);
    return Status();
  }

  void Store(int32_t layer, int32_t kv_head, int64_t position, const float* k, const float* v) override {
    const int64_t size = shape_.head_size;
    const int64_t slot = position % kPage;
    float* keys = Keys(position / kPage, int64_t{layer} * shape_.kv_heads + kv_head);
    float* values = keys + kPage * size;
    for (int64_t i = 0; i < size; ++i) {
      keys[slot * size + i] = Kept(k[i]);
      values[i * kPage + slot] = Kept(v[i]);
    }
  }

  void Attend(int32_t layer, int32_t kv_head, const AttendQueries& queries, int64_t length,
              const std::atomic<bool>*) const override {
    const int64_t head = int64_t{layer} * shape_.kv_heads + kv_head;
    for (int64_t t = 0; t < queries.tokens; ++t) {
      for (int64_t g = 0; g < queries.group; ++g) {
        AttendOne(head, queries.q + t * queries.q_stride + g * shape_.head_size,
                  queries.out + t * queries.out_stride + g * shape_.head_size, length + t);
      }
    }
  }

  // Only within the page at hand: what is sealed stays.
  int64_t Truncate(int64_t tokens) override { return tokens >= sealed_ * kPage ? tokens : 0; }
  int64_t allocated_bytes() const override { return 0; }

 private:
  int64_t Heads() const { return int64_t{shape_.layers} * shape_.kv_heads; }
  float Kept(float value) const { return halves_ ? F16ToF32(F32ToF16(value)) : value; }
  float* Keys(int64_t page, int64_t head) { return const_cast<float*>(std::as_const(*this).Keys(page, head)); }
  const float* Keys(int64_t page, int64_t head) const {
    return pages_[static_cast<size_t>(page)].data() + head * 2 * kPage * shape_.head_size;
  }

  void SealHead(int64_t head, int64_t page) {
    const int64_t size = shape_.head_size;
    float* keys = Keys(page, head);
    float* values = keys + kPage * size;
    std::vector<float> by_token(static_cast<size_t>(kPage * size));
    for (int64_t i = 0; i < size; ++i) {
      for (int64_t j = 0; j < kPage; ++j) {
        by_token[static_cast<size_t>(j * size + i)] = values[i * kPage + j];
      }
    }
    codec_->Seal(head, page == 0 ? kSinkTokens : 0, keys, by_token.data());
    for (int64_t i = 0; i < size; ++i) {
      for (int64_t j = 0; j < kPage; ++j) {
        values[i * kPage + j] = by_token[static_cast<size_t>(j * size + i)];
      }
    }
  }

  void AttendOne(int64_t head, const float* q, float* out, int64_t length) const {
    const int64_t size = shape_.head_size;
    const int64_t pages = (length + kPage - 1) / kPage;
    std::vector<float> weights(static_cast<size_t>(pages * kPage));
    for (int64_t page = 0; page < pages; ++page) {
      kernels_.matmul_f32(Keys(page, head), size, 0, kPage, q, size, 1, weights.data() + page * kPage, kPage);
    }
    const float top = *std::max_element(weights.begin(), weights.begin() + length);
    double sum = 0;
    for (int64_t j = 0; j < length; ++j) {
      float& weight = weights[static_cast<size_t>(j)];
      weight = std::exp(weight - top);
      sum += weight;
    }
    std::fill(weights.begin() + length, weights.end(), 0.0f);
    std::fill_n(out, size, 0.0f);
    std::vector<float> part(static_cast<size_t>(size));
    for (int64_t page = 0; page < pages; ++page) {
      kernels_.matmul_f32(Keys(page, head) + kPage * size, kPage, 0, size, weights.data() + page * kPage, kPage, 1,
                          part.data(), size);
      for (int64_t i = 0; i < size; ++i) {
        out[i] += part[static_cast<size_t>(i)];
      }
    }
    for (int64_t i = 0; i < size; ++i) {
      out[i] = static_cast<float>(out[i] / sum);
    }
  }

  const KvShape shape_;
  const KernelTable& kernels_;
  const bool halves_;
  const std::shared_ptr<const PageCodec> codec_;
  std::vector<std::vector<float>> pages_;
  int64_t sealed_ = 0;  // pages before it are codes
};

}  // namespace

std::unique_ptr<KvCache> NewPlainCache(const KvShape& shape, int64_t max_tokens, const KernelTable& kernels,
                                       bool halves, std::shared_ptr<const PageCodec> codec) {
  return std::make_unique<PlainCache>(shape, max_tokens, kernels, halves, std::move(codec));
}

}  // namespace niwaki::kvbench
