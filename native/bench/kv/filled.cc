#include "filled.h"

#include <algorithm>
#include <random>

namespace niwaki::kvbench {

std::unique_ptr<KvCache> NewProductCache(const KvShape& shape, int64_t tokens, KvCodec codec,
                                         const KernelTable& kernels) {
  if (codec.exact()) {
    return NewF16KvCache(shape, tokens, kernels);
  }
  const size_t channels =
      static_cast<size_t>(shape.layers) * static_cast<size_t>(shape.kv_heads) * static_cast<size_t>(shape.head_size);
  KvCalibration calibration;
  calibration.key_mean.assign(channels, 0.0f);
  calibration.key_scale.assign(channels, 1.0f);
  return NewCodedKvCache(shape, tokens, std::vector<KvCodec>(static_cast<size_t>(shape.layers), codec),
                         NewKvBasis(shape, calibration), kernels);
}

Filler::Filler(int32_t head_size) : size_(head_size), vectors_(static_cast<size_t>(kVectors * head_size)) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (float& value : vectors_) {
    value = normal(random);
  }
}

void Filler::Fill(const KvShape& shape, int64_t tokens, KvCache& cache, ThreadPool& pool) const {
  for (int64_t begin = 0; begin < tokens; begin += KvCache::kPageTokens) {
    const int64_t end = std::min(tokens, begin + KvCache::kPageTokens);
    Check(cache.Prepare(begin, end, pool));
    pool.ParallelFor(int64_t{shape.layers} * shape.kv_heads, [&](int64_t head, int) {
      for (int64_t t = begin; t < end; ++t) {
        const float* k = &vectors_[static_cast<size_t>((t + head) % kVectors * size_)];
        const float* v = &vectors_[static_cast<size_t>((t * 3 + head) % kVectors * size_)];
        cache.Store(static_cast<int32_t>(head / shape.kv_heads), static_cast<int32_t>(head % shape.kv_heads), t, k, v);
      }
    });
  }
}

}  // namespace niwaki::kvbench
