// GPT-2's alphabet: each byte is written as a printable character, the printable ones as themselves, the others from
// U+0100 on. tokenizer.ggml.tokens and tokenizer.ggml.merges are written in it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace niwaki {

class ByteAlphabet {
 public:
  ByteAlphabet() {
    bytes_.fill(-1);
    uint32_t next = 0x100;
    for (uint32_t b = 0; b < 256; ++b) {
      const bool printable = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
      bytes_[printable ? b : next++] = static_cast<int16_t>(b);
    }
  }
  // Replaces `bytes` with what `written` stands for; false when a character is not of the alphabet.
  bool Decode(std::string_view written, std::string* bytes) const {
    bytes->clear();
    while (!written.empty()) {
      const Utf8Char c = FirstChar(written);
      if (c.code_point >= bytes_.size() || bytes_[c.code_point] < 0) {
        return false;
      }
      bytes->push_back(static_cast<char>(bytes_[c.code_point]));
      written.remove_prefix(c.length);
    }
    return true;
  }

 private:
  std::array<int16_t, 0x144> bytes_;  // by code point; 68 bytes are not printable
};

}  // namespace niwaki
