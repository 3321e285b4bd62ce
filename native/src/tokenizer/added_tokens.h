// Tokens that are recognised in the text itself, before it is cut into pieces.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "niwaki/engine.h"  // TokenId

namespace niwaki {

class AddedTokens {
 public:
  // Longer texts are no tokens; the bound keeps hostile files from making every text slow.
  static constexpr size_t kLongest = 1024;

  AddedTokens() = default;
  // `texts` are all tokens' bytes by id; they stay where they are as long as this lives. None of `ids` has an empty or
  // too long text. Of equal texts the lowest id counts.
  AddedTokens(const std::string* texts, std::vector<TokenId> ids);

  struct Match {
    size_t begin;
    size_t end;
    TokenId id;  // -1: none
  };
  // The first match that begins in [from, until), of those that begin there the longest; when there is none, begin is
  // `until`.
  Match Find(std::string_view text, size_t from, size_t until) const;

  // By text.
  const std::vector<TokenId>& ids() const { return ids_; }
  bool empty() const { return ids_.empty(); }
  size_t longest() const { return longest_; }

 private:
  Match MatchAt(std::string_view text, size_t at) const;

  const std::string* texts_ = nullptr;
  std::vector<TokenId> ids_;  // by text: a prefix lies right before what it is a prefix of
  std::array<bool, 256> begins_{};
  size_t longest_ = 0;
};

}  // namespace niwaki
