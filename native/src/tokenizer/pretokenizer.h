// Cuts text into the pieces inside which byte pairs are merged.
#pragma once

#include <string_view>
#include <vector>

namespace niwaki {

// Appends the pieces of `text` under the pattern of Qwen2 tokenizers, which in regular-expression form is
//   (?i:'s|'t|'re|'ve|'m|'ll|'d) | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N} | ?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S)
//   | \s+
// Matched by hand, alternatives in this order. A byte that is no UTF-8 counts as one character that is neither letter,
// number nor space, so every text is covered exactly and in order.
void SplitQwen2(std::string_view text, std::vector<std::string_view>* pieces);

}  // namespace niwaki
