// Streams of codes (quant/kv_codes.h): decoded in registers and multiplied with integers. Included by vec_ops.inl,
// after attention.inl. Besides V8 and V, includers define
//   struct CodeBytes: a vector of kSize bytes, a divisor of 64, with static Load, Splat, LookUp (16 bytes of a table by
//   the
//     low four bits of each byte; all bits above must be zero), friend & and |, ShiftRight and ShiftLeft of bytes by a
//     constant (bits that come from a neighbour are masked off afterwards)
//   struct CodeSums: kSize / 4 lanes of 32 bits, with static Zero, Store(int32_t*), and
//     static void Keys(CodeSums* acc, CodeBytes codes, const uint8_t* w): adds the products of 4 neighbouring unsigned
//     codes
//       and the 4 signed bytes at w to every lane; Values: of signed codes and unsigned bytes
//     static void KeyPair(CodeSums* acc, CodeBytes a, CodeBytes b, const uint8_t* w), ValuePair: the same for two
//     slices, whose
//       weights follow each other. Codes and weights are integers of 7 bits then, so that four products fit 16 bits.
//   V FromInt(const int32_t*), void ToInt(V, int32_t*) (towards zero), void ToBytes(V, uint8_t*) (the same, 0 .. 255),
//   float MaxLane(V), and V8 Hadamard8(V8): y[i] = sum of x[j] (-1)^popcount(i & j), in the order of stages
//     4, 2, 1

// What will be wanted some thousand cycles later: into the second-level cache.
inline void PrefetchFar(const uint8_t* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p, 0, 2);
#else
  (void)p;
#endif
}

constexpr int kExpanded = 0;  // codes of 3 or 4 bits as the integers themselves, for many rows
constexpr bool kSevenBits(int bits) { return bits != 8; }
constexpr int32_t KeyBias(int bits) { return bits == 8 ? 128 : 64; }

struct alignas(16) CodeTable {
  uint8_t entry[16];
};
template <int kBits, bool kKeys>
constexpr CodeTable MakeCodeTable() {
  CodeTable table{};
  constexpr int kHalf = 1 << (kBits - 1);
  for (int i = 0; i < 2 * kHalf; ++i) {
    const int32_t* magnitude = kBits == 4 ? kCodes4 : kCodes3;
    const int32_t value = i >= kHalf ? magnitude[i - kHalf] : -magnitude[kHalf - 1 - i];
    table.entry[i] = static_cast<uint8_t>(kKeys ? value + KeyBias(kBits) : value);
  }
  return table;
}
template <int kBits, bool kKeys>
inline CodeBytes Decoder() {
  static constexpr CodeTable kTable = MakeCodeTable<kBits == 4 ? 4 : 3, kKeys>();
  return CodeBytes::Table(kTable.entry);
}

// Two neighbouring slices of a stream, in the part of 64 bytes that begins at `part`. Slice s is even.
template <int kBits>
inline void LoadSlices(const uint8_t* stream, int64_t s, int64_t part, CodeBytes table, CodeBytes* a, CodeBytes* b) {
  if constexpr (kBits == 4) {
    const CodeBytes v = CodeBytes::Load(stream + s / 2 * kCodeSlice + part);
    const CodeBytes mask = CodeBytes::Splat(15);
    *a = CodeBytes::LookUp(table, v & mask);
    *b = CodeBytes::LookUp(table, CodeBytes::ShiftRight<4>(v) & mask);
  } else {
    *a = CodeBytes::Load(stream + s * kCodeSlice + part);
    *b = CodeBytes::Load(stream + (s + 1) * kCodeSlice + part);
  }
}
// Eight slices of 3 bits, s / 2 of the pairs.
template <int kPair>
inline void LoadSlices3(CodeBytes low, CodeBytes high, CodeBytes table, CodeBytes* a, CodeBytes* b) {
  const CodeBytes two = CodeBytes::Splat(3);
  const CodeBytes top = CodeBytes::Splat(4);
  constexpr int kShift = kPair % 2 * 4;  // of the low bits of slice 2 * kPair
  const auto high_bit = [&]<int kSlice>() {
    if constexpr (kSlice < 2) {
      return CodeBytes::ShiftLeft<2 - kSlice>(high) & top;
    } else {
      return CodeBytes::ShiftRight<kSlice - 2>(high) & top;
    }
  };
  *a = CodeBytes::LookUp(table, (CodeBytes::ShiftRight<kShift>(low) & two) | high_bit.template operator()<2 * kPair>());
  *b = CodeBytes::LookUp(
      table, (CodeBytes::ShiftRight<kShift + 2>(low) & two) | high_bit.template operator()<2 * kPair + 1>());
}

template <int kBits, bool kKeys, int R>
inline void AddSlices(CodeBytes a, CodeBytes b, const uint8_t* const* w, int64_t s, CodeSums* sums) {
  for (int r = 0; r < R; ++r) {
    const uint8_t* x = w[r] + 4 * s;
    if constexpr (kSevenBits(kBits)) {
      if constexpr (kKeys) {
        CodeSums::KeyPair(sums + r, a, b, x);
      } else {
        CodeSums::ValuePair(sums + r, a, b, x);
      }
    } else if constexpr (kKeys) {
      CodeSums::Keys(sums + r, a, x);
      CodeSums::Keys(sums + r, b, x + 4);
    } else {
      CodeSums::Values(sums + r, a, x);
      CodeSums::Values(sums + r, b, x + 4);
    }
  }
}

// Eight slices of 3 bits from byte `part` of each on: calls add(pair, a, b) for four pairs.
template <typename F>
inline void ForSlices3(const uint8_t* group, CodeBytes table, F add) {
  const CodeBytes low = CodeBytes::Load(group);
  const CodeBytes next = CodeBytes::Load(group + kCodeSlice);
  const CodeBytes high = CodeBytes::Load(group + 2 * kCodeSlice);
  CodeBytes a;
  CodeBytes b;
  LoadSlices3<0>(low, high, table, &a, &b);
  add(0, a, b);
  LoadSlices3<1>(low, high, table, &a, &b);
  add(2, a, b);
  LoadSlices3<2>(next, high, table, &a, &b);
  add(4, a, b);
  LoadSlices3<3>(next, high, table, &a, &b);
  add(6, a, b);
}

// Streams that share what is loaded of the weights: as the registers allow.
constexpr int kStreams = CodeBytes::kSize == 64 ? 2 : 1;

// sums[r][stream * 16 + lane] = over all slices and their four codes, code * weight w[r][4 * slice + i], for kStreams
// streams of `bytes` bytes that follow each other. Meanwhile memory is asked for as many bytes from `ahead` on, a line
// for each that is read: all at once would be more than a core can wait for.
template <int kBits, bool kKeys, int R>
inline void StreamDot(const uint8_t* stream, int64_t bytes, int64_t slices, const uint8_t* const* w,
                      const uint8_t* ahead, int32_t (*sums)[kStreams * kCodeLanes]) {
  const CodeBytes table = Decoder<kBits, kKeys>();
  for (int64_t part = 0; part < kCodeSlice; part += CodeBytes::kSize) {
    CodeSums totals[kStreams][R];
    for (int i = 0; i < kStreams; ++i) {
      for (int r = 0; r < R; ++r) {
        totals[i][r] = CodeSums::Zero();
      }
    }
    if constexpr (kBits == 3) {
      for (int64_t s = 0; s < slices; s += 8) {
        for (int i = 0; i < kStreams; ++i) {
          const int64_t at = i * bytes + s / 8 * (3 * kCodeSlice);
          if (part == 0) {
            for (int64_t line = 0; line < 3; ++line) {
              PrefetchFar(ahead + at + line * kCodeSlice);
            }
          }
          ForSlices3(stream + at + part, table, [&](int64_t pair, CodeBytes a, CodeBytes b) {
            AddSlices<3, kKeys, R>(a, b, w, s + pair, totals[i]);
          });
        }
      }
    } else {
      constexpr int64_t kLines = kBits == 4 ? 1 : 2;  // of two slices
      for (int64_t s = 0; s < slices; s += 2) {
        for (int i = 0; i < kStreams; ++i) {
          const int64_t at = i * bytes + s / 2 * kLines * kCodeSlice;
          if (part == 0) {
            PrefetchFar(ahead + at);
            PrefetchFar(ahead + at + (kLines - 1) * kCodeSlice);
          }
          CodeBytes a;
          CodeBytes b;
          LoadSlices<kBits>(stream + i * bytes, s, part, table, &a, &b);
          AddSlices<kBits, kKeys, R>(a, b, w, s, totals[i]);
        }
      }
    }
    for (int i = 0; i < kStreams; ++i) {
      for (int r = 0; r < R; ++r) {
        totals[i][r].Store(sums[r] + i * kCodeLanes + part / 4);
      }
    }
  }
}

// The stream with every code as its integer, one slice after the other.
template <int kBits, bool kKeys>
inline void Expand(const uint8_t* stream, int64_t slices, uint8_t* out) {
  const CodeBytes table = Decoder<kBits, kKeys>();
  for (int64_t part = 0; part < kCodeSlice; part += CodeBytes::kSize) {
    const auto put = [&](int64_t s, CodeBytes a, CodeBytes b) {
      a.Store(out + s * kCodeSlice + part);
      b.Store(out + (s + 1) * kCodeSlice + part);
    };
    for (int64_t s = 0; s < slices; s += kBits == 3 ? 8 : 2) {
      if constexpr (kBits == 3) {
        ForSlices3(stream + s / 8 * (3 * kCodeSlice) + part, table,
                   [&](int64_t pair, CodeBytes a, CodeBytes b) { put(s + pair, a, b); });
      } else {
        CodeBytes a;
        CodeBytes b;
        LoadSlices<kBits>(stream, s, part, table, &a, &b);
        put(s, a, b);
      }
    }
  }
}
