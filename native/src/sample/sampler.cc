#include "sample/sampler.h"

#include <algorithm>
#include <cmath>

namespace niwaki {
namespace {

// Better candidates first; equal logits by id, so that results do not depend on the order of partial sorts.
constexpr auto kBetter = [](const auto& a, const auto& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
};

}  // namespace

Sampler::Sampler(const SamplingOptions& options, std::span<const uint8_t> never)
    : options_(options), never_(never.begin(), never.end()), state_(options.seed) {
  for (const TokenId id : options_.banned) {
    if (id >= 0 && static_cast<size_t>(id) < never_.size()) {
      never_[static_cast<size_t>(id)] = 1;
    }
  }
  if (!options_.allowed.empty()) {
    for (size_t id = 0; id < never_.size(); ++id) {
      const size_t word = id / 32;
      const bool may = word < options_.allowed.size() && ((options_.allowed[word] >> (id % 32)) & 1u) != 0;
      never_[id] = may ? never_[id] : 1;
    }
  }
}

std::span<const float> Sampler::Adjust(std::span<const float> logits, std::span<const TokenId> history) {
  const bool penalties = !history.empty() && (options_.repetition_penalty != 1 || options_.frequency_penalty != 0 ||
                                              options_.presence_penalty != 0);
  if (options_.logit_bias.empty() && !penalties) {
    return logits;
  }
  adjusted_.assign(logits.begin(), logits.end());
  for (const auto& [id, bias] : options_.logit_bias) {
    if (id >= 0 && static_cast<size_t>(id) < adjusted_.size()) {
      adjusted_[static_cast<size_t>(id)] += bias;
    }
  }
  if (!penalties) {
    return adjusted_;
  }
  const size_t window = static_cast<size_t>(std::max(0, options_.penalty_window));
  const size_t count = window == 0 ? history.size() : std::min(window, history.size());
  recent_.assign(history.end() - static_cast<int64_t>(count), history.end());
  std::sort(recent_.begin(), recent_.end());
  for (size_t begin = 0; begin < recent_.size();) {
    const TokenId id = recent_[begin];
    size_t end = begin;
    while (end < recent_.size() && recent_[end] == id) {
      ++end;
    }
    if (id >= 0 && static_cast<size_t>(id) < adjusted_.size()) {
      float& logit = adjusted_[static_cast<size_t>(id)];
      logit = logit > 0 ? logit / options_.repetition_penalty : logit * options_.repetition_penalty;
      logit -= static_cast<float>(end - begin) * options_.frequency_penalty + options_.presence_penalty;
    }
    begin = end;
  }
  return adjusted_;
}

TokenId Sampler::Sample(std::span<const float> logits, std::span<const TokenId> allowed,
                        std::span<const TokenId> history) {
  Collect(Adjust(logits, history), allowed);
  if (candidates_.empty()) {
    return -1;
  }
  if (options_.temperature <= 0) {
    return std::min_element(candidates_.begin(), candidates_.end(), kBetter)->id;
  }
  KeepTopK();
  KeepTopP();
  KeepMinP();
  return Draw();
}

void Sampler::Collect(std::span<const float> logits, std::span<const TokenId> allowed) {
  candidates_.clear();
  const auto offer = [&](TokenId id) {
    const size_t i = static_cast<size_t>(id);
    // A logit that is not a number is never chosen.
    if (i < logits.size() && i < never_.size() && never_[i] == 0 && logits[i] == logits[i]) {
      candidates_.push_back({logits[i], id});
    }
  };
  if (!allowed.empty()) {
    for (const TokenId id : allowed) {
      offer(id);
    }
    return;
  }
  if (options_.temperature <= 0) {  // only the best one is wanted
    size_t best = logits.size();
    for (size_t i = 0; i < std::min(logits.size(), never_.size()); ++i) {
      if (never_[i] == 0 && logits[i] == logits[i] && (best == logits.size() || logits[i] > logits[best])) {
        best = i;
      }
    }
    if (best < logits.size()) {
      candidates_.push_back({logits[best], static_cast<TokenId>(best)});
    }
    return;
  }
  for (size_t i = 0; i < logits.size(); ++i) {
    offer(static_cast<TokenId>(i));
  }
}

void Sampler::KeepTopK() {
  const size_t k = static_cast<size_t>(std::max(0, options_.top_k));
  if (k == 0 || k >= candidates_.size()) {
    return;
  }
  std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<int64_t>(k) - 1, candidates_.end(), kBetter);
  candidates_.resize(k);
}

void Sampler::KeepTopP() {
  if (options_.top_p >= 1 || candidates_.size() <= 1) {
    return;
  }
  const float top = std::min_element(candidates_.begin(), candidates_.end(), kBetter)->logit;
  double total = 0;
  for (const Candidate& c : candidates_) {
    total += std::exp(static_cast<double>(c.logit - top));
  }
  // The nucleus is small nearly always: sort a little, look, sort more.
  double sum = 0;
  size_t kept = 0;
  for (size_t sorted = 32; kept < candidates_.size(); sorted *= 4) {
    const size_t end = std::min(sorted, candidates_.size());
    std::partial_sort(candidates_.begin() + static_cast<int64_t>(kept), candidates_.begin() + static_cast<int64_t>(end),
                      candidates_.end(), kBetter);
    while (kept < end) {
      sum += std::exp(static_cast<double>(candidates_[kept].logit - top));
      ++kept;
      if (sum >= static_cast<double>(options_.top_p) * total) {
        candidates_.resize(kept);
        return;
      }
    }
  }
}

void Sampler::KeepMinP() {
  if (options_.min_p <= 0) {
    return;
  }
  const float top = std::min_element(candidates_.begin(), candidates_.end(), kBetter)->logit;
  const float bound = top + std::log(std::min(options_.min_p, 1.0f));
  candidates_.erase(
      std::remove_if(candidates_.begin(), candidates_.end(), [&](const Candidate& c) { return c.logit < bound; }),
      candidates_.end());
}

TokenId Sampler::Draw() {
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  float top = candidates_.front().logit;
  for (const Candidate& c : candidates_) {
    top = std::max(top, c.logit);
  }
  const auto weight = [&](const Candidate& c) {
    return std::exp(static_cast<double>(c.logit - top) / static_cast<double>(options_.temperature));
  };
  double total = 0;
  for (const Candidate& c : candidates_) {
    total += weight(c);
  }
  double left = NextUniform() * total;
  for (const Candidate& c : candidates_) {
    left -= weight(c);
    if (left < 0) {
      return c.id;
    }
  }
  return candidates_.back().id;
}

// SplitMix64 (Steele, Lea and Flood 2014): the same draws for the same seed on every machine.
double Sampler::NextUniform() {
  state_ += 0x9e3779b97f4a7c15ull;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

namespace {

// log(sum(exp(logits))), and the largest logit that it was summed around.
double LogSum(std::span<const float> logits, float* top) {
  *top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) {
    sum += static_cast<double>(std::exp(logit - *top));
  }
  return std::log(sum);
}

}  // namespace

float LogProbability(std::span<const float> logits, TokenId id) {
  float top;
  const double log_sum = LogSum(logits, &top);
  return static_cast<float>(static_cast<double>(logits[static_cast<size_t>(id)] - top) - log_sum);
}

std::vector<std::pair<TokenId, float>> TopLogProbabilities(std::span<const float> logits, int count) {
  const size_t kept = std::min(logits.size(), static_cast<size_t>(std::max(0, count)));
  if (kept == 0) {
    return {};
  }
  float top;
  const double log_sum = LogSum(logits, &top);
  std::vector<std::pair<TokenId, float>> all(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    all[i] = {static_cast<TokenId>(i), static_cast<float>(static_cast<double>(logits[i] - top) - log_sum)};
  }
  std::partial_sort(all.begin(), all.begin() + static_cast<int64_t>(kept), all.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  all.resize(kept);
  return all;
}

}  // namespace niwaki
