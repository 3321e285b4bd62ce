// The class of a code point, as pre-tokenizers' patterns use it. Data: unicode_table.cc, generated.
#pragma once

#include <cstdint>

namespace niwaki {

enum class CharClass : uint8_t { kOther = 0, kLetter = 1, kNumber = 2, kSpace = 3 };

// Two stages: the page of 256 code points, then two bits for each, four to a byte, lowest bits first.
extern const uint8_t kPageIndex[0x1100];
extern const uint8_t kClassPages[][64];

inline CharClass ClassOf(uint32_t code_point) {
  if (code_point >= 0x110000) {
    return CharClass::kOther;
  }
  const uint8_t packed = kClassPages[kPageIndex[code_point >> 8]][(code_point & 0xff) >> 2];
  return static_cast<CharClass>((packed >> (2 * (code_point & 3))) & 3);
}

}  // namespace niwaki
