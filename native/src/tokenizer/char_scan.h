// What the pre-tokenizers' rules share: characters with their class, runs of them, English contractions, white space.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/utf8.h"
#include "tokenizer/unicode_table.h"

namespace niwaki {

// A byte that is no UTF-8 counts as one character that is neither letter, number, punctuation nor space.
struct Char {
  uint32_t code_point = kInvalidChar;  // also past the end
  uint32_t length = 0;                 // 0 past the end
  CharClass kind = CharClass::kOther;
  bool end() const { return length == 0; }
  bool newline() const { return code_point == '\n' || code_point == '\r'; }
  bool letter() const { return kind == CharClass::kLetter; }
  bool number() const { return kind == CharClass::kNumber; }
  bool space() const { return kind == CharClass::kSpace; }
  bool punctuation() const { return kind == CharClass::kPunctuation; }
  // [^\s\p{L}\p{N}]
  bool other() const { return length != 0 && (kind == CharClass::kOther || kind == CharClass::kPunctuation); }
};

inline Char CharAt(std::string_view text, size_t at) {
  if (at >= text.size()) {
    return {};
  }
  const uint8_t lead = static_cast<uint8_t>(text[at]);
  if (lead < 0x80) {
    return {lead, 1, ClassOf(lead)};
  }
  const Utf8Char c = FirstChar(text.substr(at));
  if (c.code_point == kInvalidChar) {
    return {kInvalidChar, 1, CharClass::kOther};
  }
  return {c.code_point, c.length, ClassOf(c.code_point)};
}

// The end of the run of characters that satisfy `wanted`, from `at` on.
template <typename Predicate>
size_t SkipWhile(std::string_view text, size_t at, Predicate wanted) {
  for (Char c = CharAt(text, at); !c.end() && wanted(c); c = CharAt(text, at)) {
    at += c.length;
  }
  return at;
}

inline size_t SkipLetters(std::string_view text, size_t at) {
  return SkipWhile(text, at, [](const Char& c) { return c.letter(); });
}
inline size_t SkipOthers(std::string_view text, size_t at) {
  return SkipWhile(text, at, [](const Char& c) { return c.other(); });
}

// Length of 's 't 're 've 'm 'll 'd at an apostrophe, or 0.
template <bool kEitherCase>
size_t Contraction(std::string_view text, size_t at) {
  const auto letter = [&](size_t i) {
    return i < text.size() ? static_cast<char>(kEitherCase ? text[i] | 0x20 : text[i]) : '\0';
  };
  const char a = letter(at + 1);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') {
    return 2;
  }
  const char b = letter(at + 2);
  return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

struct WhiteSpace {
  size_t end;          // of the run
  size_t last;         // where its last character begins
  size_t newline_end;  // just past its last line break, 0 = none
};
inline WhiteSpace WhiteSpaceAt(std::string_view text, size_t begin) {
  WhiteSpace run = {begin, begin, 0};
  for (Char c = CharAt(text, run.end); c.space(); c = CharAt(text, run.end)) {
    run.last = run.end;
    run.end += c.length;
    run.newline_end = c.newline() ? run.end : run.newline_end;
  }
  return run;
}

// The rules, one function each. All have the form of pretokenizer.h's PieceEnd.
size_t Gpt2PieceEnd(std::string_view text, size_t at);
size_t StarcoderPieceEnd(std::string_view text, size_t at);
size_t Qwen2PieceEnd(std::string_view text, size_t at);
size_t Llama3PieceEnd(std::string_view text, size_t at);
size_t DeepseekCoderPieceEnd(std::string_view text, size_t at);

}  // namespace niwaki
