#include "engine/healing.h"

#include <algorithm>

namespace niwaki {
namespace {

// Whether the timeline has `first` somewhere, followed by tokens that begin with `rest`.
bool Spelled(const Tokenizer& tokenizer, std::span<const TokenId> timeline, TokenId first, std::string_view rest) {
  for (size_t at = 0; at + 1 < timeline.size(); ++at) {
    if (timeline[at] != first) {
      continue;
    }
    std::string_view wanted = rest;
    for (size_t next = at + 1; next < timeline.size() && !wanted.empty(); ++next) {
      const std::string_view bytes = tokenizer.Bytes(timeline[next]);
      const size_t shared = std::min(bytes.size(), wanted.size());
      if (shared == 0 || bytes.substr(0, shared) != wanted.substr(0, shared)) {
        break;
      }
      wanted.remove_prefix(shared);
    }
    if (wanted.empty()) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<TokenId> HealingTokens(const Tokenizer& tokenizer, std::span<const TokenId> timeline,
                                   std::string_view left) {
  std::vector<TokenId> ids = tokenizer.IdsWithPrefix(left);
  // A token that is only the beginning of what is left ("p" of "pal", where "palette" is "p", "alette") would let the
  // model take back the cut that healing undoes, unless the prompt itself spells a word with it.
  const bool any_cut = ids.empty();
  for (size_t length = left.size() - 1; length > 0; --length) {
    const TokenId id = tokenizer.Find(left.substr(0, length));
    if (id < 0 || tokenizer.IsControl(id)) {
      continue;
    }
    if (Spelled(tokenizer, timeline, id, left.substr(length)) || (any_cut && ids.empty())) {
      ids.push_back(id);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace niwaki
