// CRC-32 (IEEE 802.3, as in zlib), for files of our own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace niwaki {

inline uint32_t Crc32(const void* data, size_t bytes, uint32_t before = 0) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) {
        c = (c >> 1) ^ ((c & 1) != 0 ? 0xedb88320u : 0u);
      }
      t[i] = c;
    }
    return t;
  }();
  uint32_t crc = ~before;
  const uint8_t* p = static_cast<const uint8_t*>(data);
  for (size_t i = 0; i < bytes; ++i) {
    crc = table[(crc ^ p[i]) & 0xff] ^ (crc >> 8);
  }
  return ~crc;
}

}  // namespace niwaki
