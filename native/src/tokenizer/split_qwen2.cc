// The rule of Llama 3, and Qwen2's, which differs in the length of numbers.
#include "tokenizer/char_scan.h"

namespace niwaki {
namespace {

// (?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]) | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N}{1,digits}
//   | ?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S) | \s+
template <int kDigits>
size_t PieceEnd(std::string_view text, size_t at) {
  const Char c = CharAt(text, at);
  size_t next = at + c.length;
  if (c.letter()) {
    return SkipLetters(text, next);
  }
  if (c.code_point == '\'') {
    if (const size_t length = Contraction<true>(text, at); length != 0) {
      return at + length;
    }
  }
  if (c.number()) {
    Char digit = CharAt(text, next);
    for (int i = 1; i < kDigits && digit.number(); ++i, digit = CharAt(text, next)) {
      next += digit.length;
    }
    return next;
  }
  const Char second = CharAt(text, next);
  if (second.letter() && !c.newline()) {
    return SkipLetters(text, next + second.length);
  }
  if (c.other() || (c.code_point == ' ' && second.other())) {
    return SkipWhile(text, SkipOthers(text, next), [](const Char& x) { return x.newline(); });
  }
  const WhiteSpace run = WhiteSpaceAt(text, at);
  if (run.newline_end != 0) {
    return run.newline_end;
  }
  // A run before more text leaves its last character to the next piece, unless that is all there is.
  return run.end == text.size() || run.last == at ? run.end : run.last;
}

}  // namespace

size_t Qwen2PieceEnd(std::string_view text, size_t at) { return PieceEnd<1>(text, at); }
size_t Llama3PieceEnd(std::string_view text, size_t at) { return PieceEnd<3>(text, at); }

}  // namespace niwaki
