// What the sampler keeps of its candidates: top-k, the nucleus, min-p.
#include <algorithm>

#include "sample/blocks.h"
#include "sample/sampler.h"

namespace niwaki {

void Sampler::KeepTopK() {
  const size_t k = static_cast<size_t>(std::max(0, options_.top_k));
  if (k == 0 || k >= candidates_.size()) {
    return;
  }
  std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<int64_t>(k) - 1, candidates_.end(), IsBetter);
  candidates_.resize(k);
  std::sort(candidates_.begin(), candidates_.end(), ComesFirst);
}

double Sampler::Weigh(float top) {
  double total = 0;
  for (size_t begin = 0; begin < candidates_.size(); begin += kLogitBlock) {
    const size_t n = std::min(kLogitBlock, candidates_.size() - begin);
    float logits[kLogitBlock];
    float weights[kLogitBlock];
    for (size_t i = 0; i < n; ++i) {
      logits[i] = candidates_[begin + i].logit;
    }
    ExpInto(logits, n, top, 1.0f, weights);
    for (size_t i = 0; i < n; ++i) {
      candidates_[begin + i].weight = weights[i];
    }
    total += SumOf(weights, n);
  }
  return total;
}

bool Sampler::KeepNucleus(double mass) {
  // Halves what is undecided, by partition and not by sorting: the better half is all in, or the worse half is all out.
  order_ = candidates_;
  size_t low = 0;
  size_t high = order_.size();
  double sum = 0;  // of the first `low`, which are all in
  while (high - low > 16) {
    const size_t middle = (low + high) / 2;
    std::nth_element(order_.begin() + static_cast<int64_t>(low), order_.begin() + static_cast<int64_t>(middle),
                     order_.begin() + static_cast<int64_t>(high), IsBetter);
    double part = 0;
    for (size_t i = low; i < middle; ++i) {
      part += static_cast<double>(order_[i].weight);
    }
    if (sum + part >= mass) {
      high = middle;
    } else {
      sum += part;
      low = middle;
    }
  }
  std::sort(order_.begin() + static_cast<int64_t>(low), order_.begin() + static_cast<int64_t>(high), IsBetter);
  for (; low < order_.size(); ++low) {
    sum += static_cast<double>(order_[low].weight);
    if (sum >= mass) {
      const Candidate last = order_[low];
      candidates_.erase(
          std::remove_if(candidates_.begin(), candidates_.end(), [&](const Candidate& c) { return IsBetter(last, c); }),
          candidates_.end());
      return true;
    }
  }
  return false;
}

void Sampler::KeepFrom(float bound) {
  candidates_.erase(
      std::remove_if(candidates_.begin(), candidates_.end(), [&](const Candidate& c) { return c.logit < bound; }),
      candidates_.end());
}

}  // namespace niwaki
