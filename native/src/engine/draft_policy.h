// How many tokens a draft should have: as many as are likely to be right, as far as a batch costs less than its tokens
// one by one.
#pragma once

#include <array>

#include "niwaki/engine.h"  // LookupOptions

namespace niwaki {

class DraftPolicy {
 public:
  // What a draft relies on: the more tokens agree, the likelier it is right. Each kind learns its own chances.
  enum class Kind { kShort, kMedium, kLong, kAligned, kExpected };
  static constexpr int kKinds = 5;
  static Kind KindOf(int matched) { return matched < 4 ? Kind::kShort : matched < 10 ? Kind::kMedium : Kind::kLong; }

  // The length, 0..most, with which most tokens come out in a unit of time.
  int Length(Kind kind, int most) const;
  // Tells what became of a draft. Accepted ones make the next longer, a refusal makes them shorter.
  void Judge(Kind kind, int drafted, int accepted);
  // Tells how long a pass over `tokens` tokens took.
  void Time(int tokens, double ms);

  // The time of a pass over `tokens` tokens, in passes over one.
  double Cost(int tokens) const;
  // The chance that a drafted token is accepted where those before it were.
  double Chance(Kind kind) const;

 private:
  static constexpr int kMostTokens = LookupOptions::kMaxDraft + 1;
  struct Record {
    double accepted = 0;
    double refused = 0;
  };
  // What a further token adds to a pass, in passes over one token, as far as the measured ones tell.
  double Marginal() const;

  std::array<Record, kKinds> records_;
  // Milliseconds of passes over 1.. tokens, 0 = not measured. For each size: kernels work in tiles, and a pass over
  // three tokens may cost as much as one over four.
  std::array<double, kMostTokens> ms_ = {};
};

}  // namespace niwaki
