#include "compare.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace niwaki::kvbench {

namespace {
constexpr float kClear = 0.1f;  // of logits
constexpr double kSure = 0.1;   // of probabilities
}  // namespace

double LogSumExp(const float* logits, size_t n) {
  const float top = *std::max_element(logits, logits + n);
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    sum += std::exp(logits[i] - top);
  }
  return top + std::log(sum);
}

void Reference::Add(const float* logits) {
  Row row;
  row.log_sum = LogSumExp(logits, vocabulary_);
  row.best = static_cast<size_t>(std::max_element(logits, logits + vocabulary_) - logits);
  float second = -1e30f;
  for (size_t i = 0; i < vocabulary_; ++i) {
    second = i != row.best ? std::max(second, logits[i]) : second;
    probabilities_.push_back(static_cast<float>(std::exp(logits[i] - row.log_sum)));
  }
  row.lead = logits[row.best] - second;
  row.sure = std::exp(logits[row.best] - row.log_sum) - std::exp(second - row.log_sum);
  logits_.insert(logits_.end(), logits, logits + vocabulary_);
  rows_.push_back(row);
}

void Tally::Add(const Reference& reference, int64_t position, const float* logits, TokenId next, int64_t block) {
  const size_t n = reference.vocabulary();
  const Reference::Row& row = reference.row(position);
  const float* p = reference.probabilities(position);
  const float* wanted = reference.logits(position);
  const double log_sum = LogSumExp(logits, n);
  // Differences of logits first: where nothing differs, nothing is left of the rounding of p.
  double kl = log_sum - row.log_sum;
  for (size_t i = 0; i < n; ++i) {
    kl += static_cast<double>(p[i]) * (static_cast<double>(wanted[i]) - logits[i]);
  }
  divergences_.push_back({std::max(0.0, kl), block});
  const bool same = static_cast<size_t>(std::max_element(logits, logits + n) - logits) == row.best;
  agreed_ += same ? 1 : 0;
  if (row.lead >= kClear) {
    ++clear_;
    clear_agreed_ += same ? 1 : 0;
  }
  if (row.sure >= kSure) {
    ++sure_;
    sure_agreed_ += same ? 1 : 0;
  }
  if (!same) {
    overturned_ = std::max(overturned_, row.lead);
  }
  if (next >= 0) {
    ++scored_;
    loss_ += log_sum - logits[next];
    reference_loss_ += row.log_sum - wanted[next];
  }
}

void Tally::Merge(const Tally& other) {
  divergences_.insert(divergences_.end(), other.divergences_.begin(), other.divergences_.end());
  agreed_ += other.agreed_;
  clear_ += other.clear_;
  clear_agreed_ += other.clear_agreed_;
  sure_ += other.sure_;
  sure_agreed_ += other.sure_agreed_;
  overturned_ = std::max(overturned_, other.overturned_);
  scored_ += other.scored_;
  loss_ += other.loss_;
  reference_loss_ += other.reference_loss_;
}

double Tally::mean() const {
  double sum = 0;
  for (const Divergence& one : divergences_) {
    sum += one.kl;
  }
  return sum / static_cast<double>(std::max<size_t>(1, divergences_.size()));
}

JsonObject Tally::Json() const {
  const double count = static_cast<double>(divergences_.size());
  std::map<int64_t, std::pair<double, double>> blocks;  // sum, number
  std::vector<double> sorted;
  for (const auto& [kl, block] : divergences_) {
    sorted.push_back(kl);
    blocks[block].first += kl;
    blocks[block].second += 1;
  }
  std::sort(sorted.begin(), sorted.end());
  // The mean is a ratio of sums over blocks; its variance by the blocks' residuals.
  double residuals = 0;
  for (const auto& [block, sums] : blocks) {
    const double rest = sums.first - mean() * sums.second;
    residuals += rest * rest;
  }
  const double number = static_cast<double>(blocks.size());
  const double error = std::sqrt(residuals * number / std::max(1.0, number - 1)) / std::max(1.0, count);
  const auto share = [](int64_t part, int64_t all) {
    return all > 0 ? 100 * static_cast<double>(part) / static_cast<double>(all) : 100.0;
  };
  JsonObject json;
  json.Set("positions", static_cast<int64_t>(divergences_.size())).Set("kl", mean()).Set("klError", 1.96 * error);
  json.Set("kl999", sorted.empty() ? 0 : sorted[static_cast<size_t>(0.999 * (count - 1))]);
  json.Set("klMax", sorted.empty() ? 0 : sorted.back());
  json.Set("top1", share(agreed_, static_cast<int64_t>(sorted.size())));
  json.Set("clear", clear_).Set("top1Clear", share(clear_agreed_, clear_)).Set("clearMissed", clear_ - clear_agreed_);
  json.Set("sure", sure_)
      .Set("top1Sure", share(sure_agreed_, sure_))
      .Set("overturned", static_cast<double>(overturned_));
  const double scored = static_cast<double>(std::max<int64_t>(1, scored_));
  json.Set("perplexity", std::exp(reference_loss_ / scored));
  json.Set("perplexityChange", 100 * (std::exp((loss_ - reference_loss_) / scored) - 1));
  return json;
}

}  // namespace niwaki::kvbench
