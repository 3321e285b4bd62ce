// SHA-256 (FIPS 180-4): names for data of which other people choose the bytes. Nobody knows two texts with the same
// one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace niwaki {

class Sha256 {
 public:
  using Digest = std::array<uint8_t, 32>;

  void Add(const void* data, size_t bytes);
  // With its length before it, so that neighbouring texts do not run into each other.
  void Add(std::string_view text);
  // Little-endian, 8 bytes.
  void Add(int64_t number);
  // Of all that was added. Nothing may be added afterwards.
  Digest Finish();

 private:
  void Block(const uint8_t* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint64_t bytes_ = 0;
  std::array<uint8_t, 64> pending_{};  // the bytes_ % 64 last ones
};

}  // namespace niwaki
