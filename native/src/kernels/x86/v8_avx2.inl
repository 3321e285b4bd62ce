// Eight floats in an AVX register, for kernels/vec_ops.inl. Included inside an anonymous namespace by every x86 table,
// so that each compiles its own copy with its own instruction sets.
struct V8 {
  static constexpr int64_t kLanes = 8;
  __m256 v;
  static V8 Load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static V8 Splat(float x) { return {_mm256_set1_ps(x)}; }
  static V8 LoadF16(const uint16_t* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  static V8 LoadBF16(const uint16_t* p) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(wide, 16))};
  }
  // Eight signed bytes as floats.
  static V8 LoadI8(const uint8_t* p) {
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
  }
  // One little-endian half, perhaps unaligned.
  static V8 SplatF16(const uint8_t* p) {
    return {_mm256_cvtph_ps(_mm_set1_epi16(static_cast<short>(p[0] | (p[1] << 8))))};
  }
  void Store(float* p) const { _mm256_storeu_ps(p, v); }
  void StoreF16(uint16_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  friend V8 operator+(V8 a, V8 b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend V8 operator-(V8 a, V8 b) { return {_mm256_sub_ps(a.v, b.v)}; }
  friend V8 operator*(V8 a, V8 b) { return {_mm256_mul_ps(a.v, b.v)}; }
  friend V8 operator/(V8 a, V8 b) { return {_mm256_div_ps(a.v, b.v)}; }
  static V8 MulAdd(V8 a, V8 b, V8 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
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

// Every lane the sum or difference of two, in stages 4, 2, 1 (kernels/codes_attention.inl).
inline V8 Hadamard8(V8 x) {
  const auto stage = [](__m256 v, __m256 swapped, __m256 signs) {
    return _mm256_add_ps(swapped, _mm256_xor_ps(v, signs));
  };
  const float m = -0.0f;
  __m256 v = x.v;
  v = stage(v, _mm256_permute2f128_ps(v, v, 1), _mm256_setr_ps(0, 0, 0, 0, m, m, m, m));
  v = stage(v, _mm256_permute_ps(v, 0x4e), _mm256_setr_ps(0, 0, m, m, 0, 0, m, m));
  v = stage(v, _mm256_permute_ps(v, 0xb1), _mm256_setr_ps(0, m, 0, m, 0, m, 0, m));
  return {v};
}
