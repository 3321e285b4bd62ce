// Sixteen bytes a step ("slicing", Kounavis and Berry 2005): table k holds what a byte becomes when k bytes of zeros
// follow it, so the sixteen look-ups of a step do not wait for each other.
#include "base/crc32.h"

#include <array>

namespace niwaki {
namespace {

constexpr size_t kSlices = 16;
using Tables = std::array<std::array<uint32_t, 256>, kSlices>;

constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) {
      c = (c >> 1) ^ ((c & 1) != 0 ? 0xedb88320u : 0u);
    }
    tables[0][i] = c;
  }
  for (size_t slice = 1; slice < kSlices; ++slice) {
    for (size_t i = 0; i < 256; ++i) {
      const uint32_t c = tables[slice - 1][i];
      tables[slice][i] = (c >> 8) ^ tables[0][c & 0xff];
    }
  }
  return tables;
}
constexpr Tables kTables = MakeTables();

// Little-endian, from any address.
inline uint32_t Word(const uint8_t* p) {
  return uint32_t{p[0]} | uint32_t{p[1]} << 8 | uint32_t{p[2]} << 16 | uint32_t{p[3]} << 24;
}
// What four bytes become when `after` more of the same step follow them.
inline uint32_t Slice(uint32_t word, size_t after) {
  return kTables[after + 3][word & 0xff] ^ kTables[after + 2][(word >> 8) & 0xff] ^
         kTables[after + 1][(word >> 16) & 0xff] ^ kTables[after][word >> 24];
}

}  // namespace

uint32_t Crc32(const void* data, size_t bytes, uint32_t before) {
  const uint8_t* p = static_cast<const uint8_t*>(data);
  uint32_t crc = ~before;
  for (; bytes >= kSlices; p += kSlices, bytes -= kSlices) {
    // The old sum comes last: the other twelve look-ups need not wait for it.
    const uint32_t rest = Slice(Word(p + 4), 8) ^ Slice(Word(p + 8), 4) ^ Slice(Word(p + 12), 0);
    crc = Slice(crc ^ Word(p), 12) ^ rest;
  }
  for (; bytes > 0; ++p, --bytes) {
    crc = kTables[0][(crc ^ *p) & 0xff] ^ (crc >> 8);
  }
  return ~crc;
}

}  // namespace niwaki
