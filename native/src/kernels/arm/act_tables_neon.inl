// Activations as tables of subset sums (kernels/act_q8.h), with NEON. Included inside an anonymous namespace after
// ActBlock is defined.

// The largest sum of magnitudes of the eight groups of a sub-block: each (|x0| + |x1|) + (|x2| + |x3|). What is not a
// number does not count.
inline float LargestGroup(const float* x) {
  float32x4_t sums[2];
  for (int i = 0; i < 2; ++i) {
    const float32x4_t a = vpaddq_f32(vabsq_f32(vld1q_f32(x + 16 * i)), vabsq_f32(vld1q_f32(x + 16 * i + 4)));
    const float32x4_t b = vpaddq_f32(vabsq_f32(vld1q_f32(x + 16 * i + 8)), vabsq_f32(vld1q_f32(x + 16 * i + 12)));
    sums[i] = vpaddq_f32(a, b);
  }
  return vmaxnmvq_f32(vmaxnmq_f32(sums[0], sums[1]));
}

// Four integers round_half_even(x * inverse); what is not within -255..255 (only from inputs that are not finite)
// becomes 0.
inline int16x4_t Quantize4(const float* x, float inverse) {
  const float32x4_t v = vmulq_n_f32(vld1q_f32(x), inverse);
  const uint32x4_t sane = vcaleq_f32(v, vdupq_n_f32(255.0f));
  return vmovn_s32(vcvtnq_s32_f32(vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), sane))));
}
inline int16x8_t Quantize8(const float* x, float inverse) {
  return vcombine_s16(Quantize4(x, inverse), Quantize4(x + 4, inverse));
}

// Look-up patterns, for four groups at once: entry e of a pair of values (a, b) is (e & 1) a + (e >> 1) b.
#define NIWAKI_FOUR(a, b, c, d) \
  a, b, c, d, a + 4, b + 4, c + 4, d + 4, a + 8, b + 8, c + 8, d + 8, a + 12, b + 12, c + 12, d + 12
constexpr uint8_t kNone = 128;  // an index out of range gives zero
constexpr uint8_t kPickFirst[2][16] = {{NIWAKI_FOUR(kNone, 0, kNone, 0)}, {NIWAKI_FOUR(kNone, 2, kNone, 2)}};
constexpr uint8_t kPickSecond[2][16] = {{NIWAKI_FOUR(kNone, kNone, 1, 1)}, {NIWAKI_FOUR(kNone, kNone, 3, 3)}};
#undef NIWAKI_FOUR
constexpr uint8_t kPickShift[16] = {0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6};
// A table's entry e from the pairs' entries e % 4 and e / 4 of the first group.
constexpr uint8_t kLowPair[16] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
constexpr uint8_t kHighPair[16] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};

// The four tables of 16 activations, in the order of groups 0 2 1 3; returns sums of |q| in some order.
inline int16x8_t BuildTables(const float* x, float inverse, uint8_t* tables) {
  const int16x8_t a = Quantize8(x, inverse);
  const int16x8_t b = Quantize8(x + 8, inverse);
  const int16x8_t zero = vdupq_n_s16(0);
  // Per group: what lifts its smallest subset sum to zero. Bytes modulo 256 are enough from here on: the finished
  // entries are within 0..255.
  const int16x8_t negative = vpaddq_s16(vmaxq_s16(vnegq_s16(a), zero), vmaxq_s16(vnegq_s16(b), zero));
  const uint8x16_t shift = vqtbl1q_u8(vreinterpretq_u8_s16(vpaddq_s16(negative, negative)), vld1q_u8(kPickShift));
  const uint8x16_t q = vuzp1q_u8(vreinterpretq_u8_s16(a), vreinterpretq_u8_s16(b));
  const auto pair = [q](int i) {
    return vaddq_u8(vqtbl1q_u8(q, vld1q_u8(kPickFirst[i])), vqtbl1q_u8(q, vld1q_u8(kPickSecond[i])));
  };
  const uint8x16_t low = vaddq_u8(pair(0), shift);
  const uint8x16_t high = pair(1);
  for (uint8_t g = 0; g < 4; ++g) {
    const uint8x16_t at = vdupq_n_u8(static_cast<uint8_t>(4 * g));
    const uint8x16_t table = vaddq_u8(vqtbl1q_u8(low, vaddq_u8(vld1q_u8(kLowPair), at)),
                                      vqtbl1q_u8(high, vaddq_u8(vld1q_u8(kHighPair), at)));
    vst1q_u8(tables + (g % 2 * 2 + g / 2) * 16, table);
  }
  return vaddq_s16(vabsq_s16(a), vabsq_s16(b));
}

void QuantizeAct(const float* x, int64_t cols, int64_t, void* act) {
  ActBlock* block = static_cast<ActBlock*>(act);
  for (int64_t k = 0; k < cols; k += kActBlock, ++block, x += kActBlock) {
    float need[4];
    for (int j = 0; j < 4; ++j) {
      need[j] = LargestGroup(x + j * kActSub) / kActGroupSpan;
    }
    const BlockScale scale = ChooseScale(need);
    block->scale = scale.scale;
    int32_t bias = 0;
    for (int j = 0; j < 4; ++j) {
      const int16x8_t first = BuildTables(x + j * kActSub, scale.inverse[j], block->tables + j * 128);
      const int16x8_t second = BuildTables(x + j * kActSub + 16, scale.inverse[j], block->tables + j * 128 + 64);
      block->m[j] = static_cast<uint16_t>(scale.m[j]);
      bias += scale.m[j] * vaddvq_s16(vaddq_s16(first, second));
    }
    block->bias = static_cast<uint16_t>(bias);
  }
}

// An odd number of cache lines, so that the same block of many tokens does not fall into the same few sets of a cache.
int64_t ActBytes(int64_t cols) { return (cols / kActBlock * static_cast<int64_t>(sizeof(ActBlock) / 64) | 1) * 64; }
