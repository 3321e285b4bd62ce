#include "tokenizer/added_tokens.h"

#include <algorithm>

namespace niwaki {

AddedTokens::AddedTokens(const std::string* texts, std::vector<TokenId> ids) : texts_(texts), ids_(std::move(ids)) {
  const auto text = [texts](TokenId id) -> const std::string& { return texts[static_cast<size_t>(id)]; };
  std::sort(ids_.begin(), ids_.end(), [&](TokenId a, TokenId b) {
    const int order = text(a).compare(text(b));
    return order != 0 ? order < 0 : a < b;
  });
  ids_.erase(std::unique(ids_.begin(), ids_.end(), [&](TokenId a, TokenId b) { return text(a) == text(b); }),
             ids_.end());
  for (const TokenId id : ids_) {
    begins_[static_cast<uint8_t>(text(id)[0])] = true;
    longest_ = std::max(longest_, text(id).size());
  }
}

// Narrows the sorted list byte by byte to the tokens that begin with what was read: a trie without nodes.
AddedTokens::Match AddedTokens::MatchAt(std::string_view text, size_t at) const {
  Match match = {at, at, -1};
  auto low = ids_.begin();
  auto high = ids_.end();
  for (size_t depth = 0; low != high && at + depth < text.size(); ++depth) {
    const uint8_t wanted = static_cast<uint8_t>(text[at + depth]);
    // All in [low, high) share `depth` bytes; one that ends there sorts first.
    const auto byte = [&](TokenId id) {
      const std::string& token = texts_[static_cast<size_t>(id)];
      return token.size() == depth ? -1 : static_cast<int>(static_cast<uint8_t>(token[depth]));
    };
    low = std::partition_point(low, high, [&](TokenId id) { return byte(id) < static_cast<int>(wanted); });
    high = std::partition_point(low, high, [&](TokenId id) { return byte(id) <= static_cast<int>(wanted); });
    if (low != high && texts_[static_cast<size_t>(*low)].size() == depth + 1) {
      match = {at, at + depth + 1, *low};
    }
  }
  return match;
}

AddedTokens::Match AddedTokens::Find(std::string_view text, size_t from, size_t until) const {
  if (!ids_.empty()) {
    for (size_t at = from; at < until; ++at) {
      if (begins_[static_cast<uint8_t>(text[at])]) {
        const Match match = MatchAt(text, at);
        if (match.id >= 0) {
          return match;
        }
      }
    }
  }
  return {until, until, -1};
}

}  // namespace niwaki
