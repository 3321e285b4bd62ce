// The AVX2 table: Q1_0 products by table look-up. Compiled with AVX2 and F16C alone in this file; nothing here may
// instantiate anything with vague linkage, or the linker could hand AVX2 code to machines without it.
#include <immintrin.h>

#include "kernels/act_q8.h"
#include "kernels/kernel_table.h"

namespace niwaki {
namespace {

#include "kernels/x86/v8_avx2.inl"

// One block of 128 activations: 32 tables of 16 subset sums.
struct alignas(64) ActBlock {
  uint8_t tables[32 * 16];
  float scale;
  int32_t bias;  // sum_j m_j * sum |q|: I = 2 * sum_j m_j E_j - bias
  uint16_t m[4];
  uint8_t pad[48];
  void set_m(int j, int32_t value) { m[j] = static_cast<uint16_t>(value); }
};
static_assert(sizeof(ActBlock) == 576);

inline void StoreGroupPair(uint8_t* tables, int g, __m256i pair) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(tables + g * 32), pair);
}

// Two rows of 16 lanes: rows 0..15 and 16..31 of a panel.
struct Sums {
  __m256i even;
  __m256i odd;
};

inline Sums BlockSums(const uint8_t* bits, const ActBlock& act) {
  const __m256i low = _mm256_set1_epi8(15);
  Sums total = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  for (int j = 0; j < 4; ++j) {
    __m256i mixed = _mm256_setzero_si256();  // even bytes + 256 * odd bytes, modulo 2^16
    __m256i high = _mm256_setzero_si256();
    for (int v = 0; v < 4; ++v) {
      const uint8_t* tables = act.tables + (j * 4 + v) * 32;
      const __m256i t0 = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(tables)));
      const __m256i t1 = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(tables + 16)));
      const __m256i w = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bits + (j * 4 + v) * 32));
      const __m256i u = _mm256_shuffle_epi8(t0, _mm256_and_si256(w, low));
      const __m256i z = _mm256_shuffle_epi8(t1, _mm256_and_si256(_mm256_srli_epi16(w, 4), low));
      mixed = _mm256_add_epi16(mixed, _mm256_add_epi16(u, z));
      high = _mm256_add_epi16(high, _mm256_add_epi16(_mm256_srli_epi16(u, 8), _mm256_srli_epi16(z, 8)));
    }
    const __m256i m = _mm256_set1_epi16(static_cast<short>(act.m[j]));
    const __m256i even = _mm256_sub_epi16(mixed, _mm256_slli_epi16(high, 8));
    total.even = _mm256_add_epi16(total.even, _mm256_mullo_epi16(even, m));
    total.odd = _mm256_add_epi16(total.odd, _mm256_mullo_epi16(high, m));
  }
  return total;
}

// One panel times one token.
inline void PanelToken(const uint8_t* panel, int64_t blocks, const ActBlock* act, float* y) {
  __m256 acc[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
  for (int64_t b = 0; b < blocks; ++b) {
    const uint8_t* w = panel + b * kPanelBlockBytes;
    for (int line = 0; line < 9; ++line) {
      _mm_prefetch(reinterpret_cast<const char*>(w + 4 * kPanelBlockBytes + line * 64), _MM_HINT_T0);
    }
    const Sums sums = BlockSums(w, act[b]);
    const __m256 scale = _mm256_set1_ps(act[b].scale);
    const __m256i bias = _mm256_set1_epi32(act[b].bias);
    const __m128i quarters[4] = {_mm256_castsi256_si128(sums.even), _mm256_extracti128_si256(sums.even, 1),
                                 _mm256_castsi256_si128(sums.odd), _mm256_extracti128_si256(sums.odd, 1)};
    for (int i = 0; i < 4; ++i) {
      const __m256i e = _mm256_cvtepu16_epi32(quarters[i]);
      const __m256 value = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_add_epi32(e, e), bias));
      const __m256 d = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w + 512 + i * 16)));
      acc[i] = _mm256_add_ps(acc[i], _mm256_mul_ps(value, _mm256_mul_ps(d, scale)));
    }
  }
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(y + i * 8, acc[i]);
  }
}

void MatmulQ1(const uint8_t* panels, int64_t blocks, int64_t panel_begin, int64_t panel_end, const void* acts,
              int64_t tokens, float* y, int64_t y_stride) {
  const ActBlock* act = static_cast<const ActBlock*>(acts);
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    const uint8_t* panel = panels + p * blocks * kPanelBlockBytes;
    for (int64_t t = 0; t < tokens; ++t) {
      PanelToken(panel, blocks, act + t * blocks, y + t * y_stride + p * kPanelRows);
    }
  }
}

#include "kernels/vec_ops.inl"
#include "kernels/x86/act_tables.inl"

}  // namespace

const KernelTable kAvx2Kernels = {
    "avx2",
    PanelLayout::kByteColumns,
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
