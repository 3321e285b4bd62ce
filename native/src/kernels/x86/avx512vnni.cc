// The AVX-512 table: the same integers as "avx2" and "generic", with two instructions for 64 look-ups of 4 weights.
// vpermb looks 64 bytes up in four tables at once (each byte of a row's word has its own), vpdpbusd adds the four of a
// word, times their sub-block's multiplier, to the row's 32-bit sum: 256 weights in two instructions and one ternary
// logic. Needs VBMI for vpermb, so Ice Lake or Zen 4 and later. Compiled with AVX-512 in this file alone; nothing here
// may instantiate anything with vague linkage, or the linker could hand such code to machines without it.
#include <immintrin.h>

#include "kernels/act_q8.h"
#include "kernels/kernel_table.h"

namespace niwaki {
namespace {

#include "kernels/x86/v8_avx2.inl"

// One block of 128 activations. The tables of a sub-block's eight groups stand in the order 0 2 4 6, 1 3 5 7: byte b of
// a row's word holds groups 2b (low nibble) and 2b + 1 (high nibble).
struct alignas(64) ActBlock {
  uint8_t tables[4 * 128];
  float scale;
  int32_t bias;  // sum_j m_j * sum |q|: I = 2 * sum_j m_j E_j - bias
  int32_t m[4];  // four copies of m_j, a byte each, for vpdpbusd
  uint8_t pad[40];
  void set_m(int j, int32_t value) { m[j] = value * 0x01010101; }
};
static_assert(sizeof(ActBlock) == 576);

inline void StoreGroupPair(uint8_t* tables, int g, __m256i pair) {
  _mm_store_si128(reinterpret_cast<__m128i*>(tables + g * 16), _mm256_castsi256_si128(pair));
  _mm_store_si128(reinterpret_cast<__m128i*>(tables + 64 + g * 16), _mm256_extracti128_si256(pair, 1));
}

#include "kernels/x86/act_tables.inl"

// Indices into the four tables of 16: the nibbles, and which byte of the word they are in. 0xEA is (a & b) | c.
inline __m512i Indices(__m512i nibbles) {
  return _mm512_ternarylogic_epi32(nibbles, _mm512_set1_epi32(0x0f0f0f0f), _mm512_set1_epi32(0x30201000), 0xEA);
}

// One panel times N tokens: the indices are made once for all of them. Every row of every token is summed and folded by
// itself, in the same order whatever N is.
template <int N>
inline void PanelTokens(const uint8_t* panel, int64_t blocks, const ActBlock* acts, float* y, int64_t y_stride) {
  __m512 acc[N][2];
  for (int t = 0; t < N; ++t) {
    acc[t][0] = _mm512_setzero_ps();
    acc[t][1] = _mm512_setzero_ps();
  }
  for (int64_t b = 0; b < blocks; ++b) {
    const uint8_t* w = panel + b * kPanelBlockBytes;
    for (int line = 0; line < 9; ++line) {
      _mm_prefetch(reinterpret_cast<const char*>(w + 4 * kPanelBlockBytes + line * 64), _MM_HINT_T0);
    }
    __m512i sums[N][2];
    for (int t = 0; t < N; ++t) {
      sums[t][0] = _mm512_setzero_si512();
      sums[t][1] = _mm512_setzero_si512();
    }
    for (int j = 0; j < 4; ++j) {
      const __m512i w0 = _mm512_loadu_si512(w + j * 128);
      const __m512i w1 = _mm512_loadu_si512(w + j * 128 + 64);
      const __m512i low0 = Indices(w0);
      const __m512i low1 = Indices(w1);
      const __m512i high0 = Indices(_mm512_srli_epi32(w0, 4));
      const __m512i high1 = Indices(_mm512_srli_epi32(w1, 4));
      for (int t = 0; t < N; ++t) {
        const ActBlock& act = acts[t * blocks + b];
        const __m512i low = _mm512_load_si512(act.tables + j * 128);
        const __m512i high = _mm512_load_si512(act.tables + j * 128 + 64);
        const __m512i m = _mm512_set1_epi32(act.m[j]);
        sums[t][0] = _mm512_dpbusd_epi32(sums[t][0], _mm512_permutexvar_epi8(low0, low), m);
        sums[t][1] = _mm512_dpbusd_epi32(sums[t][1], _mm512_permutexvar_epi8(low1, low), m);
        sums[t][0] = _mm512_dpbusd_epi32(sums[t][0], _mm512_permutexvar_epi8(high0, high), m);
        sums[t][1] = _mm512_dpbusd_epi32(sums[t][1], _mm512_permutexvar_epi8(high1, high), m);
      }
    }
    const __m512 d[2] = {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 512))),
                         _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 544)))};
    for (int t = 0; t < N; ++t) {
      const ActBlock& act = acts[t * blocks + b];
      const __m512i bias = _mm512_set1_epi32(act.bias);
      const __m512 scale = _mm512_set1_ps(act.scale);
      for (int half = 0; half < 2; ++half) {
        const __m512i e = sums[t][half];
        const __m512 value = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_add_epi32(e, e), bias));
        acc[t][half] = _mm512_add_ps(acc[t][half], _mm512_mul_ps(value, _mm512_mul_ps(d[half], scale)));
      }
    }
  }
  for (int t = 0; t < N; ++t) {
    _mm512_storeu_ps(y + t * y_stride, acc[t][0]);
    _mm512_storeu_ps(y + t * y_stride + 16, acc[t][1]);
  }
}

void MatmulQ1(const uint8_t* panels, int64_t blocks, int64_t panel_begin, int64_t panel_end, const void* acts,
              int64_t tokens, float* y, int64_t y_stride) {
  const ActBlock* act = static_cast<const ActBlock*>(acts);
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    const uint8_t* panel = panels + p * blocks * kPanelBlockBytes;
    float* out = y + p * kPanelRows;
    int64_t t = 0;
    for (; t + 4 <= tokens; t += 4) {  // more tokens would not leave their sums in registers
      PanelTokens<4>(panel, blocks, act + t * blocks, out + t * y_stride, y_stride);
    }
    for (; t + 2 <= tokens; t += 2) {
      PanelTokens<2>(panel, blocks, act + t * blocks, out + t * y_stride, y_stride);
    }
    if (t < tokens) {
      PanelTokens<1>(panel, blocks, act + t * blocks, out + t * y_stride, y_stride);
    }
  }
}

#include "kernels/vec_ops.inl"

}  // namespace

const KernelTable kAvx512VnniKernels = {
    "avx512vnni",
    PanelLayout::kWordRows,
    ActBytes,
    QuantizeAct,
    MatmulQ1,
    Matmul<RowsF16>,
    Matmul<RowsF32>,
    Matmul<RowsBF16>,
    Matmul<RowsQ8>,
    RmsNorm,
    RopeNeox,
    SiluMulAll,
    Add,
    F32ToF16All,
    F16ToF32All,
    AttendPageF16,
};

}  // namespace niwaki
