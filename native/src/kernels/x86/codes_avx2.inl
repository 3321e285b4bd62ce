// Codes of keys and values in AVX2 registers, for kernels/codes_attention.inl.
struct CodeBytes {
  static constexpr int64_t kSize = 32;
  __m256i v;
  static CodeBytes Load(const uint8_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
  static CodeBytes Table(const uint8_t* p) {
    return {_mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  static CodeBytes Splat(int x) { return {_mm256_set1_epi8(static_cast<char>(x))}; }
  void Store(uint8_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  static CodeBytes LookUp(CodeBytes table, CodeBytes index) { return {_mm256_shuffle_epi8(table.v, index.v)}; }
  template <int kShift>
  static CodeBytes ShiftRight(CodeBytes x) {
    return {_mm256_srli_epi16(x.v, kShift)};
  }
  template <int kShift>
  static CodeBytes ShiftLeft(CodeBytes x) {
    return {_mm256_slli_epi16(x.v, kShift)};
  }
  friend CodeBytes operator&(CodeBytes a, CodeBytes b) { return {_mm256_and_si256(a.v, b.v)}; }
  friend CodeBytes operator|(CodeBytes a, CodeBytes b) { return {_mm256_or_si256(a.v, b.v)}; }
};

struct CodeSums {
  __m256i v;
  static CodeSums Zero() { return {_mm256_setzero_si256()}; }
  void Store(int32_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  static void Keys(CodeSums* acc, CodeBytes codes, const uint8_t* w) {
    AddPairs(acc, _mm256_maddubs_epi16(codes.v, Four(w)));
  }
  static void Values(CodeSums* acc, CodeBytes codes, const uint8_t* w) {
    AddPairs(acc, _mm256_maddubs_epi16(Four(w), codes.v));
  }
  static void KeyPair(CodeSums* acc, CodeBytes a, CodeBytes b, const uint8_t* w) {
    AddPairs(acc, _mm256_add_epi16(_mm256_maddubs_epi16(a.v, Four(w)), _mm256_maddubs_epi16(b.v, Four(w + 4))));
  }
  static void ValuePair(CodeSums* acc, CodeBytes a, CodeBytes b, const uint8_t* w) {
    AddPairs(acc, _mm256_add_epi16(_mm256_maddubs_epi16(Four(w), a.v), _mm256_maddubs_epi16(Four(w + 4), b.v)));
  }

 private:
  static __m256i Four(const uint8_t* w) {
    int32_t four;
    std::memcpy(&four, w, 4);
    return _mm256_set1_epi32(four);
  }
  static void AddPairs(CodeSums* acc, __m256i pairs) {
    acc->v = _mm256_add_epi32(acc->v, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};
