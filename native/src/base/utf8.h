// UTF-8, one character at a time, for text that may be damaged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace niwaki {

struct Utf8Char {
  uint32_t code_point;  // kInvalidChar when the bytes are no character
  uint32_t length;      // bytes taken, at least 1; of damaged text the longest part that could have begun a character
  bool incomplete;      // the text ended in the middle of a character that was sound so far
};
inline constexpr uint32_t kInvalidChar = 0xffffffff;

// The first character of `text`, which is not empty. Maximal subparts as in the Unicode standard, table 3-7 (and
// WHATWG's decoder): overlong forms, surrogates and values past U+10FFFF are damaged at the first byte that cannot
// belong.
inline Utf8Char FirstChar(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = at(0);
  if (lead < 0x80) {
    return {lead, 1, false};
  }
  uint32_t need = 0;
  uint32_t low = 0x80;
  uint32_t high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    need = 1;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    need = 2;
    low = lead == 0xe0 ? 0xa0 : 0x80;
    high = lead == 0xed ? 0x9f : 0xbf;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    need = 3;
    low = lead == 0xf0 ? 0x90 : 0x80;
    high = lead == 0xf4 ? 0x8f : 0xbf;
  } else {
    return {kInvalidChar, 1, false};
  }
  uint32_t code_point = lead & (0x3fu >> need);
  for (uint32_t i = 1; i <= need; ++i) {
    if (i >= text.size()) {
      return {kInvalidChar, i, true};
    }
    const uint8_t byte = at(i);
    if (byte < low || byte > high) {
      return {kInvalidChar, i, false};
    }
    code_point = (code_point << 6) | (byte & 0x3fu);
    low = 0x80;
    high = 0xbf;
  }
  return {code_point, need + 1, false};
}

inline constexpr std::string_view kReplacementChar = "\xef\xbf\xbd";

// Moves all complete characters from the front of `pending` to the result, damaged parts as U+FFFD. What is left is the
// beginning of a character; with `finish` that too becomes U+FFFD and nothing is left.
inline std::string TakeValidUtf8(std::string* pending, bool finish) {
  std::string out;
  size_t at = 0;
  const std::string_view text = *pending;
  while (at < text.size()) {
    const Utf8Char c = FirstChar(text.substr(at));
    if (c.incomplete && !finish) {
      break;
    }
    if (c.code_point == kInvalidChar) {
      out += kReplacementChar;
    } else {
      out += text.substr(at, c.length);
    }
    at += c.length;
  }
  pending->erase(0, at);
  return out;
}

}  // namespace niwaki
