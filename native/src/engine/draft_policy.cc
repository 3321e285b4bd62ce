#include "engine/draft_policy.h"

#include <algorithm>

namespace niwaki {
namespace {

// Tokens accepted for one refused, before anything is known.
constexpr std::array<double, DraftPolicy::kKinds> kPrior = {1, 3, 9, 9, 3};
// What a judgement leaves of those before it: the chances follow the text within some ten drafts.
constexpr double kJudged = 0.85;
// What a pass without a draft leaves: who stopped drafting tries again after some dozens of tokens.
constexpr double kUnused = 0.98;
// Between what is usual for vector tables, bound by memory for one token and by arithmetic for several, and tiles.
constexpr double kExpectedMarginal = 0.3;
// Times only ever err upwards, when the system gives the processor to others: they fall at once and rise slowly.
constexpr double kFall = 0.5;
constexpr double kRise = 0.05;
// What a pass over one token takes off the difference from what is expected of other sizes.
constexpr double kStale = 0.005;
// A first measurement may be such an error.
constexpr double kMostOverExpected = 1.2;
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
    const double speed = tokens / Cost(k + 1);
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

double DraftPolicy::Marginal() const {
  double sum = kExpectedMarginal;
  double count = 1;
  for (int tokens = 2; tokens <= kMostTokens && ms_[0] > 0; ++tokens) {
    const double ms = ms_[static_cast<size_t>(tokens - 1)];
    if (ms > 0) {
      // Of the larger passes more can be seen.
      sum += std::max(0.0, ms / ms_[0] - 1);
      count += tokens - 1;
    }
  }
  return sum / count;
}

double DraftPolicy::Cost(int tokens) const {
  const double expected = 1 + Marginal() * (tokens - 1);
  const double ms = ms_[static_cast<size_t>(tokens - 1)];
  return ms > 0 && ms_[0] > 0 ? std::max(1.0, ms / ms_[0]) : expected;
}

void DraftPolicy::Time(int tokens, double ms) {
  double& known = ms_[static_cast<size_t>(tokens - 1)];
  if (known == 0) {
    known = ms_[0] > 0 ? std::min(ms, ms_[0] * Cost(tokens) * kMostOverExpected) : ms;
  } else {
    known += ms < known ? kFall * (ms - known) : kRise * (std::min(ms, 2 * known) - known);
  }
  if (tokens > 1) {
    return;
  }
  for (Record& record : records_) {
    record.accepted *= kUnused;
    record.refused *= kUnused;
  }
  // What looked too dear is tried again some time.
  const double marginal = Marginal();
  for (int other = 2; other <= kMostTokens; ++other) {
    double& stale = ms_[static_cast<size_t>(other - 1)];
    const double expected = ms_[0] * (1 + std::min(marginal, kExpectedMarginal) * (other - 1));
    stale += stale > 0 ? kStale * (expected - stale) : 0;
  }
}

}  // namespace niwaki
