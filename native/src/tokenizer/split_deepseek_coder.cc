// DeepSeek Coder's rule: five splits one after the other, each applied to every piece that the former left; what a
// split matches becomes a piece, and so does what lies between its matches.
//   1 [\r\n]   2 \s?\p{L}+   3 \s?\p{P}+   4 [一-龥ࠀ-一가-퟿]+   5 \p{N}
// In one pass: splits 1 to 3 cut the text into groups (a line break; letters or punctuation with one space character
// before them; runs of what is left), and 4 and 5 cut within a group. Where a piece ends depends on nothing before it,
// as a space character belongs to a group with letters or punctuation only as the group's first.
#include "tokenizer/char_scan.h"

namespace niwaki {
namespace {

// Split 4's ranges, which hold most scripts of Asia, but also general punctuation and symbols.
bool InAsianRange(const Char& c) {
  return (c.code_point >= 0x800 && c.code_point <= 0x9fa5) || (c.code_point >= 0xac00 && c.code_point <= 0xd7ff);
}

// The end of the part of a group that splits 4 and 5 leave whole: `first` lies before `at` and is no number.
template <typename Predicate>
size_t PartEnd(std::string_view text, const Char& first, size_t at, Predicate in_group) {
  const bool asian = InAsianRange(first);
  for (Char c = CharAt(text, at); !c.end() && in_group(c, at) && InAsianRange(c) == asian && !c.number();
       c = CharAt(text, at)) {
    at += c.length;
  }
  return at;
}

}  // namespace

size_t DeepseekCoderPieceEnd(std::string_view text, size_t at) {
  const Char c = CharAt(text, at);
  const size_t next = at + c.length;
  if (c.newline() || c.number()) {
    return next;
  }
  const Char lead = c.space() ? CharAt(text, next) : c;  // what decides on the group
  if (lead.letter() || lead.punctuation()) {
    return PartEnd(text, c, next, [&lead](const Char& x, size_t) { return x.kind == lead.kind; });
  }
  return PartEnd(text, c, next, [&text](const Char& x, size_t begin) {
    if (x.letter() || x.punctuation() || x.newline()) {
      return false;
    }
    const Char after = x.space() ? CharAt(text, begin + x.length) : Char();
    return !after.letter() && !after.punctuation();
  });
}

}  // namespace niwaki
