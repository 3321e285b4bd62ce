#include "twin.h"

#include <array>
#include <cmath>
#include <random>
#include <utility>

namespace niwaki::kvbench {
namespace {

// Chosen once, before anything was measured, after what is known of Qwen3's keys: a few channels about ten times as
// loud as the others, and about as much energy in the mean as in what varies.
constexpr std::array<float, 4> kLoud = {8, 16, 8, 16};
constexpr double kMeanOfNorm = 1;
constexpr int kConstantChannels = 4;

class ConstantCache final : public KvCache {
 public:
  ConstantCache(const KvShape& shape, const Twin& twin, std::unique_ptr<KvCache> inner)
      : shape_(shape), constant_(twin.constant), inner_(std::move(inner)) {}

  Status Prepare(int64_t begin, int64_t end, ThreadPool& pool, const std::atomic<bool>* cancel) override {
    return inner_->Prepare(begin, end, pool, cancel);
  }
  void Store(int32_t layer, int32_t kv_head, int64_t position, const float* k, const float* v) override {
    const float* add = constant_.data() + (int64_t{layer} * shape_.kv_heads + kv_head) * shape_.head_size;
    float moved[kMostHeadSize];
    for (int64_t i = 0; i < shape_.head_size; ++i) {
      moved[i] = k[i] + add[i];
    }
    inner_->Store(layer, kv_head, position, moved, v);
  }
  void Attend(int32_t layer, int32_t kv_head, const AttendQueries& queries, int64_t length,
              const std::atomic<bool>* cancel) const override {
    inner_->Attend(layer, kv_head, queries, length, cancel);
  }
  int64_t Truncate(int64_t tokens) override { return inner_->Truncate(tokens); }
  int64_t allocated_bytes() const override { return inner_->allocated_bytes(); }

 private:
  const KvShape shape_;
  const std::vector<float> constant_;
  const std::unique_ptr<KvCache> inner_;
};

}  // namespace

Twin InjectOutliers(const ModelConfig& config, Weights& weights) {
  const size_t size = static_cast<size_t>(config.head_size);
  const size_t pairs = size / 2;
  std::mt19937_64 random(5);  // the same twin every time
  Twin twin;
  for (LayerWeights& layer : weights.layers) {
    for (const float loud : kLoud) {
      const size_t pair = random() % pairs;
      for (const size_t i : {pair, pair + pairs}) {
        layer.k_norm[i] *= loud;
        layer.q_norm[i] /= loud;
      }
    }
    // A key is as long as the norm's weights, as what they multiply has mean square 1.
    double energy = 0;
    for (const float weight : layer.k_norm) {
      energy += static_cast<double>(weight) * weight;
    }
    for (int32_t head = 0; head < config.kv_heads; ++head) {
      std::vector<float> constant(size, 0.0f);
      for (int c = 0; c < kConstantChannels; ++c) {
        // Of the slow half of the rotations: in the others a key's constant part does not survive RoPE in real models.
        const size_t i = pairs / 2 + random() % (pairs / 2) + (random() % 2) * pairs;
        const double part = kMeanOfNorm * std::sqrt(energy / kConstantChannels);
        constant[i] += static_cast<float>(random() % 2 != 0 ? part : -part);
      }
      twin.constant.insert(twin.constant.end(), constant.begin(), constant.end());
    }
  }
  return twin;
}

std::unique_ptr<KvCache> WithConstants(const KvShape& shape, const Twin& twin, std::unique_ptr<KvCache> inner) {
  if (!twin.changed()) {
    return inner;
  }
  return std::make_unique<ConstantCache>(shape, twin, std::move(inner));
}

}  // namespace niwaki::kvbench
