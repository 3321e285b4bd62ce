// Cuts text into the pieces inside which byte pairs are merged.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace niwaki {

// Where the piece of `text` ends that begins at `at`, which is 0 or the end of a piece, and less than text.size().
// Every rule here looks only forward: the result depends on text[at..] alone. That is what makes it possible to start
// again in the middle of a text.
using PieceEnd = size_t (*)(std::string_view text, size_t at);

struct PreTokenizer {
  PieceEnd piece_end;
  // A piece that is a token becomes that token, also where merges would not lead to it ("ignore_merges").
  bool whole_tokens;
};

// The rule that tokenizer.ggml.pre names; null when there is none.
const PreTokenizer* FindPreTokenizer(std::string_view name);
// The rules' own names, for messages.
std::string PreTokenizerNames();

// Appends the pieces of `text`. They cover it exactly and in order.
void SplitPieces(PieceEnd piece_end, std::string_view text, std::vector<std::string_view>* pieces);

// A byte s so that pieces of `text` that end at or before s are the same whatever is appended to `text`, and finding
// their ends looks only at bytes of `text`. 0 when there is no such place.
size_t SettledBytes(std::string_view text);

}  // namespace niwaki
