// What a calibration is made of: means and sizes of a model's keys and queries, taken while it reads a text.
#pragma once

#include <memory>
#include <vector>

#include "kv/cache.h"

namespace niwaki {

class KeyStatistics {
 public:
  explicit KeyStatistics(const KvShape& shape);
  // Calls for different heads may run concurrently.
  void AddKey(int64_t head, const float* k);
  void AddQuery(int64_t head, const float* q);

  // Scales sqrt(rms(k - mean) / rms(q)), channel by channel: what makes the least of |q * scale| |k / scale|, and with
  // it of the error that codes leave in a score (Cauchy and Schwarz). Their geometric mean in a head is 1, and none is
  // more than 256 times that.
  KvCalibration Calibration() const;
  std::vector<KvLayerStatistics> Layers() const;

 private:
  struct Sums {
    double key = 0;
    double key_square = 0;
    double query_square = 0;
  };
  double Deviation(size_t at) const;  // root mean square of a channel of keys, mean removed

  const KvShape shape_;
  std::vector<Sums> sums_;     // [layers, kv_heads, head_size]
  std::vector<int64_t> keys_;  // [layers, kv_heads] that were added
  std::vector<int64_t> queries_;
};

// Scales from the norms' weights alone, before any text was read: keys and queries are about as loud as these. No mean.
// q_norm, k_norm [layers][head_size].
KvCalibration CalibrationFromNorms(const KvShape& shape, const std::vector<const float*>& q_norm,
                                   const std::vector<const float*>& k_norm);

// A cache in half precision that also feeds the statistics.
std::unique_ptr<KvCache> NewStatisticsCache(const KvShape& shape, int64_t max_tokens, const KernelTable& kernels,
                                            KeyStatistics* statistics);

}  // namespace niwaki
