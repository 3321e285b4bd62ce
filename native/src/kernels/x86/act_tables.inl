// Activations as tables of subset sums (kernels/act_q8.h), on x86. Included inside an anonymous namespace by tables
// that define before it
//   struct ActBlock with uint8_t tables[512], float scale, set_m(j, m) and set_bias(sum_j m_j * sum |q|);
// and, before it or behind it,
//   BlockScale ScaleOf(const float* x): of a block;
//   int32_t BuildTables(const float* x, float step_inverse, uint8_t* tables): the tables of a sub-block from its 32
//     integers, in 128 bytes, ordered as the products want them; returns sum |q|.

inline BlockScale ScaleOf(const float* x);
inline int32_t BuildTables(const float* x, float step_inverse, uint8_t* tables);

// Eight integers round_half_even(x * inv); what is not within -255..255 (only from inputs that are not finite) becomes
// 0.
inline __m256i Quantize8(const float* x, __m256 inv) {
  const __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x), inv);
  const __m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v);
  const __m256 sane = _mm256_cmp_ps(magnitude, _mm256_set1_ps(255.0f), _CMP_LE_OQ);
  return _mm256_cvtps_epi32(_mm256_and_ps(v, sane));
}

void QuantizeAct(const float* x, int64_t cols, int64_t, void* act) {
  ActBlock* block = static_cast<ActBlock*>(act);
  for (int64_t k = 0; k < cols; k += kActBlock, ++block, x += kActBlock) {
    const BlockScale scale = ScaleOf(x);
    block->scale = scale.scale;
    int32_t bias = 0;
    for (int j = 0; j < 4; ++j) {
      block->set_m(j, scale.m[j]);
      bias += scale.m[j] * BuildTables(x + j * kActSub, scale.inverse[j], block->tables + j * 128);
    }
    block->set_bias(bias);
  }
}

// An odd number of cache lines, so that the same block of many tokens does not fall into the same few sets of a cache.
int64_t ActBytes(int64_t cols) { return (cols / kActBlock * static_cast<int64_t>(sizeof(ActBlock) / 64) | 1) * 64; }
