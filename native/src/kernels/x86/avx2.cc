// The AVX2 table: Q1_0 products by table look-up. Compiled with AVX2 and F16C alone in this file; nothing here may
// instantiate anything with vague linkage, or the linker could hand AVX2 code to machines without it.
#include <immintrin.h>

#include "kernels/act_q8.h"
#include "kernels/kernel_table.h"

namespace niwaki {
namespace {

struct V8 {
  __m256 v;
  static V8 Load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static V8 Splat(float x) { return {_mm256_set1_ps(x)}; }
  static V8 LoadF16(const uint16_t* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  void Store(float* p) const { _mm256_storeu_ps(p, v); }
  void StoreF16(uint16_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  friend V8 operator+(V8 a, V8 b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend V8 operator-(V8 a, V8 b) { return {_mm256_sub_ps(a.v, b.v)}; }
  friend V8 operator*(V8 a, V8 b) { return {_mm256_mul_ps(a.v, b.v)}; }
  friend V8 operator/(V8 a, V8 b) { return {_mm256_div_ps(a.v, b.v)}; }
  static V8 Max(V8 a, V8 b) { return {_mm256_max_ps(a.v, b.v)}; }
  static V8 Min(V8 a, V8 b) { return {_mm256_min_ps(a.v, b.v)}; }
  static V8 Sqrt(V8 a) { return {_mm256_sqrt_ps(a.v)}; }
  static V8 Round(V8 a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
  static V8 Exp2Int(V8 n) {
    const __m256i e = _mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(e, 23))};
  }
  static V8 ZeroWhereLess(V8 x, V8 bound, V8 y) {
    return {_mm256_andnot_ps(_mm256_cmp_ps(x.v, bound.v, _CMP_LT_OQ), y.v)};
  }
};

// One block of 128 activations: 32 tables of 16 subset sums.
struct alignas(64) ActBlock {
  uint8_t tables[32 * 16];
  float scale;
  int32_t bias;  // sum_j m_j * sum |q|: I = 2 * sum_j m_j E_j - bias
  uint16_t m[4];
  uint8_t pad[48];
};
static_assert(sizeof(ActBlock) == 576);

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

// Sums of magnitudes of the eight groups of a sub-block, in any order: each (|x0| + |x1|) + (|x2| + |x3|).
inline __m256 GroupSums(const float* x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  const __m256 a = _mm256_andnot_ps(sign, _mm256_loadu_ps(x));
  const __m256 b = _mm256_andnot_ps(sign, _mm256_loadu_ps(x + 8));
  const __m256 c = _mm256_andnot_ps(sign, _mm256_loadu_ps(x + 16));
  const __m256 d = _mm256_andnot_ps(sign, _mm256_loadu_ps(x + 24));
  return _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
}

inline float MaxLanes(__m256 v) {
  const __m128 h = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 q = _mm_max_ps(h, _mm_movehl_ps(h, h));
  return _mm_cvtss_f32(_mm_max_ss(q, _mm_shuffle_ps(q, q, 1)));
}

// Eight integers round_half_even(x * inv); what is not within -255..255 (only from inputs that are not finite) becomes
// 0.
inline __m256i Quantize8(const float* x, __m256 inv) {
  const __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x), inv);
  const __m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v);
  const __m256 sane = _mm256_cmp_ps(magnitude, _mm256_set1_ps(255.0f), _CMP_LE_OQ);
  return _mm256_cvtps_epi32(_mm256_and_ps(v, sane));
}

// The tables of a sub-block from its 32 integers; returns sum |q|.
inline int32_t BuildTables(const float* x, float step_inverse, uint8_t* tables) {
  const __m256 inv = _mm256_set1_ps(step_inverse);
  // packs works in 128-bit halves: the permutation puts 16 values back in order.
  const __m256i q01 = _mm256_permute4x64_epi64(_mm256_packs_epi32(Quantize8(x, inv), Quantize8(x + 8, inv)), 0xd8);
  const __m256i q23 =
      _mm256_permute4x64_epi64(_mm256_packs_epi32(Quantize8(x + 16, inv), Quantize8(x + 24, inv)), 0xd8);
  const __m256i zero = _mm256_setzero_si256();
  const __m256i ones = _mm256_set1_epi16(1);
  const __m256i neg01 = _mm256_madd_epi16(_mm256_max_epi16(_mm256_sub_epi16(zero, q01), zero), ones);
  const __m256i neg23 = _mm256_madd_epi16(_mm256_max_epi16(_mm256_sub_epi16(zero, q23), zero), ones);
  const __m256i abs01 = _mm256_madd_epi16(_mm256_abs_epi16(q01), ones);
  const __m256i abs23 = _mm256_madd_epi16(_mm256_abs_epi16(q23), ones);

  alignas(32) int32_t shift[8];  // per group: what lifts its smallest subset sum to zero
  _mm256_store_si256(reinterpret_cast<__m256i*>(shift),
                     _mm256_permute4x64_epi64(_mm256_hadd_epi32(neg01, neg23), 0xd8));
  alignas(32) int32_t magnitudes[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(magnitudes), _mm256_add_epi32(abs01, abs23));
  int32_t sum = 0;
  for (int i = 0; i < 8; ++i) {
    sum += magnitudes[i];
  }

  // Bytes modulo 256 are enough: the finished entries are within 0..255.
  const __m256i byte = _mm256_set1_epi16(255);
  alignas(32) uint64_t pairs[4];  // 8 values, two groups, each
  _mm256_store_si256(
      reinterpret_cast<__m256i*>(pairs),
      _mm256_permute4x64_epi64(_mm256_packus_epi16(_mm256_and_si256(q01, byte), _mm256_and_si256(q23, byte)), 0xd8));
  const char no = -128;
#define NIWAKI_PICK(i)                                                                                                 \
  _mm256_setr_epi8(no, P(1, i, 0), P(2, i, 0), P(3, i, 0), P(4, i, 0), P(5, i, 0), P(6, i, 0), P(7, i, 0), P(8, i, 0), \
                   P(9, i, 0), P(10, i, 0), P(11, i, 0), P(12, i, 0), P(13, i, 0), P(14, i, 0), P(15, i, 0), no,       \
                   P(1, i, 4), P(2, i, 4), P(3, i, 4), P(4, i, 4), P(5, i, 4), P(6, i, 4), P(7, i, 4), P(8, i, 4),     \
                   P(9, i, 4), P(10, i, 4), P(11, i, 4), P(12, i, 4), P(13, i, 4), P(14, i, 4), P(15, i, 4))
#define P(entry, i, base) ((((entry) >> (i)) & 1) != 0 ? static_cast<char>((base) + (i)) : no)
  const __m256i pick0 = NIWAKI_PICK(0);
  const __m256i pick1 = NIWAKI_PICK(1);
  const __m256i pick2 = NIWAKI_PICK(2);
  const __m256i pick3 = NIWAKI_PICK(3);
#undef P
#undef NIWAKI_PICK
  for (int g = 0; g < 4; ++g) {
    const __m256i q = _mm256_set1_epi64x(static_cast<long long>(pairs[g]));
    const __m256i a = _mm256_add_epi8(_mm256_shuffle_epi8(q, pick0), _mm256_shuffle_epi8(q, pick1));
    const __m256i b = _mm256_add_epi8(_mm256_shuffle_epi8(q, pick2), _mm256_shuffle_epi8(q, pick3));
    const __m256i lift = _mm256_set_m128i(_mm_set1_epi8(static_cast<char>(shift[2 * g + 1])),
                                          _mm_set1_epi8(static_cast<char>(shift[2 * g])));
    _mm256_store_si256(reinterpret_cast<__m256i*>(tables + g * 32), _mm256_add_epi8(_mm256_add_epi8(a, b), lift));
  }
  return sum;
}

void QuantizeAct(const float* x, int64_t cols, void* act) {
  ActBlock* block = static_cast<ActBlock*>(act);
  for (int64_t k = 0; k < cols; k += kActBlock, ++block, x += kActBlock) {
    float need[4];
    for (int j = 0; j < 4; ++j) {
      need[j] = MaxLanes(GroupSums(x + j * kActSub)) / kActGroupSpan;
    }
    const BlockScale scale = ChooseScale(need);
    block->scale = scale.scale;
    block->bias = 0;
    for (int j = 0; j < 4; ++j) {
      block->m[j] = static_cast<uint16_t>(scale.m[j]);
      block->bias += scale.m[j] * BuildTables(x + j * kActSub, scale.inverse[j], block->tables + j * 128);
    }
  }
}

int64_t ActBytes(int64_t cols) { return cols / kActBlock * static_cast<int64_t>(sizeof(ActBlock)); }

#include "kernels/vec_ops.inl"

}  // namespace

const KernelTable kAvx2Kernels = {
    "avx2",   ActBytes,   QuantizeAct, MatmulQ1,    MatmulPlain<uint16_t>, MatmulPlain<float>, RmsNorm,
    RopeNeox, SiluMulAll, Add,         F32ToF16All, F16ToF32All,           AttendPageF16,
};

}  // namespace niwaki
