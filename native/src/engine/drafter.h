// Guesses the next tokens of a text from the text itself (prompt lookup): what is being copied goes on being copied.
// Where the copy departs from its source, as when a symbol is renamed or a line changed, the place in the source is
// kept, the copy is taken up again behind the change, and the same change is expected wherever the same tokens come.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/draft_policy.h"
#include "engine/suffix_index.h"
#include "niwaki/engine.h"

namespace niwaki {

class Drafter {
 public:
  // Makes the text equal to `tokens` and forgets what was copied. `expected`: how somebody expects it to go on.
  void Begin(std::span<const TokenId> tokens, std::span<const TokenId> expected = {});
  // A token was said.
  void Push(TokenId id);
  // What may come next, at most `most` tokens; nothing where it would cost more than it brings. Valid until the next
  // call.
  std::span<const TokenId> Propose(const LookupOptions& options, int most);
  // How many tokens of the last proposal were tried, and how many of them were right.
  void Judge(int tried, int accepted) { policy_.Judge(kind_, tried, accepted); }

  DraftPolicy& policy() { return policy_; }

 private:
  // Where these tokens came in the source, those were said.
  struct Change {
    std::vector<TokenId> from;
    std::vector<TokenId> to;
  };
  bool At(int64_t position, const std::vector<TokenId>& tokens) const;
  const Change* ChangeAt(int64_t position) const;
  void Depart(TokenId id);
  // Takes the copy up again where the source says what was just said. False when that is nowhere near.
  bool Rejoin();
  void Learn(int64_t source_end);
  void Copy(int64_t from, size_t length);

  SuffixIndex index_;
  DraftPolicy policy_;
  int64_t cursor_ = -1;           // the source's next token, where a copy is under way; -1 = none is
  int agreed_ = 0;                // tokens that were copied before it
  std::vector<TokenId> instead_;  // said since the copy departed from its source at cursor_; empty = it has not
  std::vector<Change> changes_;   // the latest first
  std::vector<TokenId>
      expected_;  // what is left of it, the next token last; empty = nothing, or something else was said
  std::vector<TokenId> draft_;
  DraftPolicy::Kind kind_ = DraftPolicy::Kind::kShort;
};

}  // namespace niwaki
