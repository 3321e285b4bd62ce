// Eight floats in two NEON registers, for kernels/vec_ops.inl. Baseline ARMv8.0 alone. Included inside an anonymous
// namespace.
struct V8 {
  static constexpr int64_t kLanes = 8;
  float32x4_t lo;
  float32x4_t hi;
  static V8 Load(const float* p) { return {vld1q_f32(p), vld1q_f32(p + 4)}; }
  static V8 Splat(float x) { return {vdupq_n_f32(x), vdupq_n_f32(x)}; }
  static V8 LoadF16(const uint16_t* p) {
    const float16x8_t h = vreinterpretq_f16_u16(vld1q_u16(p));
    return {vcvt_f32_f16(vget_low_f16(h)), vcvt_high_f32_f16(h)};
  }
  static V8 LoadBF16(const uint16_t* p) {
    const uint16x8_t h = vld1q_u16(p);
    return {vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(h), 16)), vreinterpretq_f32_u32(vshll_high_n_u16(h, 16))};
  }
  // Eight signed bytes as floats.
  static V8 LoadI8(const uint8_t* p) {
    const int16x8_t h = vmovl_s8(vreinterpret_s8_u8(vld1_u8(p)));
    return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(h))), vcvtq_f32_s32(vmovl_high_s16(h))};
  }
  // One little-endian half, perhaps unaligned.
  static V8 SplatF16(const uint8_t* p) {
    const float32x4_t x = vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(static_cast<uint16_t>(p[0] | (p[1] << 8)))));
    return {x, x};
  }
  void Store(float* p) const {
    vst1q_f32(p, lo);
    vst1q_f32(p + 4, hi);
  }
  void StoreF16(uint16_t* p) const { vst1q_u16(p, vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(lo), hi))); }
  friend V8 operator+(V8 a, V8 b) { return {vaddq_f32(a.lo, b.lo), vaddq_f32(a.hi, b.hi)}; }
  friend V8 operator-(V8 a, V8 b) { return {vsubq_f32(a.lo, b.lo), vsubq_f32(a.hi, b.hi)}; }
  friend V8 operator*(V8 a, V8 b) { return {vmulq_f32(a.lo, b.lo), vmulq_f32(a.hi, b.hi)}; }
  friend V8 operator/(V8 a, V8 b) { return {vdivq_f32(a.lo, b.lo), vdivq_f32(a.hi, b.hi)}; }
  static V8 MulAdd(V8 a, V8 b, V8 c) { return {vfmaq_f32(c.lo, a.lo, b.lo), vfmaq_f32(c.hi, a.hi, b.hi)}; }
  // By comparison, so that the second operand wins when one is not a number, as in the other tables (fmax would not).
  static V8 Max(V8 a, V8 b) {
    return {vbslq_f32(vcgtq_f32(a.lo, b.lo), a.lo, b.lo), vbslq_f32(vcgtq_f32(a.hi, b.hi), a.hi, b.hi)};
  }
  static V8 Min(V8 a, V8 b) {
    return {vbslq_f32(vcltq_f32(a.lo, b.lo), a.lo, b.lo), vbslq_f32(vcltq_f32(a.hi, b.hi), a.hi, b.hi)};
  }
  static V8 Sqrt(V8 a) { return {vsqrtq_f32(a.lo), vsqrtq_f32(a.hi)}; }
  static V8 Round(V8 a) { return {vrndnq_f32(a.lo), vrndnq_f32(a.hi)}; }
  static V8 Exp2Int(V8 n) { return {Exp2Int4(n.lo), Exp2Int4(n.hi)}; }
  static V8 ZeroWhereLess(V8 x, V8 bound, V8 y) {
    return {Clear(y.lo, vcltq_f32(x.lo, bound.lo)), Clear(y.hi, vcltq_f32(x.hi, bound.hi))};
  }

 private:
  static float32x4_t Exp2Int4(float32x4_t n) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23));
  }
  static float32x4_t Clear(float32x4_t y, uint32x4_t where) {
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(y), where));
  }
};
