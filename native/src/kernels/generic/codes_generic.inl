// Codes of keys and values in plain C++, for kernels/codes_attention.inl.
inline V8 Hadamard8(V8 x) {
  for (int half = 4; half >= 1; half /= 2) {
    x = V8::Map([&](int i) { return (i & half) != 0 ? x.v[i ^ half] - x.v[i] : x.v[i] + x.v[i ^ half]; });
  }
  return x;
}

struct CodeBytes {
  static constexpr int64_t kSize = 64;
  uint8_t v[64];
  template <typename F>
  static CodeBytes Map(F f) {
    CodeBytes r;
    for (int i = 0; i < 64; ++i) {
      r.v[i] = static_cast<uint8_t>(f(i));
    }
    return r;
  }
  static CodeBytes Load(const uint8_t* p) {
    return Map([p](int i) { return p[i]; });
  }
  static CodeBytes Table(const uint8_t* p) {
    return Map([p](int i) { return p[i % 16]; });
  }
  static CodeBytes Splat(int x) {
    return Map([x](int) { return x; });
  }
  void Store(uint8_t* p) const { std::memcpy(p, v, 64); }
  static CodeBytes LookUp(const CodeBytes& table, const CodeBytes& index) {
    return Map([&](int i) { return table.v[index.v[i] & 15]; });
  }
  template <int kShift>
  static CodeBytes ShiftRight(const CodeBytes& x) {
    return Map([&](int i) { return x.v[i] >> kShift; });
  }
  template <int kShift>
  static CodeBytes ShiftLeft(const CodeBytes& x) {
    return Map([&](int i) { return x.v[i] << kShift; });
  }
  friend CodeBytes operator&(const CodeBytes& a, const CodeBytes& b) {
    return Map([&](int i) { return a.v[i] & b.v[i]; });
  }
  friend CodeBytes operator|(const CodeBytes& a, const CodeBytes& b) {
    return Map([&](int i) { return a.v[i] | b.v[i]; });
  }
};

struct CodeSums {
  int32_t v[16];
  static CodeSums Zero() { return {}; }
  void Store(int32_t* p) const { std::memcpy(p, v, sizeof v); }
  static void Keys(CodeSums* acc, const CodeBytes& codes, const uint8_t* w) {
    for (int i = 0; i < 64; ++i) {
      acc->v[i / 4] += int32_t{codes.v[i]} * static_cast<int8_t>(w[i % 4]);
    }
  }
  static void Values(CodeSums* acc, const CodeBytes& codes, const uint8_t* w) {
    for (int i = 0; i < 64; ++i) {
      acc->v[i / 4] += int32_t{static_cast<int8_t>(codes.v[i])} * w[i % 4];
    }
  }
  static void KeyPair(CodeSums* acc, const CodeBytes& a, const CodeBytes& b, const uint8_t* w) {
    Keys(acc, a, w);
    Keys(acc, b, w + 4);
  }
  static void ValuePair(CodeSums* acc, const CodeBytes& a, const CodeBytes& b, const uint8_t* w) {
    Values(acc, a, w);
    Values(acc, b, w + 4);
  }
};

inline V FromInt(const int32_t* p) {
  return V8::Map([p](int i) { return static_cast<float>(p[i]); });
}
inline void ToInt(const V& x, int32_t* p) {
  for (int i = 0; i < 8; ++i) {
    p[i] = static_cast<int32_t>(x.v[i]);
  }
}
inline void ToBytes(const V& x, uint8_t* p) {
  for (int i = 0; i < 8; ++i) {
    p[i] = static_cast<uint8_t>(static_cast<int32_t>(x.v[i]));
  }
}
inline float MaxLane(const V& x) {
  float most = x.v[0];
  for (int i = 1; i < 8; ++i) {
    most = x.v[i] > most ? x.v[i] : most;
  }
  return most;
}
