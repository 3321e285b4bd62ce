// Activations for Q1_0 products: the integer definition that "generic" and "avx2" share (and whose error tests
// measure).
//
// A block is 128 activations: four sub-blocks of 32, each of eight groups of 4. A group is what one table look-up
// covers, and its 16 subset sums (shifted to start at zero) must fit a byte: their span is the sum of the magnitudes of
// its four integers.
//   need_j  = max over the groups of sub-block j of (|x0| + |x1| + |x2| + |x3|) / 253
//   scale   = max_j need_j / 8            one fp32 a block
//   m_j     = clamp(ceil(need_j / scale), 1, 8)   an integer multiplier a sub-block
//   q_i     = round_half_even(x_i / (scale * m_j))
// scale * m_j >= need_j up to rounding, so the real-valued sum of magnitudes of a group is at most 253 (1 + 3 eps);
// rounding adds at most 1/2 to each of the four, so the integers' sum is at most 255.
//
// With b the sign bits (0/1) of a row: its contribution is I = sum_j m_j (2 sum(b q) - sum(q)), |I| <= 8 * 4 * 8 * 255
// < 2^17, exact. A row's result is folded over blocks in order, two roundings each: acc = acc + float(I) * (d * scale).
#pragma once

#include <cstdint>

namespace niwaki {

inline constexpr int64_t kActBlock = 128;
inline constexpr int64_t kActSub = 32;
inline constexpr int64_t kActGroup = 4;
inline constexpr float kActGroupSpan = 253.0f;

// Internal linkage on purpose: each table compiles its own copy with its own instruction set.
namespace {
struct BlockScale {
  float scale;
  int32_t m[4];
  float inverse[4];  // 1 / (scale * m), 0 when the block is all zeros
};
inline BlockScale ChooseScale(const float need[4]) {
  float top = 0;
  for (int j = 0; j < 4; ++j) {
    top = need[j] > top ? need[j] : top;
  }
  BlockScale out;
  out.scale = top / 8.0f;
  for (int j = 0; j < 4; ++j) {
    // The smallest m in 1..8 that suffices: one more for each that does not. By comparison, so that no conversion meets
    // a value that is not finite; without a branch, as which m it is cannot be predicted.
    int32_t m = 1;
    for (int32_t less = 1; less < 8; ++less) {
      m += static_cast<float>(less) * out.scale < need[j] ? 1 : 0;
    }
    out.m[j] = m;
    out.inverse[j] = out.scale > 0 ? 1.0f / (out.scale * static_cast<float>(m)) : 0.0f;
  }
  return out;
}
}  // namespace

}  // namespace niwaki
