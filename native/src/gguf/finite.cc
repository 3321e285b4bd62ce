#include "gguf/finite.h"

#include <algorithm>
#include <cstring>

namespace niwaki {
namespace {

// IEEE and bfloat16 values are infinite or not a number when all bits of the exponent are set.
constexpr uint16_t kF16Exponent = 0x7c00;
constexpr uint16_t kBF16Exponent = 0x7f80;
constexpr uint32_t kF32Exponent = 0x7f800000;

// Looks at the first sizeof(T) bytes of every `stride` bytes. Counts over short runs, so that compilers can vectorise,
// and looks closer only where something was found.
template <typename T>
int64_t Find(std::span<const uint8_t> data, size_t stride, T exponent) {
  const size_t count = data.size() / stride;
  const auto bad = [&](size_t i) {
    T value;
    std::memcpy(&value, data.data() + i * stride, sizeof(T));
    return (value & exponent) == exponent;
  };
  constexpr size_t kRun = 256;
  for (size_t begin = 0; begin < count; begin += kRun) {
    const size_t end = std::min(count, begin + kRun);
    uint32_t found = 0;
    for (size_t i = begin; i < end; ++i) {
      found += bad(i) ? 1 : 0;
    }
    for (size_t i = begin; found != 0 && i < end; ++i) {
      if (bad(i)) {
        return static_cast<int64_t>(i);
      }
    }
  }
  return -1;
}

}  // namespace

int64_t FindNonFinite(uint32_t type, std::span<const uint8_t> data) {
  switch (type) {  // ggml_type
    case 0:        // F32
      return Find<uint32_t>(data, 4, kF32Exponent);
    case 1:  // F16
      return Find<uint16_t>(data, 2, kF16Exponent);
    case 8:  // Q8_0: a half-precision scale, 32 bytes
      return Find<uint16_t>(data, 34, kF16Exponent);
    case 30:  // BF16
      return Find<uint16_t>(data, 2, kBF16Exponent);
    case 41:  // Q1_0: a half-precision scale, 16 bytes
      return Find<uint16_t>(data, 18, kF16Exponent);
    default:
      return -1;
  }
}

}  // namespace niwaki
