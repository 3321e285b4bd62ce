// The outlier twin: a model with other weights and other keys that says exactly the same. Small models have none of the
// loud channels and constant parts that large ones have in their keys, and a codec that is only ever shown tame keys
// looks better than it is.
//
// Two changes, neither of which a score can see: k_norm's weights of some RoPE pairs are multiplied and q_norm's
// divided by the same power of two (exact in floating point, and it commutes with RoPE, as both channels of a pair get
// it); and a constant vector is added to every key before the cache sees it, which moves all scores of a query by the
// same amount.
#pragma once

#include <memory>
#include <vector>

#include "kv/cache.h"
#include "model/weights.h"

namespace niwaki::kvbench {

struct Twin {
  std::vector<float> constant;  // [layers, kv heads, head_size]; empty: the model as it is
  bool changed() const { return !constant.empty(); }
};

// Changes the norms, and says what is to be added to the keys.
Twin InjectOutliers(const ModelConfig& config, Weights& weights);

// Adds the twin's constants to the keys on their way into `inner`.
std::unique_ptr<KvCache> WithConstants(const KvShape& shape, const Twin& twin, std::unique_ptr<KvCache> inner);

}  // namespace niwaki::kvbench
