// The integer transcription: what the fast tables compute, in plain C++, and the table for machines without AVX2.
#include <cmath>
#include <cstring>

#include "base/f16.h"
#include "kernels/act_q8.h"
#include "kernels/kernel_table.h"
#include "quant/bf16.h"

namespace niwaki {
namespace {

struct V8 {
  static constexpr int64_t kLanes = 8;
  float v[8];
  template <typename F>
  static V8 Map(F f) {
    V8 r;
    for (int i = 0; i < 8; ++i) {
      r.v[i] = f(i);
    }
    return r;
  }
  static V8 Load(const float* p) {
    return Map([p](int i) { return p[i]; });
  }
  static V8 Splat(float x) {
    return Map([x](int) { return x; });
  }
  static V8 LoadF16(const uint16_t* p) {
    return Map([p](int i) { return F16ToF32(p[i]); });
  }
  static V8 LoadBF16(const uint16_t* p) {
    return Map([p](int i) { return BF16ToF32(p[i]); });
  }
  // Eight signed bytes as floats.
  static V8 LoadI8(const uint8_t* p) {
    return Map([p](int i) { return static_cast<float>(static_cast<int8_t>(p[i])); });
  }
  // One little-endian half, perhaps unaligned.
  static V8 SplatF16(const uint8_t* p) { return Splat(F16ToF32(static_cast<uint16_t>(p[0] | (p[1] << 8)))); }
  void Store(float* p) const {
    for (int i = 0; i < 8; ++i) {
      p[i] = v[i];
    }
  }
  void StoreF16(uint16_t* p) const {
    for (int i = 0; i < 8; ++i) {
      p[i] = F32ToF16(v[i]);
    }
  }
  friend V8 operator+(const V8& a, const V8& b) {
    return Map([&](int i) { return a.v[i] + b.v[i]; });
  }
  friend V8 operator-(const V8& a, const V8& b) {
    return Map([&](int i) { return a.v[i] - b.v[i]; });
  }
  friend V8 operator*(const V8& a, const V8& b) {
    return Map([&](int i) { return a.v[i] * b.v[i]; });
  }
  friend V8 operator/(const V8& a, const V8& b) {
    return Map([&](int i) { return a.v[i] / b.v[i]; });
  }
  static V8 MulAdd(const V8& a, const V8& b, const V8& c) {
    return Map([&](int i) { return std::fma(a.v[i], b.v[i], c.v[i]); });
  }
  // The second operand when the first is NaN, as the x86 instructions do.
  static V8 Max(const V8& a, const V8& b) {
    return Map([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  static V8 Min(const V8& a, const V8& b) {
    return Map([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static V8 Sqrt(const V8& a) {
    return Map([&](int i) { return std::sqrt(a.v[i]); });
  }
  static V8 Round(const V8& a) {
    return Map([&](int i) { return std::nearbyint(a.v[i]); });
  }
  // 2^n for integral n in -127..128; an exponent of zero bits stands for 0 (n = -127), as in the vector tables.
  static V8 Exp2Int(const V8& n) {
    return Map([&](int i) {
      const uint32_t bits = static_cast<uint32_t>(static_cast<int32_t>(n.v[i]) + 127) << 23;
      float f;
      std::memcpy(&f, &bits, sizeof f);
      return f;
    });
  }
  static V8 ZeroWhereLess(const V8& x, const V8& bound, const V8& y) {
    return Map([&](int i) { return x.v[i] < bound.v[i] ? 0.0f : y.v[i]; });
  }
};

using V = V8;
inline V8 AddHalves(const V8& sum, const V8& v) { return sum + v; }

#include "kernels/generic/codes_generic.inl"

struct alignas(64) ActBlock {
  int16_t q[128];
  float scale;
  int32_t m[4];
  int32_t sum[4];  // sum of q a sub-block
};

void QuantizeAct(const float* x, int64_t cols, int64_t, void* act) {
  ActBlock* block = static_cast<ActBlock*>(act);
  for (int64_t k = 0; k < cols; k += kActBlock, ++block, x += kActBlock) {
    float need[4];
    for (int j = 0; j < 4; ++j) {
      float top = 0;
      for (int64_t i = j * kActSub; i < (j + 1) * kActSub; i += kActGroup) {
        const float sum = (std::fabs(x[i]) + std::fabs(x[i + 1])) + (std::fabs(x[i + 2]) + std::fabs(x[i + 3]));
        top = sum > top ? sum : top;
      }
      need[j] = top / kActGroupSpan;
    }
    const BlockScale scale = ChooseScale(need);
    block->scale = scale.scale;
    for (int j = 0; j < 4; ++j) {
      block->m[j] = scale.m[j];
      block->sum[j] = 0;
      for (int64_t i = j * kActSub; i < (j + 1) * kActSub; ++i) {
        const float v = x[i] * scale.inverse[j];
        block->q[i] = std::fabs(v) <= 255.0f ? static_cast<int16_t>(std::nearbyint(v)) : int16_t{0};
        block->sum[j] += block->q[i];
      }
    }
  }
}

int64_t ActBytes(int64_t cols) { return cols / kActBlock * static_cast<int64_t>(sizeof(ActBlock)); }

void MatmulQ1(const uint8_t* panels, int64_t blocks, int64_t panel_begin, int64_t panel_end, const void* acts,
              int64_t tokens, float* y, int64_t y_stride) {
  const ActBlock* act = static_cast<const ActBlock*>(acts);
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    for (int64_t t = 0; t < tokens; ++t) {
      for (int64_t r = 0; r < kPanelRows; ++r) {
        const int64_t byte = r < 16 ? 2 * r : 2 * (r - 16) + 1;
        float acc = 0;
        for (int64_t b = 0; b < blocks; ++b) {
          const uint8_t* w = panels + (p * blocks + b) * kPanelBlockBytes;
          const ActBlock& a = act[t * blocks + b];
          int32_t total = 0;
          for (int j = 0; j < 4; ++j) {
            int32_t chosen = 0;
            for (int v = j * 4; v < j * 4 + 4; ++v) {
              const uint32_t bits = w[v * kPanelRows + byte];
              for (int i = 0; i < 8; ++i) {
                chosen += static_cast<int32_t>((bits >> i) & 1u) * a.q[v * 8 + i];
              }
            }
            total += a.m[j] * (2 * chosen - a.sum[j]);
          }
          const uint16_t d = static_cast<uint16_t>(w[512 + 2 * r] | (w[513 + 2 * r] << 8));
          acc = acc + static_cast<float>(total) * (F16ToF32(d) * a.scale);
        }
        y[t * y_stride + p * kPanelRows + r] = acc;
      }
    }
  }
}

#include "kernels/vec_ops.inl"

}  // namespace

const KernelTable kGenericKernels = {
    .name = "generic",
    .layout = PanelLayout::kByteColumns,
    .act_block_bytes = sizeof(ActBlock),
    .act_bytes = ActBytes,
    .quantize_act = QuantizeAct,
    .matmul_q1_0 = MatmulQ1,
    .matmul_f16 = Matmul<RowsF16>,
    .matmul_f32 = Matmul<RowsF32>,
    .matmul_bf16 = Matmul<RowsBF16>,
    .matmul_q8_0 = Matmul<RowsQ8>,
    .rms_norm = RmsNorm,
    .rope_neox = RopeNeox,
    .silu_mul = SiluMulAll,
    .add = Add,
    .f32_to_f16 = F32ToF16All,
    .f16_to_f32 = F16ToF32All,
    .attend_page_f16 = AttendPageF16,
    .rotate = Rotate,
    .rotate_back = RotateBack,
    .quantize_code = QuantizeCode,
    .quantize_query = QuantizeQuery,
    .attend_page_codes = AttendPageCodes,
};

}  // namespace niwaki
