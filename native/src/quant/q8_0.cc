#include "quant/q8_0.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/f16.h"

namespace niwaki {

void DequantizeRowQ8_0(const uint8_t* matrix, int64_t cols, int64_t row, float* y) {
  const uint8_t* at = matrix + row * (cols / kQ8_0BlockSize) * kQ8_0BlockBytes;
  for (int64_t begin = 0; begin < cols; begin += kQ8_0BlockSize, at += kQ8_0BlockBytes) {
    BlockQ8_0 block;
    std::memcpy(&block, at, sizeof block);
    const float d = F16ToF32(static_cast<uint16_t>(block.d[0] | (block.d[1] << 8)));
    for (int64_t i = 0; i < kQ8_0BlockSize; ++i) {
      y[begin + i] = static_cast<float>(block.q[i]) * d;
    }
  }
}

void QuantizeRowQ8_0(const float* x, int64_t cols, uint8_t* out) {
  for (int64_t begin = 0; begin < cols; begin += kQ8_0BlockSize, out += kQ8_0BlockBytes) {
    float top = 0;
    for (int64_t i = 0; i < kQ8_0BlockSize; ++i) {
      top = std::max(top, std::fabs(x[begin + i]));
    }
    const float d = top / 127.0f;
    const float inverse = d > 0 ? 1.0f / d : 0.0f;
    const uint16_t half = F32ToF16(d);
    BlockQ8_0 block = {{static_cast<uint8_t>(half & 0xff), static_cast<uint8_t>(half >> 8)}, {}};
    for (int64_t i = 0; i < kQ8_0BlockSize; ++i) {
      block.q[i] = static_cast<int8_t>(std::round(x[begin + i] * inverse));
    }
    std::memcpy(out, &block, sizeof block);
  }
}

}  // namespace niwaki
