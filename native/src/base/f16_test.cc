// Half precision: every value, and every place where rounding decides.
#include "base/f16.h"

#include <limits>

#include "base/testing.h"

namespace niwaki {
namespace {

uint32_t Bits(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  return bits;
}
bool IsNan(uint32_t half) { return (half & 0x7c00u) == 0x7c00u && (half & 0x3ffu) != 0; }

TEST("all 65536 values widen to what IEEE 754 says") {
  for (uint32_t h = 0; h < 65536; ++h) {
    const float got = F16ToF32(static_cast<uint16_t>(h));
    const int exponent = static_cast<int>((h >> 10) & 31);
    const int mantissa = static_cast<int>(h & 1023);
    if (IsNan(h)) {
      EXPECT(std::isnan(got));
      EXPECT((Bits(got) & 0x00400000u) != 0);  // quiet
      EXPECT_EQ(Bits(got) >> 31, h >> 15);
      continue;
    }
    double want = exponent == 31  ? std::numeric_limits<double>::infinity()
                  : exponent == 0 ? std::ldexp(mantissa, -24)
                                  : std::ldexp(1024 + mantissa, exponent - 25);
    want = (h & 0x8000u) != 0 ? -want : want;
    EXPECT_EQ(static_cast<double>(got), want);
    EXPECT_EQ(Bits(got) >> 31, h >> 15);  // also of zeros
  }
}

TEST("all 65536 values come back") {
  for (uint32_t h = 0; h < 65536; ++h) {
    const uint16_t back = F32ToF16(F16ToF32(static_cast<uint16_t>(h)));
    EXPECT_EQ(uint32_t{back}, IsNan(h) ? h | 0x200u : h);  // a signalling NaN comes back quiet
  }
}

TEST("between any two neighbours: nearest, and the even one in the middle") {
  for (uint32_t h = 0; h < 0x7c00; ++h) {  // up to the largest finite value and its step to infinity
    const double low = F16ToF32(static_cast<uint16_t>(h));
    const double high = h == 0x7bff ? 65536.0 : static_cast<double>(F16ToF32(static_cast<uint16_t>(h + 1)));
    const float middle = static_cast<float>((low + high) / 2);  // exact: single precision has bits to spare
    const uint32_t even = (h & 1) == 0 ? h : h + 1;
    const float above = std::nextafter(middle, std::numeric_limits<float>::infinity());
    const float below = std::nextafter(middle, 0.0f);
    for (const uint32_t sign : {0u, 0x8000u}) {
      const float s = sign == 0 ? 1.0f : -1.0f;
      EXPECT_EQ(uint32_t{F32ToF16(s * middle)}, even | sign);
      EXPECT_EQ(uint32_t{F32ToF16(s * below)}, h | sign);
      EXPECT_EQ(uint32_t{F32ToF16(s * above)}, (h + 1) | sign);
    }
  }
}

TEST("the ends of the range") {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(F32ToF16(infinity), uint16_t{0x7c00});
  EXPECT_EQ(F32ToF16(-infinity), uint16_t{0xfc00});
  EXPECT_EQ(F32ToF16(std::numeric_limits<float>::max()), uint16_t{0x7c00});
  EXPECT_EQ(F32ToF16(std::numeric_limits<float>::denorm_min()), uint16_t{0});
  EXPECT_EQ(F32ToF16(-std::numeric_limits<float>::denorm_min()), uint16_t{0x8000});
  EXPECT_EQ(F32ToF16(-0.0f), uint16_t{0x8000});
  for (uint32_t payload = 1; payload < 0x800000; payload = payload * 2 + 1) {
    for (const uint32_t sign : {0u, 0x80000000u}) {
      const uint32_t bits = sign | 0x7f800000u | payload;
      float nan;
      std::memcpy(&nan, &bits, sizeof nan);
      const uint32_t half = F32ToF16(nan);
      EXPECT(IsNan(half) && (half & 0x200u) != 0 && half >> 15 == sign >> 31);
    }
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
