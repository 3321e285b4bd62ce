// The scale and the tables of a block of activations with AVX2 (act_tables.inl): tables in the order of their groups.
// Included inside an anonymous namespace behind act_tables.inl.

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

inline BlockScale ScaleOf(const float* x) {
  float need[4];
  for (int j = 0; j < 4; ++j) {
    need[j] = MaxLanes(GroupSums(x + j * kActSub)) / kActGroupSpan;
  }
  return ChooseScale(need);
}

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
