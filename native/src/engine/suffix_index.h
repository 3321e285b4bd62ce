// Where the last tokens of a text have occurred before in it. The text grows and shrinks at its end only; both, and a
// search, take time that does not depend on its length.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "niwaki/engine.h"  // TokenId

namespace niwaki {

class SuffixIndex {
 public:
  // Longer agreement is not told apart.
  static constexpr int kLongest = 32;

  struct Match {
    int64_t next = -1;  // position of the token that followed there; -1 = no match
    int length = 0;     // tokens before it that agree with the end of the text, at most kLongest
  };

  // Makes the text equal to `tokens`; what both have in common at their beginning costs nothing but the comparison.
  void Update(std::span<const TokenId> tokens);
  void Push(TokenId id);
  std::span<const TokenId> tokens() const { return tokens_; }

  // The earlier occurrence that agrees with the end of the text over the most tokens, and at least over `min_length`
  // (2 or more); the latest among equals.
  Match Find(int min_length) const;

 private:
  uint32_t Slot(size_t position) const;
  void Pop();
  void Rehash(size_t slots);

  std::vector<TokenId> tokens_;
  // Chains of positions at which a pair of tokens with the same hash ends, latest first (as in LZ77 compressors): so
  // the last token can be taken back without a search.
  std::vector<int32_t> last_;      // [slots], -1 = none
  std::vector<int32_t> previous_;  // [tokens]
};

}  // namespace niwaki
