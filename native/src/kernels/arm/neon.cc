// The NEON table: the same integers as "generic" and "avx2", by look-ups that every AArch64 has (ARMv8.0). A `tbl` with
// two registers holds two 16-entry tables; bit 4 of an index says which. The two bytes of a 16-bit lane belong to one
// row and have a table each (PanelLayout::kPairRows), so `uadalp`, which adds the two bytes of a lane to a 16-bit sum,
// adds up look-ups in one instruction where 16-entry tables need two widening additions. Which instructions that takes,
// and why there are no siblings for dotprod and i8mm: docs/adr/0005-arm-tables.md.
#include <arm_neon.h>

#include <cstring>

#include "kernels/act_q8.h"
#include "kernels/kernel_table.h"

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#define NIWAKI_PREFETCH(p) __prefetch(p)
#else
#define NIWAKI_PREFETCH(p) __builtin_prefetch(p)
#endif

namespace niwaki {
namespace {

#include "kernels/arm/v8_neon.inl"
using V = V8;
inline V8 AddHalves(V8 sum, V8 v) { return sum + v; }

#include "kernels/arm/codes_neon.inl"

// One block of 128 activations. Of each 16 activations' four groups the tables stand in the order 0 2 1 3: byte b of a
// row's two bytes holds groups 2b (low nibble) and 2b + 1 (high nibble).
struct alignas(64) ActBlock {
  uint8_t tables[8 * 64];
  float scale;
  uint16_t bias;  // sum_j m_j * sum |q| <= 8 * 32 * 255: I = 2 * sum_j m_j E_j - bias
  uint16_t m[4];
  uint8_t pad[50];
};
static_assert(sizeof(ActBlock) == 576);

#include "kernels/arm/act_tables_neon.inl"

// 32 rows in order.
struct Rows32 {
  float32x4_t v[8];
};
inline Rows32 LoadScales(const uint8_t* w) {
  Rows32 d;
  for (int i = 0; i < 4; ++i) {
    const float16x8_t h = vreinterpretq_f16_u8(vld1q_u8(w + 512 + i * 16));
    d.v[2 * i] = vcvt_f32_f16(vget_low_f16(h));
    d.v[2 * i + 1] = vcvt_high_f32_f16(h);
  }
  return d;
}
inline void StoreRows(Rows32 rows, float* y) {
  for (int i = 0; i < 8; ++i) {
    vst1q_f32(y + i * 4, rows.v[i]);
  }
}

// 16-bit sums of 32 rows. Sums have names of their own, because compilers keep arrays of them in memory.
struct Sums {
  uint16x8_t a, b, c, d;
};
// Indices into two tables, of 32 rows.
struct Indices {
  uint8x16_t a, b, c, d;
};

inline uint8x16x2_t TablePair(const uint8_t* p) {
#if defined(__GNUC__) && !defined(__clang__)
  return vld1q_u8_x2(p);  // two loads would go through the stack to become a pair
#else
  return {{vld1q_u8(p), vld1q_u8(p + 16)}};
#endif
}
inline Sums LookUp(uint8x16x2_t tables, const Indices& i) {
  return {vpaddlq_u8(vqtbl2q_u8(tables, i.a)), vpaddlq_u8(vqtbl2q_u8(tables, i.b)), vpaddlq_u8(vqtbl2q_u8(tables, i.c)),
          vpaddlq_u8(vqtbl2q_u8(tables, i.d))};
}
inline Sums AddLookUp(const Sums& s, uint8x16x2_t tables, const Indices& i) {
  return {vpadalq_u8(s.a, vqtbl2q_u8(tables, i.a)), vpadalq_u8(s.b, vqtbl2q_u8(tables, i.b)),
          vpadalq_u8(s.c, vqtbl2q_u8(tables, i.c)), vpadalq_u8(s.d, vqtbl2q_u8(tables, i.d))};
}
// Ends a sub-block: its sums join the block's, times m. All of a block's sums are below 2^16.
inline Sums AddSubBlock(const Sums& total, const Sums& s, uint16_t m) {
  return {vmlaq_n_u16(total.a, s.a, m), vmlaq_n_u16(total.b, s.b, m), vmlaq_n_u16(total.c, s.c, m),
          vmlaq_n_u16(total.d, s.d, m)};
}

// Adds a block's result to the accumulators of its rows: I * (d * scale), product and sum rounded. With E the sums, I =
// 2 E - bias = E - (bias - E), both within 16 bits.
inline void Fold(const Sums& total, const ActBlock& act, const Rows32& d, Rows32* acc) {
  const uint16x8_t bias = vdupq_n_u16(act.bias);
  const uint16x8_t e[4] = {total.a, total.b, total.c, total.d};
  for (int i = 0; i < 4; ++i) {
    const uint16x8_t rest = vsubq_u16(bias, e[i]);
    const uint32x4_t low = vsubl_u16(vget_low_u16(e[i]), vget_low_u16(rest));
    const uint32x4_t high = vsubl_high_u16(e[i], rest);
    const float32x4_t value[2] = {vcvtq_f32_s32(vreinterpretq_s32_u32(low)),
                                  vcvtq_f32_s32(vreinterpretq_s32_u32(high))};
    for (int k = 0; k < 2; ++k) {
      const int at = 2 * i + k;
      acc->v[at] = vaddq_f32(acc->v[at], vmulq_f32(value[k], vmulq_n_f32(d.v[at], act.scale)));
    }
  }
}

// Index registers keep their upper halves for good: 1 in the odd bytes, which have the second table. So an index takes
// one instruction: an insertion of the low nibbles (bit), or of the high ones shifted (sri).
inline Indices NoIndices() {
  const uint8x16_t odd = vreinterpretq_u8_u16(vdupq_n_u16(0x1000));
  return {odd, odd, odd, odd};
}
inline Indices LoadSigns(const uint8_t* w) {
  return {vld1q_u8(w), vld1q_u8(w + 16), vld1q_u8(w + 32), vld1q_u8(w + 48)};
}
inline Indices InsertLow(const Indices& i, const Indices& w) {
  const uint8x16_t nibble = vdupq_n_u8(15);
  return {vbslq_u8(nibble, w.a, i.a), vbslq_u8(nibble, w.b, i.b), vbslq_u8(nibble, w.c, i.c),
          vbslq_u8(nibble, w.d, i.d)};
}
inline Indices InsertHigh(const Indices& i, const Indices& w) {
  return {vsriq_n_u8(i.a, w.a, 4), vsriq_n_u8(i.b, w.b, 4), vsriq_n_u8(i.c, w.c, 4), vsriq_n_u8(i.d, w.d, 4)};
}

// One panel times one token.
inline void PanelToken(const uint8_t* panel, int64_t blocks, const ActBlock* act, float* y) {
  Rows32 acc = {};
  Indices index = NoIndices();
  for (int64_t b = 0; b < blocks; ++b) {
    const uint8_t* w = panel + b * kPanelBlockBytes;
    for (int line = 0; line < 9; ++line) {
      NIWAKI_PREFETCH(w + 4 * kPanelBlockBytes + line * 64);
    }
    Sums total = {};
    for (int j = 0; j < 4; ++j) {
      const uint8_t* tables = act[b].tables + j * 128;
      const Indices first = LoadSigns(w + j * 128);
      index = InsertLow(index, first);
      Sums s = LookUp(TablePair(tables), index);
      index = InsertHigh(index, first);
      s = AddLookUp(s, TablePair(tables + 32), index);
      const Indices second = LoadSigns(w + j * 128 + 64);
      index = InsertLow(index, second);
      s = AddLookUp(s, TablePair(tables + 64), index);
      index = InsertHigh(index, second);
      s = AddLookUp(s, TablePair(tables + 96), index);
      total = AddSubBlock(total, s, act[b].m[j]);
    }
    Fold(total, act[b], LoadScales(w), &acc);
  }
  StoreRows(acc, y);
}

struct alignas(64) Expanded {
  Indices indices[16];  // of the pairs of groups in order
  Rows32 d;
};
inline void Expand(const uint8_t* w, Expanded* out) {
  Indices index = NoIndices();
  for (int h = 0; h < 8; ++h) {
    const Indices signs = LoadSigns(w + h * 64);
    out->indices[2 * h] = index = InsertLow(index, signs);
    out->indices[2 * h + 1] = index = InsertHigh(index, signs);
  }
  out->d = LoadScales(w);
}

// Two tokens share what is loaded of the indices: sixteen sums, four indices and two tables of 32 registers.
constexpr int64_t kTokensAtOnce = 2;
template <int N>
inline void Accumulate(const Expanded& w, const ActBlock* const* acts, Rows32* acc) {
  const ActBlock& a = *acts[0];
  const ActBlock& b = *acts[N - 1];
  Sums total_a = {};
  Sums total_b = {};
  for (int j = 0; j < 4; ++j) {
    const Indices* indices = w.indices + 4 * j;
    const uint8_t* tables_a = a.tables + j * 128;
    const uint8_t* tables_b = b.tables + j * 128;
    Sums sum_a = LookUp(TablePair(tables_a), indices[0]);
    Sums sum_b = {};
    if constexpr (N == 2) {
      sum_b = LookUp(TablePair(tables_b), indices[0]);
    }
    for (int i = 1; i < 4; ++i) {
      sum_a = AddLookUp(sum_a, TablePair(tables_a + i * 32), indices[i]);
      if constexpr (N == 2) {
        sum_b = AddLookUp(sum_b, TablePair(tables_b + i * 32), indices[i]);
      }
    }
    total_a = AddSubBlock(total_a, sum_a, a.m[j]);
    if constexpr (N == 2) {
      total_b = AddSubBlock(total_b, sum_b, b.m[j]);
    }
  }
  Fold(total_a, a, w.d, &acc[0]);
  if constexpr (N == 2) {
    Fold(total_b, b, w.d, &acc[1]);
  }
}

#include "kernels/q1_tiles.inl"
#include "kernels/vec_ops.inl"

}  // namespace

const KernelTable kNeonKernels = {
    .name = "neon",
    .layout = PanelLayout::kPairRows,
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
