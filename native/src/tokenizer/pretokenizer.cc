#include "tokenizer/pretokenizer.h"

#include "base/utf8.h"
#include "tokenizer/unicode_table.h"

namespace niwaki {
namespace {

struct Char {
  uint32_t code_point = kInvalidChar;  // also past the end
  uint32_t length = 0;                 // 0 past the end
  CharClass kind = CharClass::kOther;
  bool end() const { return length == 0; }
  bool newline() const { return code_point == '\n' || code_point == '\r'; }
  bool letter() const { return kind == CharClass::kLetter; }
  bool number() const { return kind == CharClass::kNumber; }
  bool space() const { return kind == CharClass::kSpace; }
  bool other() const { return length != 0 && kind == CharClass::kOther; }
};

Char CharAt(std::string_view text, size_t at) {
  if (at >= text.size()) {
    return {};
  }
  const Utf8Char c = FirstChar(text.substr(at));
  if (c.code_point == kInvalidChar) {
    return {kInvalidChar, 1, CharClass::kOther};
  }
  return {c.code_point, c.length, ClassOf(c.code_point)};
}

// Length of 's 't 're 've 'm 'll 'd (either case) at an apostrophe, or 0.
size_t Contraction(std::string_view text, size_t at) {
  const auto lower = [&](size_t i) { return i < text.size() ? static_cast<char>(text[i] | 0x20) : '\0'; };
  const char a = lower(at + 1);
  const char b = lower(at + 2);
  if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) {
    return 3;
  }
  return a == 's' || a == 't' || a == 'm' || a == 'd' ? 2 : 0;
}

template <typename Predicate>
size_t SkipWhile(std::string_view text, size_t at, Predicate wanted) {
  for (Char c = CharAt(text, at); !c.end() && wanted(c); c = CharAt(text, at)) {
    at += c.length;
  }
  return at;
}

size_t WhitespaceEnd(std::string_view text, size_t begin) {
  size_t end = begin;
  size_t last = begin;     // where the run's last character begins
  size_t newline_end = 0;  // just past the run's last line break, 0 = none
  for (Char c = CharAt(text, end); !c.end() && c.space(); c = CharAt(text, end)) {
    last = end;
    end += c.length;
    newline_end = c.newline() ? end : newline_end;
  }
  if (newline_end != 0) {
    return newline_end;
  }
  // A run before more text leaves its last space to the next piece, unless it is all there is.
  return end == text.size() || last == begin ? end : last;
}

size_t PieceEnd(std::string_view text, size_t at) {
  const Char c = CharAt(text, at);
  if (c.code_point == '\'') {
    if (const size_t length = Contraction(text, at); length != 0) {
      return at + length;
    }
  }
  const size_t next = at + c.length;
  const auto letter = [](const Char& x) { return x.letter(); };
  if (c.letter() || (!c.newline() && !c.number() && CharAt(text, next).letter())) {
    return SkipWhile(text, next, letter);
  }
  if (c.number()) {
    return next;
  }
  if (c.other() || (c.code_point == ' ' && CharAt(text, next).other())) {
    const size_t end = SkipWhile(text, next, [](const Char& x) { return x.other(); });
    return SkipWhile(text, end, [](const Char& x) { return x.newline(); });
  }
  return WhitespaceEnd(text, at);
}

}  // namespace

void SplitQwen2(std::string_view text, std::vector<std::string_view>* pieces) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = PieceEnd(text, at);
    pieces->push_back(text.substr(at, end - at));
    at = end;
  }
}

}  // namespace niwaki
