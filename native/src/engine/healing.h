// Token healing: which tokens may come next while the text must still begin with a given prefix.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "niwaki/engine.h"

namespace niwaki {

// Ids (ascending) that may come next while `left` of the required prefix is outstanding.
std::vector<TokenId> HealingTokens(const Tokenizer& tokenizer, std::span<const TokenId> timeline,
                                   std::string_view left);

}  // namespace niwaki
