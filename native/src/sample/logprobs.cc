#include "sample/logprobs.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "sample/blocks.h"

namespace niwaki {

double LogSum(std::span<const float> logits) {
  const float top = MaxOf(logits.data(), logits.size());
  double sum = 0;
  for (size_t i = 0; i < logits.size(); i += kLogitBlock) {
    const size_t n = std::min(kLogitBlock, logits.size() - i);
    float weights[kLogitBlock];
    ExpInto(logits.data() + i, n, top, 1.0f, weights);
    sum += SumOf(weights, n);
  }
  return static_cast<double>(top) + std::log(sum);
}

float LogProbability(std::span<const float> logits, TokenId id) {
  return static_cast<float>(static_cast<double>(logits[static_cast<size_t>(id)]) - LogSum(logits));
}

std::vector<std::pair<TokenId, float>> TopLogProbabilities(std::span<const float> logits, int count) {
  const size_t kept = std::min(logits.size(), static_cast<size_t>(std::max(0, count)));
  if (kept == 0) {
    return {};
  }
  // The kept-th best of the blocks' maxima is no better than the kept-th best of all.
  std::vector<float> maxima;
  for (size_t i = 0; i < logits.size(); i += kLogitBlock) {
    maxima.push_back(MaxOf(logits.data() + i, std::min(kLogitBlock, logits.size() - i)));
  }
  float bound = -std::numeric_limits<float>::infinity();
  if (kept <= maxima.size()) {
    std::nth_element(maxima.begin(), maxima.begin() + static_cast<int64_t>(kept) - 1, maxima.end(),
                     std::greater<float>());
    bound = maxima[kept - 1];
  }
  std::vector<std::pair<TokenId, float>> best;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] >= bound) {
      best.emplace_back(static_cast<TokenId>(i), logits[i]);
    }
  }
  const size_t count_kept = std::min(kept, best.size());
  std::partial_sort(
      best.begin(), best.begin() + static_cast<int64_t>(count_kept), best.end(),
      [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; });
  best.resize(count_kept);
  const double log_sum = LogSum(logits);
  for (auto& [id, value] : best) {
    value = static_cast<float>(static_cast<double>(value) - log_sum);
  }
  return best;
}

}  // namespace niwaki
