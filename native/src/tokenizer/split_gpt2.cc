// GPT-2's rule, and StarCoder's, which is GPT-2's on what lies between single digits.
#include "tokenizer/char_scan.h"

namespace niwaki {
namespace {

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// With kSingleNumbers the text was cut before and after each \p{N} first, so that a number ends the text for what is
// before it.
template <bool kSingleNumbers>
size_t PieceEnd(std::string_view text, size_t at) {
  const Char c = CharAt(text, at);
  if (c.code_point == '\'') {
    if (const size_t length = Contraction<false>(text, at); length != 0) {
      return at + length;
    }
  }
  const size_t body = c.code_point == ' ' ? at + 1 : at;
  const Char first = body == at ? c : CharAt(text, body);
  const size_t next = body + first.length;
  if (first.letter()) {
    return SkipLetters(text, next);
  }
  if (first.number()) {
    if (!kSingleNumbers) {
      return SkipWhile(text, next, [](const Char& x) { return x.number(); });
    }
    return body == at ? next : body;  // a space before the number is all that is left of the text before it
  }
  if (first.other()) {
    return SkipOthers(text, next);
  }
  // A run before more text leaves its last character to the next piece, unless that is all there is.
  const WhiteSpace run = WhiteSpaceAt(text, at);
  const Char after = CharAt(text, run.end);
  return after.end() || (kSingleNumbers && after.number()) || run.last == at ? run.end : run.last;
}

}  // namespace

size_t Gpt2PieceEnd(std::string_view text, size_t at) { return PieceEnd<false>(text, at); }
size_t StarcoderPieceEnd(std::string_view text, size_t at) { return PieceEnd<true>(text, at); }

}  // namespace niwaki
