// Codes of keys and values in NEON registers (baseline ARMv8.0: no dot products), for kernels/codes_attention.inl.
inline V8 Hadamard8(V8 x) {
  const float32x4_t a = vaddq_f32(x.lo, x.hi);
  const float32x4_t b = vsubq_f32(x.lo, x.hi);
  const auto rest = [](float32x4_t v) {
    const uint32x4_t two = {0, 0, 0x80000000u, 0x80000000u};
    const uint32x4_t one = {0, 0x80000000u, 0, 0x80000000u};
    const auto flip = [](float32x4_t y, uint32x4_t signs) {
      return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(y), signs));
    };
    v = vaddq_f32(vextq_f32(v, v, 2), flip(v, two));
    return vaddq_f32(vrev64q_f32(v), flip(v, one));
  };
  return {rest(a), rest(b)};
}

struct CodeBytes {
  static constexpr int64_t kSize = 16;
  uint8x16_t v;
  static CodeBytes Load(const uint8_t* p) { return {vld1q_u8(p)}; }
  static CodeBytes Table(const uint8_t* p) { return {vld1q_u8(p)}; }
  static CodeBytes Splat(int x) { return {vdupq_n_u8(static_cast<uint8_t>(x))}; }
  void Store(uint8_t* p) const { vst1q_u8(p, v); }
  static CodeBytes LookUp(CodeBytes table, CodeBytes index) { return {vqtbl1q_u8(table.v, index.v)}; }
  template <int kShift>
  static CodeBytes ShiftRight(CodeBytes x) {
    if constexpr (kShift == 0) {
      return x;
    } else {
      return {vshrq_n_u8(x.v, kShift)};
    }
  }
  template <int kShift>
  static CodeBytes ShiftLeft(CodeBytes x) {
    return {vshlq_n_u8(x.v, kShift)};
  }
  friend CodeBytes operator&(CodeBytes a, CodeBytes b) { return {vandq_u8(a.v, b.v)}; }
  friend CodeBytes operator|(CodeBytes a, CodeBytes b) { return {vorrq_u8(a.v, b.v)}; }
};

// Lanes of 32 bits are sums over pairs of products; a lane's two halves lie in `low` and `high` until they are stored.
struct CodeSums {
  int32x4_t low;   // lanes 0 and 1, two halves each
  int32x4_t high;  // lanes 2 and 3
  static CodeSums Zero() { return {vdupq_n_s32(0), vdupq_n_s32(0)}; }
  void Store(int32_t* p) const { vst1q_s32(p, vpaddq_s32(low, high)); }
  static void Keys(CodeSums* acc, CodeBytes codes, const uint8_t* w) {
    // Codes up to 255 and weights down to -64 fit 16 bits, their products and pairs of them 32.
    const int16x8_t weights = vmovl_s8(vreinterpret_s8_u8(Four(w)));
    const int16x8_t a = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(codes.v)));
    const int16x8_t b = vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(codes.v)));
    acc->low = vpadalq_s16(acc->low, vmulq_s16(a, weights));
    acc->high = vpadalq_s16(acc->high, vmulq_s16(b, weights));
  }
  static void Values(CodeSums* acc, CodeBytes codes, const uint8_t* w) {
    const int8x8_t weights = vreinterpret_s8_u8(Four(w));  // at most 127
    const int8x16_t v = vreinterpretq_s8_u8(codes.v);
    acc->low = vpadalq_s16(acc->low, vmull_s8(vget_low_s8(v), weights));
    acc->high = vpadalq_s16(acc->high, vmull_s8(vget_high_s8(v), weights));
  }
  // Both factors have 7 bits: two products fit 16.
  static void KeyPair(CodeSums* acc, CodeBytes a, CodeBytes b, const uint8_t* w) { Pair(acc, a, b, w); }
  static void ValuePair(CodeSums* acc, CodeBytes a, CodeBytes b, const uint8_t* w) { Pair(acc, a, b, w); }

 private:
  static uint8x8_t Four(const uint8_t* w) {
    uint32_t four;
    std::memcpy(&four, w, 4);
    return vreinterpret_u8_u32(vdup_n_u32(four));
  }
  static void Pair(CodeSums* acc, CodeBytes a, CodeBytes b, const uint8_t* w) {
    const int8x8_t wa = vreinterpret_s8_u8(Four(w));
    const int8x8_t wb = vreinterpret_s8_u8(Four(w + 4));
    const int8x16_t va = vreinterpretq_s8_u8(a.v);
    const int8x16_t vb = vreinterpretq_s8_u8(b.v);
    acc->low = vpadalq_s16(acc->low, vmlal_s8(vmull_s8(vget_low_s8(va), wa), vget_low_s8(vb), wb));
    acc->high = vpadalq_s16(acc->high, vmlal_s8(vmull_s8(vget_high_s8(va), wa), vget_high_s8(vb), wb));
  }
};

inline V FromInt(const int32_t* p) { return {vcvtq_f32_s32(vld1q_s32(p)), vcvtq_f32_s32(vld1q_s32(p + 4))}; }
inline void ToInt(V x, int32_t* p) {
  vst1q_s32(p, vcvtq_s32_f32(x.lo));
  vst1q_s32(p + 4, vcvtq_s32_f32(x.hi));
}
inline void ToBytes(V x, uint8_t* p) {
  const uint16x8_t words = vcombine_u16(vqmovun_s32(vcvtq_s32_f32(x.lo)), vqmovun_s32(vcvtq_s32_f32(x.hi)));
  vst1_u8(p, vqmovn_u16(words));
}
inline float MaxLane(V x) { return vmaxvq_f32(vmaxq_f32(x.lo, x.hi)); }
