// The class of a code point, as pre-tokenizers' patterns use it. Data: unicode_table.cc, generated.
#pragma once

#include <cstdint>

namespace niwaki {

// \p{L}, \p{N}, \s (White_Space) and \p{P}, which no code point shares.
enum class CharClass : uint8_t { kOther = 0, kLetter = 1, kNumber = 2, kSpace = 3, kPunctuation = 4 };

// Two stages: the page of 256 code points, then four bits for each, two to a byte, lowest bits first.
extern const uint8_t kPageIndex[0x1100];
extern const uint8_t kClassPages[][128];

inline CharClass ClassOf(uint32_t code_point) {
  if (code_point >= 0x110000) {
    return CharClass::kOther;
  }
  const uint8_t packed = kClassPages[kPageIndex[code_point >> 8]][(code_point & 0xff) >> 1];
  return static_cast<CharClass>((packed >> (4 * (code_point & 1))) & 0xf);
}

}  // namespace niwaki
