#include "kv/key_statistics.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace niwaki {
namespace {

// Scales of one head, from what each channel's would be if it were alone: relative to their geometric mean, bounded.
void Balance(std::vector<double>* scales) {
  constexpr double kMost = 256;
  double logs = 0;
  int64_t count = 0;
  for (const double s : *scales) {
    if (s > 0 && std::isfinite(s)) {
      logs += std::log(s);
      ++count;
    }
  }
  const double middle = count > 0 ? std::exp(logs / static_cast<double>(count)) : 1;
  for (double& s : *scales) {
    s = s > 0 && std::isfinite(s) ? std::clamp(s / middle, 1 / kMost, kMost) : 1;
  }
}

class StatisticsCache final : public KvCache {
 public:
  StatisticsCache(const KvShape& shape, int64_t max_tokens, const KernelTable& kernels, KeyStatistics* statistics)
      : shape_(shape), cache_(NewF16KvCache(shape, max_tokens, kernels)), statistics_(statistics) {}

  Status Prepare(int64_t begin, int64_t end, ThreadPool& pool, const std::atomic<bool>* cancel) override {
    return cache_->Prepare(begin, end, pool, cancel);
  }
  void Store(int32_t layer, int32_t kv_head, int64_t position, const float* k, const float* v) override {
    statistics_->AddKey(int64_t{layer} * shape_.kv_heads + kv_head, k);
    cache_->Store(layer, kv_head, position, k, v);
  }
  void Attend(int32_t layer, int32_t kv_head, const AttendQueries& queries, int64_t length,
              const std::atomic<bool>* cancel) const override {
    for (int64_t t = 0; t < queries.tokens; ++t) {
      for (int64_t g = 0; g < queries.group; ++g) {
        statistics_->AddQuery(int64_t{layer} * shape_.kv_heads + kv_head,
                              queries.q + t * queries.q_stride + g * shape_.head_size);
      }
    }
    cache_->Attend(layer, kv_head, queries, length, cancel);
  }
  int64_t Truncate(int64_t tokens) override { return cache_->Truncate(tokens); }
  int64_t allocated_bytes() const override { return cache_->allocated_bytes(); }

 private:
  const KvShape shape_;
  const std::unique_ptr<KvCache> cache_;
  KeyStatistics* const statistics_;
};

}  // namespace

KeyStatistics::KeyStatistics(const KvShape& shape) : shape_(shape) {
  const size_t heads = static_cast<size_t>(shape.layers) * static_cast<size_t>(shape.kv_heads);
  sums_.resize(heads * static_cast<size_t>(shape.head_size));
  keys_.resize(heads);
  queries_.resize(heads);
}

void KeyStatistics::AddKey(int64_t head, const float* k) {
  Sums* sums = &sums_[static_cast<size_t>(head * shape_.head_size)];
  for (int64_t i = 0; i < shape_.head_size; ++i) {
    sums[i].key += k[i];
    sums[i].key_square += static_cast<double>(k[i]) * k[i];
  }
  ++keys_[static_cast<size_t>(head)];
}

void KeyStatistics::AddQuery(int64_t head, const float* q) {
  Sums* sums = &sums_[static_cast<size_t>(head * shape_.head_size)];
  for (int64_t i = 0; i < shape_.head_size; ++i) {
    sums[i].query_square += static_cast<double>(q[i]) * q[i];
  }
  ++queries_[static_cast<size_t>(head)];
}

double KeyStatistics::Deviation(size_t at) const {
  const double count = static_cast<double>(std::max<int64_t>(1, keys_[at / static_cast<size_t>(shape_.head_size)]));
  const double mean = sums_[at].key / count;
  return std::sqrt(std::max(0.0, sums_[at].key_square / count - mean * mean));
}

KvCalibration KeyStatistics::Calibration() const {
  KvCalibration calibration;
  calibration.source = "text";
  const size_t size = static_cast<size_t>(shape_.head_size);
  std::vector<double> scales(size);
  for (size_t head = 0; head < keys_.size(); ++head) {
    const double keys = static_cast<double>(std::max<int64_t>(1, keys_[head]));
    const double queries = static_cast<double>(std::max<int64_t>(1, queries_[head]));
    for (size_t i = 0; i < size; ++i) {
      const Sums& sums = sums_[head * size + i];
      calibration.key_mean.push_back(static_cast<float>(sums.key / keys));
      scales[i] = std::sqrt(Deviation(head * size + i) / std::sqrt(sums.query_square / queries));
    }
    Balance(&scales);
    calibration.key_scale.insert(calibration.key_scale.end(), scales.begin(), scales.end());
  }
  return calibration;
}

std::vector<KvLayerStatistics> KeyStatistics::Layers() const {
  const KvCalibration calibration = Calibration();
  const size_t size = static_cast<size_t>(shape_.head_size);
  const size_t channels = static_cast<size_t>(shape_.kv_heads) * size;
  std::vector<KvLayerStatistics> layers(static_cast<size_t>(shape_.layers));
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    double energy = 0;
    double of_means = 0;
    std::vector<double> plain;
    std::vector<double> scaled;
    for (size_t at = layer * channels; at < (layer + 1) * channels; ++at) {
      const double count = static_cast<double>(std::max<int64_t>(1, keys_[at / size]));
      energy += sums_[at].key_square / count;
      of_means += sums_[at].key / count * (sums_[at].key / count);
      plain.push_back(Deviation(at));
      scaled.push_back(plain.back() / calibration.key_scale[at]);
    }
    const auto ratio = [](std::vector<double>& values) {
      std::sort(values.begin(), values.end());
      const double middle = values[values.size() / 2];
      return middle > 0 ? values.back() / middle : 0;
    };
    layers[layer] = {energy > 0 ? of_means / energy : 0, ratio(plain), ratio(scaled)};
  }
  return layers;
}

KvCalibration CalibrationFromNorms(const KvShape& shape, const std::vector<const float*>& q_norm,
                                   const std::vector<const float*>& k_norm) {
  KvCalibration calibration;
  calibration.source = "norms";
  const size_t size = static_cast<size_t>(shape.head_size);
  std::vector<double> scales(size);
  for (size_t layer = 0; layer < q_norm.size(); ++layer) {
    // RoPE mixes the channels of a pair (i, i + size / 2): both are as loud as their mean energy says.
    const auto pair = [&](const float* norm, size_t i) {
      const double a = norm[i % (size / 2)];
      const double b = norm[i % (size / 2) + size / 2];
      return std::sqrt((a * a + b * b) / 2);
    };
    for (size_t i = 0; i < size; ++i) {
      scales[i] = std::sqrt(pair(k_norm[layer], i) / pair(q_norm[layer], i));
    }
    Balance(&scales);
    for (int32_t head = 0; head < shape.kv_heads; ++head) {
      calibration.key_scale.insert(calibration.key_scale.end(), scales.begin(), scales.end());
    }
  }
  calibration.key_mean.assign(calibration.key_scale.size(), 0.0f);
  return calibration;
}

std::unique_ptr<KvCache> NewStatisticsCache(const KvShape& shape, int64_t max_tokens, const KernelTable& kernels,
                                            KeyStatistics* statistics) {
  return std::make_unique<StatisticsCache>(shape, max_tokens, kernels, statistics);
}

}  // namespace niwaki
