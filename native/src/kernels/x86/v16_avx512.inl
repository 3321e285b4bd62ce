// Sixteen floats in an AVX-512 register, for what kernels/vec_ops.inl computes lane by lane; and V8, of which they are
// two.
#include "kernels/x86/v8_avx2.inl"

struct V16 {
  static constexpr int64_t kLanes = 16;
  __m512 v;
  static V16 Load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static V16 Splat(float x) { return {_mm512_set1_ps(x)}; }
  static V16 LoadF16(const uint16_t* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  void Store(float* p) const { _mm512_storeu_ps(p, v); }
  V8 Low() const { return {_mm512_castps512_ps256(v)}; }
  V8 High() const { return {_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1))}; }
  friend V16 operator+(V16 a, V16 b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend V16 operator-(V16 a, V16 b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend V16 operator*(V16 a, V16 b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend V16 operator/(V16 a, V16 b) { return {_mm512_div_ps(a.v, b.v)}; }
  static V16 MulAdd(V16 a, V16 b, V16 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static V16 Max(V16 a, V16 b) { return {_mm512_max_ps(a.v, b.v)}; }
  static V16 Min(V16 a, V16 b) { return {_mm512_min_ps(a.v, b.v)}; }
  static V16 Round(V16 a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
  static V16 Exp2Int(V16 n) {
    const __m512i e = _mm512_add_epi32(_mm512_cvtps_epi32(n.v), _mm512_set1_epi32(127));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(e, 23))};
  }
  static V16 ZeroWhereLess(V16 x, V16 bound, V16 y) {
    return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, bound.v, _CMP_NLT_UQ), y.v)};
  }
};
