// Codes of keys and values in AVX-512 registers, for kernels/codes_attention.inl.
struct CodeBytes {
  static constexpr int64_t kSize = 64;
  __m512i v;
  static CodeBytes Load(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
  static CodeBytes Table(const uint8_t* p) {
    return {_mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  static CodeBytes Splat(int x) { return {_mm512_set1_epi8(static_cast<char>(x))}; }
  void Store(uint8_t* p) const { _mm512_storeu_si512(p, v); }
  static CodeBytes LookUp(CodeBytes table, CodeBytes index) { return {_mm512_shuffle_epi8(table.v, index.v)}; }
  template <int kShift>
  static CodeBytes ShiftRight(CodeBytes x) {
    return {_mm512_srli_epi16(x.v, kShift)};
  }
  template <int kShift>
  static CodeBytes ShiftLeft(CodeBytes x) {
    return {_mm512_slli_epi16(x.v, kShift)};
  }
  friend CodeBytes operator&(CodeBytes a, CodeBytes b) { return {_mm512_and_si512(a.v, b.v)}; }
  friend CodeBytes operator|(CodeBytes a, CodeBytes b) { return {_mm512_or_si512(a.v, b.v)}; }
};

struct CodeSums {
  __m512i v;
  static CodeSums Zero() { return {_mm512_setzero_si512()}; }
  void Store(int32_t* p) const { _mm512_storeu_si512(p, v); }
  static void Keys(CodeSums* acc, CodeBytes codes, const uint8_t* w) {
    acc->v = _mm512_dpbusd_epi32(acc->v, codes.v, Four(w));
  }
  static void Values(CodeSums* acc, CodeBytes codes, const uint8_t* w) {
    acc->v = _mm512_dpbusd_epi32(acc->v, Four(w), codes.v);
  }
  static void KeyPair(CodeSums* acc, CodeBytes a, CodeBytes b, const uint8_t* w) {
    Keys(acc, a, w);
    Keys(acc, b, w + 4);
  }
  static void ValuePair(CodeSums* acc, CodeBytes a, CodeBytes b, const uint8_t* w) {
    Values(acc, a, w);
    Values(acc, b, w + 4);
  }

 private:
  static __m512i Four(const uint8_t* w) {
    int32_t four;
    std::memcpy(&four, w, 4);
    return _mm512_set1_epi32(four);
  }
};
