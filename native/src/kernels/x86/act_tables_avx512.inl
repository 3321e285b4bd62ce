// The scale and the tables of a block of activations with AVX-512 VBMI and VNNI (act_tables.inl). The tables of a
// sub-block's eight groups stand in the order 0 2 4 6, 1 3 5 7. Included inside an anonymous namespace behind
// act_tables.inl.

// The largest sum of magnitudes, (|x0| + |x1|) + (|x2| + |x3|), of a sub-block's groups whose values stand in the same
// quarter of a vector: four times.
inline __m512 LargestGroups(const float* x) {
  __m512 sums[2];
  for (int half = 0; half < 2; ++half) {
    const __m512 v = _mm512_abs_ps(_mm512_loadu_ps(x + half * 16));
    const __m512 pairs = _mm512_add_ps(v, _mm512_permute_ps(v, 0xb1));
    sums[half] = _mm512_add_ps(pairs, _mm512_permute_ps(pairs, 0x4e));
  }
  return _mm512_max_ps(sums[0], sums[1]);
}

inline BlockScale ScaleOf(const float* x) {
  // Sub-block j in lane j of every quarter.
  const __m512 even = _mm512_mask_blend_ps(0x4444, LargestGroups(x), LargestGroups(x + 2 * kActSub));
  const __m512 odd = _mm512_mask_blend_ps(0x8888, LargestGroups(x + kActSub), LargestGroups(x + 3 * kActSub));
  const __m512 all = _mm512_mask_blend_ps(0xaaaa, even, odd);
  const __m256 half =
      _mm256_max_ps(_mm512_castps512_ps256(all), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(all), 1)));
  const __m128 largest = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  alignas(16) float need[4];
  _mm_store_ps(need, _mm_div_ps(largest, _mm_set1_ps(kActGroupSpan)));
  return ChooseScale(need);
}

// Sixteen integers as Quantize8 makes them, in 16 bits each.
inline __m256i Quantize16(const float* x, __m512 inv) {
  const __m512 v = _mm512_mul_ps(_mm512_loadu_ps(x), inv);
  const __mmask16 sane = _mm512_cmp_ps_mask(_mm512_abs_ps(v), _mm512_set1_ps(255.0f), _CMP_LE_OQ);
  return _mm512_cvtepi32_epi16(_mm512_maskz_cvtps_epi32(sane, v));
}

// Of byte e in quarter g of a vector of tables: where value `i` of group 2g + `odd` stands in the sub-block.
struct Picks {
  alignas(64) uint8_t first[2][64];
};
constexpr Picks MakePicks() {
  Picks picks{};
  for (int odd = 0; odd < 2; ++odd) {
    for (int at = 0; at < 64; ++at) {
      picks.first[odd][at] = static_cast<uint8_t>(at / 16 * 8 + odd * 4);
    }
  }
  return picks;
}
constexpr Picks kPicks = MakePicks();

inline int32_t BuildTables(const float* x, float step_inverse, uint8_t* tables) {
  const __m512 inv = _mm512_set1_ps(step_inverse);
  const __m512i q = _mm512_inserti64x4(_mm512_castsi256_si512(Quantize16(x, inv)), Quantize16(x + 16, inv), 1);
  const __m512i zero = _mm512_setzero_si512();
  const __m256i ones = _mm256_set1_epi8(1);
  // Magnitudes are at most 255, and so are their sums over a group: what lifts its smallest subset sum to zero fits a
  // byte, the lowest of the group's four.
  const __m256i negative = _mm512_cvtepi16_epi8(_mm512_max_epi16(_mm512_sub_epi16(zero, q), zero));
  const __m256i shift = _mm256_dpbusd_epi32(_mm256_setzero_si256(), negative, ones);
  const __m256i magnitudes =
      _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm512_cvtepi16_epi8(_mm512_abs_epi16(q)), ones);
  // Bytes modulo 256 are enough: the finished entries are within 0..255.
  const __m512i bytes = _mm512_castsi256_si512(_mm512_cvtepi16_epi8(q));
  const __m512i shifts = _mm512_castsi256_si512(shift);
  for (int odd = 0; odd < 2; ++odd) {
    // Value i of a group is in the entries whose number has bit i.
    const __m512i i0 = _mm512_load_si512(kPicks.first[odd]);
    const __m512i i1 = _mm512_add_epi8(i0, _mm512_set1_epi8(1));
    const __m512i i2 = _mm512_add_epi8(i0, _mm512_set1_epi8(2));
    const __m512i i3 = _mm512_add_epi8(i0, _mm512_set1_epi8(3));
    const __m512i a = _mm512_add_epi8(_mm512_maskz_permutexvar_epi8(0xaaaaaaaaaaaaaaaau, i0, bytes),
                                      _mm512_maskz_permutexvar_epi8(0xccccccccccccccccu, i1, bytes));
    const __m512i b = _mm512_add_epi8(_mm512_maskz_permutexvar_epi8(0xf0f0f0f0f0f0f0f0u, i2, bytes),
                                      _mm512_maskz_permutexvar_epi8(0xff00ff00ff00ff00u, i3, bytes));
    const __m512i lift = _mm512_permutexvar_epi8(i0, shifts);
    _mm512_store_si512(tables + odd * 64, _mm512_add_epi8(_mm512_add_epi8(a, b), lift));
  }
  const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(magnitudes), _mm256_extracti128_si256(magnitudes, 1));
  const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}
