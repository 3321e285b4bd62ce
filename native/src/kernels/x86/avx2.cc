// The AVX2 table: Q1_0 products by table look-up. Compiled with AVX2, FMA and F16C alone in this file; nothing here may
// instantiate anything with vague linkage, or the linker could hand AVX2 code to machines without it.
#include <immintrin.h>

#include <cstring>

#include "kernels/act_q8.h"
#include "kernels/kernel_table.h"

#if defined(__clang__)
#define NIWAKI_UNROLL_4 _Pragma("clang loop unroll_count(4)")
#elif defined(__GNUC__)
#define NIWAKI_UNROLL_4 _Pragma("GCC unroll 4")
#else
#define NIWAKI_UNROLL_4
#endif

namespace niwaki {
namespace {

#include "kernels/x86/codes_avx2.inl"
#include "kernels/x86/v8_avx2.inl"
using V = V8;
inline V8 AddHalves(V8 sum, V8 v) { return sum + v; }
inline V FromInt(const int32_t* p) {
  return {_mm256_cvtepi32_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
inline void ToInt(V x, int32_t* p) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_cvttps_epi32(x.v)); }
inline void ToBytes(V x, uint8_t* p) {
  const __m256i whole = _mm256_cvttps_epi32(x.v);
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
}
inline float MaxLane(V x) {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(x.v), _mm256_extractf128_ps(x.v, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

// One block of 128 activations: 32 tables of 16 subset sums.
struct alignas(64) ActBlock {
  uint8_t tables[32 * 16];
  float scale;
  float bias;       // sum_j m_j * sum |q|, an integer below 2^16: I = 2 * sum_j m_j E_j - bias
  uint16_t m[4];    // m_j
  uint16_t odd[4];  // 256 m_j: as two bytes, what vpmaddubsw multiplies an even and an odd byte with
  uint8_t pad[40];
  void set_m(int j, int32_t value) {
    m[j] = static_cast<uint16_t>(value);
    odd[j] = static_cast<uint16_t>(value << 8);
  }
  void set_bias(int32_t value) { bias = static_cast<float>(value); }
};
static_assert(sizeof(ActBlock) == 576);

#include "kernels/x86/act_tables.inl"
#include "kernels/x86/act_tables_avx2.inl"

// Sums of look-ups in 16-bit lanes, each of two rows: byte 2p of a look-up is row p, byte 2p + 1 is row 16 + p. `mixed`
// adds up row p + 256 * row 16 + p modulo 2^16, `odd` the second row alone, times its sub-block's m. A block's sums are
// below 2^16, so they can be told apart exactly at the end: even = mixed - 256 * odd.
struct Sums {
  __m256i mixed;
  __m256i odd;
};
constexpr Sums kNoSums = {};

inline __m256i Table(const uint8_t* table) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table)));
}
inline __m256i LowNibbles(__m256i w) { return _mm256_and_si256(w, _mm256_set1_epi8(15)); }

// Look-ups of 8 weights of 32 rows for one token. (vpmaddubsw instead of a shift: shuffles and shifts share their two
// units on AMD's machines, multiplications have two of their own.)
inline Sums AddLookUps(Sums s, __m256i low, __m256i high, const uint8_t* tables, __m256i odd) {
  const __m256i u = _mm256_shuffle_epi8(Table(tables), low);
  const __m256i z = _mm256_shuffle_epi8(Table(tables + 16), high);
  s.mixed = _mm256_add_epi16(s.mixed, _mm256_add_epi16(u, z));
  s.odd = _mm256_add_epi16(s.odd, _mm256_add_epi16(_mm256_maddubs_epi16(u, odd), _mm256_maddubs_epi16(z, odd)));
  return s;
}
inline __m256i Odd(const ActBlock& act, int j) { return _mm256_set1_epi16(static_cast<short>(act.odd[j])); }
// Ends a sub-block: its `mixed` joins the block's, times m.
inline Sums AddSubBlock(Sums total, Sums s, const ActBlock& act, int j) {
  const __m256i m = _mm256_set1_epi16(static_cast<short>(act.m[j]));
  return {_mm256_add_epi16(total.mixed, _mm256_mullo_epi16(s.mixed, m)), s.odd};
}

// 32 rows in the order in which 16-bit lanes unpack: 0-3 8-11, 4-7 12-15, 16-19 24-27, 20-23 28-31.
struct Rows32 {
  __m256 v[4];
};
inline Rows32 LoadScales(const uint8_t* w) {
  Rows32 d;
  for (int half = 0; half < 2; ++half) {
    const __m256i rows =
        _mm256_permute4x64_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 512 + half * 32)), 0xd8);
    d.v[2 * half] = _mm256_cvtph_ps(_mm256_castsi256_si128(rows));
    d.v[2 * half + 1] = _mm256_cvtph_ps(_mm256_extracti128_si256(rows, 1));
  }
  return d;
}
inline void StoreRows(Rows32 rows, float* y) {
  for (int half = 0; half < 2; ++half) {
    const __m256 a = rows.v[2 * half];
    const __m256 b = rows.v[2 * half + 1];
    _mm256_storeu_ps(y + half * 16, _mm256_permute2f128_ps(a, b, 0x20));
    _mm256_storeu_ps(y + half * 16 + 8, _mm256_permute2f128_ps(a, b, 0x31));
  }
}

// Adds a block's result to the accumulators of its rows: I * (d * scale), product and sum rounded. Up to I everything
// is exact: 0x4b00 before 16 bits makes them the float 2^23 + E, and the fused 2 E - bias has no rounding to do.
inline Rows32 Fold(Rows32 acc, Sums total, const ActBlock& act, const Rows32& d) {
  const __m256i even = _mm256_sub_epi16(total.mixed, _mm256_slli_epi16(total.odd, 8));
  const __m256i magic = _mm256_set1_epi16(0x4b00);
  const __m256i wide[4] = {_mm256_unpacklo_epi16(even, magic), _mm256_unpackhi_epi16(even, magic),
                           _mm256_unpacklo_epi16(total.odd, magic), _mm256_unpackhi_epi16(total.odd, magic)};
  const __m256 scale = _mm256_set1_ps(act.scale);
  const __m256 bias = _mm256_set1_ps(act.bias);
  for (int i = 0; i < 4; ++i) {
    const __m256 e = _mm256_sub_ps(_mm256_castsi256_ps(wide[i]), _mm256_set1_ps(8388608.0f));
    const __m256 value = _mm256_fmsub_ps(e, _mm256_set1_ps(2.0f), bias);
    acc.v[i] = _mm256_add_ps(acc.v[i], _mm256_mul_ps(value, _mm256_mul_ps(d.v[i], scale)));
  }
  return acc;
}

// One panel times one token.
inline void PanelToken(const uint8_t* panel, int64_t blocks, const ActBlock* act, float* y) {
  Rows32 acc = {};
  for (int64_t b = 0; b < blocks; ++b) {
    const uint8_t* w = panel + b * kPanelBlockBytes;
    for (int line = 0; line < 9; ++line) {
      _mm_prefetch(reinterpret_cast<const char*>(w + 4 * kPanelBlockBytes + line * 64), _MM_HINT_T0);
    }
    Sums total = kNoSums;
    for (int j = 0; j < 4; ++j) {
      Sums s = {_mm256_setzero_si256(), total.odd};
      const __m256i odd = Odd(act[b], j);
      NIWAKI_UNROLL_4
      for (int v = j * 4; v < j * 4 + 4; ++v) {
        const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + v * 32));
        s = AddLookUps(s, LowNibbles(bits), LowNibbles(_mm256_srli_epi16(bits, 4)), act[b].tables + v * 32, odd);
      }
      total = AddSubBlock(total, s, act[b], j);
    }
    acc = Fold(acc, total, act[b], LoadScales(w));
  }
  StoreRows(acc, y);
}

struct alignas(64) Expanded {
  __m256i indices[32];  // of the groups in order
  Rows32 d;
  const uint8_t* w;
};
inline void Expand(const uint8_t* w, Expanded* out) {
  for (int v = 0; v < 16; ++v) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + v * 32));
    out->indices[2 * v] = LowNibbles(bits);
    out->indices[2 * v + 1] = LowNibbles(_mm256_srli_epi16(bits, 4));
  }
  out->d = LoadScales(w);
  out->w = w;
}

// Two tokens share what is loaded of the weights; the sums of more would not fit 16 registers. Sums have names of their
// own, because compilers keep arrays of them in memory.
constexpr int64_t kTokensAtOnce = 2;
template <int N>
inline void Accumulate(const Expanded& w, const ActBlock* const* acts, Rows32* acc) {
  const ActBlock& a = *acts[0];
  const ActBlock& b = *acts[N - 1];
  const char* const ahead = reinterpret_cast<const char*>(w.w + kPanelBlockBytes);  // as in q1_avx512.inl
  _mm_prefetch(ahead + 512, _MM_HINT_T0);
  Sums total_a = kNoSums;
  Sums total_b = kNoSums;
  for (int j = 0; j < 4; ++j) {
    Sums sum_a = {_mm256_setzero_si256(), total_a.odd};
    Sums sum_b = {_mm256_setzero_si256(), total_b.odd};
    const __m256i odd_a = Odd(a, j);
    const __m256i odd_b = Odd(b, j);
    _mm_prefetch(ahead + j * 128, _MM_HINT_T0);
    _mm_prefetch(ahead + j * 128 + 64, _MM_HINT_T0);
    NIWAKI_UNROLL_4
    for (int v = j * 4; v < j * 4 + 4; ++v) {
      const __m256i low = w.indices[2 * v];
      const __m256i high = w.indices[2 * v + 1];
      sum_a = AddLookUps(sum_a, low, high, a.tables + v * 32, odd_a);
      if constexpr (N == 2) {
        sum_b = AddLookUps(sum_b, low, high, b.tables + v * 32, odd_b);
      }
    }
    total_a = AddSubBlock(total_a, sum_a, a, j);
    if constexpr (N == 2) {
      total_b = AddSubBlock(total_b, sum_b, b, j);
    }
  }
  acc[0] = Fold(acc[0], total_a, a, w.d);
  if constexpr (N == 2) {
    acc[1] = Fold(acc[1], total_b, b, w.d);
  }
}

#include "kernels/q1_tiles.inl"
#include "kernels/vec_ops.inl"

}  // namespace

const KernelTable kAvx2Kernels = {
    .name = "avx2",
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
