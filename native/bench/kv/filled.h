// Caches with something in them, without a model: for what is measured of caches alone.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kv/cache.h"
#include "program.h"

namespace niwaki::kvbench {

// An empty cache of the product's. Its calibration takes nothing out.
std::unique_ptr<KvCache> NewProductCache(const KvShape& shape, int64_t tokens, KvCodec codec,
                                         const KernelTable& kernels);

// Stores random vectors, a few of them again and again, as tokens [0, tokens). What they are changes neither what they
// take nor how long it takes to read them.
class Filler {
 public:
  explicit Filler(int32_t head_size);
  void Fill(const KvShape& shape, int64_t tokens, KvCache& cache, ThreadPool& pool) const;

 private:
  static constexpr int64_t kVectors = 64;
  const int64_t size_;
  std::vector<float> vectors_;
};

}  // namespace niwaki::kvbench
