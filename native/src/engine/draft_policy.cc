#include "engine/draft_policy.h"

#include <algorithm>

namespace niwaki {
namespace {

// Tokens accepted for one refused, before anything is known.
constexpr std::array<double, DraftPolicy::kKinds> kPrior = {1, 3, 9, 9};
// What a judgement leaves of those before it: the chances follow the text within some ten drafts.
constexpr double kJudged = 0.85;
// What a pass without a draft leaves: who stopped drafting tries again after some dozens of tokens.
constexpr double kUnused = 0.98;
constexpr double kTimed = 0.2;
// A draft has to promise more than the noise of the times.
constexpr double kWorthwhile = 1.03;

}  // namespace

double DraftPolicy::Chance(Kind kind) const {
  const size_t i = static_cast<size_t>(kind);
  return (records_[i].accepted + kPrior[i]) / (records_[i].accepted + records_[i].refused + kPrior[i] + 1);
}

int DraftPolicy::Length(Kind kind, int most) const {
  const double chance = Chance(kind);
  int best_length = 0;
  double best = kWorthwhile;
  double tokens = 1;  // that a pass with k drafted ones yields: 1 + chance + chance^2 + ...
  double next = 1;
  for (int k = 1; k <= most; ++k) {
    next *= chance;
    tokens += next;
    const double speed = tokens / (1 + marginal_ * k);
    if (speed > best) {
      best = speed;
      best_length = k;
    }
  }
  return best_length;
}

void DraftPolicy::Judge(Kind kind, int drafted, int accepted) {
  Record& record = records_[static_cast<size_t>(kind)];
  record.accepted = record.accepted * kJudged + accepted;
  record.refused = record.refused * kJudged + (accepted < drafted ? 1 : 0);
}

void DraftPolicy::Time(int tokens, double ms) {
  if (tokens == 1) {
    single_ms_ = single_ms_ == 0 ? ms : single_ms_ + kTimed * (ms - single_ms_);
    marginal_ += (1 - kUnused) * (kExpectedMarginal - marginal_);
    for (Record& record : records_) {
      record.accepted *= kUnused;
      record.refused *= kUnused;
    }
  } else if (single_ms_ > 0) {
    // Bounded: one pass that the system interrupted says nothing about the next.
    const double marginal = std::clamp((ms / single_ms_ - 1) / (tokens - 1), 0.02, 1.2);
    marginal_ += kTimed * (marginal - marginal_);
  }
}

}  // namespace niwaki
