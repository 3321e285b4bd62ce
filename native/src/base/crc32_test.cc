#include "base/crc32.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "base/random_testing.h"
#include "base/testing.h"

namespace niwaki {
namespace {

uint32_t Crc(const char* text) { return Crc32(text, std::strlen(text)); }

// Bit by bit, from the definition.
uint32_t Slowly(const uint8_t* data, size_t bytes, uint32_t before = 0) {
  uint32_t crc = ~before;
  for (size_t i = 0; i < bytes; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0u);
    }
  }
  return ~crc;
}

std::vector<uint8_t> Noise(size_t bytes, uint64_t seed) {
  testing::Random random(seed);
  std::vector<uint8_t> out(bytes);
  for (uint8_t& byte : out) {
    byte = static_cast<uint8_t>(random.Next() >> 40);
  }
  return out;
}

TEST("CRCs that are known from elsewhere") {
  EXPECT_EQ(Crc(""), 0u);
  EXPECT_EQ(Crc("a"), 0xe8b7be43u);
  EXPECT_EQ(Crc("123456789"), 0xcbf43926u);
  EXPECT_EQ(Crc("The quick brown fox jumps over the lazy dog"), 0x414fa339u);
  const std::vector<uint8_t> zeros(32, 0);
  EXPECT_EQ(Crc32(zeros.data(), zeros.size()), 0x190a55adu);
  const std::vector<uint8_t> ones(32, 0xff);
  EXPECT_EQ(Crc32(ones.data(), ones.size()), 0xff6cab0bu);
}

TEST("every length, from every address, as the definition says") {
  const std::vector<uint8_t> bytes = Noise(200, 1);
  int wrong = 0;
  for (size_t from = 0; from < 16; ++from) {
    for (size_t size = 0; from + size <= bytes.size(); ++size) {
      wrong += Crc32(&bytes[from], size) != Slowly(&bytes[from], size) ? 1 : 0;
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST("parts one after another give the CRC of the whole") {
  const std::vector<uint8_t> bytes = Noise(5000, 2);
  const uint32_t whole = Slowly(bytes.data(), bytes.size());
  testing::Random random(3);
  for (int round = 0; round < 50; ++round) {
    uint32_t crc = 0;
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = std::min(bytes.size() - at, static_cast<size_t>(random.Below(200)));
      crc = Crc32(bytes.data() + at, size, crc);
      at += size;
    }
    EXPECT_EQ(crc, whole);
  }
}

TEST("megabytes in a millisecond or so") {
  const std::vector<uint8_t> bytes = Noise(size_t{4} << 20, 4);
  double best = 1e9;
  uint32_t crc = 0;
  for (int round = 0; round < 8; ++round) {
    const auto start = std::chrono::steady_clock::now();
    crc ^= Crc32(bytes.data(), bytes.size());
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  EXPECT_EQ(crc, 0u);  // eight times the same
  std::printf("    %.2f GB/s\n", static_cast<double>(bytes.size()) / best / 1e9);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
