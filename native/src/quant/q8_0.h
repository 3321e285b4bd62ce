// Q8_0 as it lies in GGUF files (ggml type 8): blocks of 32 weights, 34 bytes. Kept in memory like this, too.
#pragma once

#include <cstdint>

namespace niwaki {

inline constexpr int64_t kQ8_0BlockSize = 32;
inline constexpr int64_t kQ8_0BlockBytes = 34;

// One block, only 2-byte aligned: the fp16 scale d first, then 32 signed bytes; weight = q * d, exact in fp32 (8 bits
// times 11 bits, and no product of an fp16 number and an integer is too small).
struct BlockQ8_0 {
  uint8_t d[2];  // little-endian fp16
  int8_t q[32];
};
static_assert(sizeof(BlockQ8_0) == kQ8_0BlockBytes);

// Dequantises row `row` of a matrix [rows, cols], cols a multiple of 32. For embedding look-ups and references. y
// [cols].
void DequantizeRowQ8_0(const uint8_t* matrix, int64_t cols, int64_t row, float* y);
// Quantises `cols` floats as ggml's reference does: d = max(|x|) / 127, q = round(x / d) (half away from zero). For
// writers and tests.
void QuantizeRowQ8_0(const float* x, int64_t cols, uint8_t* out);

}  // namespace niwaki
