// Q8_0 blocks and bfloat16 numbers: layout and rounding by hand.
#include "quant/q8_0.h"

#include <algorithm>
#include <limits>

#include "base/f16.h"
#include "base/random_testing.h"
#include "base/testing.h"
#include "quant/bf16.h"

namespace niwaki {
namespace {

using testing::Random;

TEST("a block is read as ggml lays it out") {
  // Two rows of two blocks; d = 1, 0.5, -2, 2^-24 (the smallest half).
  std::vector<uint8_t> bytes;
  for (const int d : {0x3c00, 0x3800, 0xc000, 0x0001}) {
    bytes.push_back(static_cast<uint8_t>(d & 0xff));
    bytes.push_back(static_cast<uint8_t>(d >> 8));
    for (int i = 0; i < 32; ++i) {
      bytes.push_back(static_cast<uint8_t>(i * 8 - 128));
    }
  }
  EXPECT_EQ(bytes.size(), size_t{4 * 34});
  std::vector<float> y(64);
  const double scales[] = {1, 0.5, -2, 0x1.0p-24};
  for (int64_t row = 0; row < 2; ++row) {
    DequantizeRowQ8_0(bytes.data(), 64, row, y.data());
    for (int64_t i = 0; i < 64; ++i) {
      const double want = scales[row * 2 + i / 32] * static_cast<double>(i % 32 * 8 - 128);
      EXPECT(static_cast<double>(y[static_cast<size_t>(i)]) == want);
    }
  }
}

TEST("quantisation: the largest becomes 127, everything is off by half a step at most") {
  Random random(3);
  for (const float size : {1.0f, 1e-3f, 300.0f}) {
    std::vector<float> x(256);
    for (float& v : x) {
      v = random.Gauss() * size;
    }
    std::fill(x.begin() + 64, x.begin() + 96, 0.0f);
    std::vector<uint8_t> bytes(8 * 34);
    QuantizeRowQ8_0(x.data(), 256, bytes.data());
    std::vector<float> y(256);
    DequantizeRowQ8_0(bytes.data(), 256, 0, y.data());
    for (size_t b = 0; b < 8; ++b) {
      float top = 0;
      int most = 0;
      for (size_t i = b * 32; i < b * 32 + 32; ++i) {
        top = std::max(top, std::fabs(x[i]));
        most = std::max(most, std::abs(static_cast<int>(static_cast<int8_t>(bytes[b * 34 + 2 + i % 32]))));
      }
      EXPECT_EQ(most, b == 2 ? 0 : 127);
      for (size_t i = b * 32; i < b * 32 + 32; ++i) {
        // Half a step, and what the scale loses: 11 bits, or fewer where it is a denormal half.
        const float scale_error = std::max(std::fabs(x[i]) * 0x1.1p-11f, 127 * 0x1.0p-25f);
        EXPECT(std::fabs(y[i] - x[i]) <= top / 254 * 1.0001f + scale_error);
      }
    }
  }
}

TEST("bfloat16: all values survive, halfway goes to even") {
  for (uint32_t i = 0; i < 65536; ++i) {
    const uint16_t b = static_cast<uint16_t>(i);
    const float f = BF16ToF32(b);
    if (std::isnan(f)) {
      EXPECT(std::isnan(BF16ToF32(F32ToBF16(f))));
      continue;
    }
    if (F32ToBF16(f) != b) {
      testing::Fail(__FILE__, __LINE__, std::to_string(i) + " does not survive");
      return;
    }
    const float next = BF16ToF32(static_cast<uint16_t>(i + 1));
    if (std::isfinite(f) && std::isfinite(next) && (i & 0x7fff) != 0x7fff) {
      const float middle = static_cast<float>((static_cast<double>(f) + static_cast<double>(next)) / 2);
      const uint16_t even = static_cast<uint16_t>(i + (i & 1));
      const float up = std::nextafter(middle, next);
      const float down = std::nextafter(middle, f);
      if (F32ToBF16(middle) != even || F32ToBF16(up) != i + 1 || F32ToBF16(down) != b) {
        testing::Fail(__FILE__, __LINE__, std::to_string(i) + " rounds wrongly");
        return;
      }
    }
  }
  EXPECT_EQ(F32ToBF16(std::numeric_limits<float>::max()), uint16_t{0x7f80});  // infinity
  EXPECT_EQ(F32ToBF16(-1.0f), uint16_t{0xbf80});
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
