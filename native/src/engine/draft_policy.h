// How many tokens a draft should have: as many as are likely to be right, as far as a batch costs less than its tokens
// one by one.
#pragma once

#include <array>

namespace niwaki {

class DraftPolicy {
 public:
  // What a draft relies on: the more tokens agree, the likelier it is right. Each kind learns its own chances.
  enum class Kind { kShort, kMedium, kLong, kAligned };
  static constexpr int kKinds = 4;
  static Kind KindOf(int matched) { return matched < 4 ? Kind::kShort : matched < 10 ? Kind::kMedium : Kind::kLong; }

  // The length, 0..most, with which most tokens come out in a unit of time.
  int Length(Kind kind, int most) const;
  // Tells what became of a draft. Accepted ones make the next longer, a refusal makes them shorter.
  void Judge(Kind kind, int drafted, int accepted);
  // Tells how long a pass over `tokens` tokens took.
  void Time(int tokens, double ms);

  // What a token adds to a pass, as a share of a pass over one token.
  double marginal_cost() const { return marginal_; }
  // The chance that a drafted token is accepted where those before it were.
  double Chance(Kind kind) const;

 private:
  struct Record {
    double accepted = 0;
    double refused = 0;
  };
  std::array<Record, kKinds> records_;
  double single_ms_ = 0;  // 0 = not known
  double marginal_ = kExpectedMarginal;
  // Between what is usual for vector tables, bound by memory for one token and by arithmetic for several, and tiles.
  static constexpr double kExpectedMarginal = 0.35;
};

}  // namespace niwaki
