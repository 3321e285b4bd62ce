// Attention of query rows over one page of codes (quant/kv_codes.h), and what turns vectors into codes. Included by
// vec_ops.inl, after attention.inl. Besides V8 and V, includers define
//   struct CodeBytes: a vector of kSize bytes, a divisor of 64, with static Load, Splat, LookUp (16 bytes of a table by the
//     low four bits of each byte; all bits above must be zero), friend & and |, ShiftRight and ShiftLeft of bytes by a
//     constant (bits that come from a neighbour are masked off afterwards)
//   struct CodeSums: kSize / 4 lanes of 32 bits, with static Zero, Store(int32_t*), and
//     static void Keys(CodeSums* acc, CodeBytes codes, const uint8_t* w): adds the products of 4 neighbouring unsigned codes
//       and the 4 signed bytes at w to every lane; Values: of signed codes and unsigned bytes
//     static void KeyPair(CodeSums* acc, CodeBytes a, CodeBytes b, const uint8_t* w), ValuePair: the same for two slices, whose
//       weights follow each other. Codes and weights are integers of 7 bits then, so that four products fit 16 bits.
//   V FromInt(const int32_t*) and V8 Hadamard8(V8): y[i] = sum of x[j] (-1)^popcount(i & j), in the order of stages
//     4, 2, 1
//
// Integer sums are exact, and everything else treats a lane or a row by itself in one order, so all tables agree.

// Weights exp(score - max) become integers by a fixed threshold a token, spread evenly over [0, 1): rounding to the
// nearest would drop whatever is below half a step in all tokens alike, and with it most of a flat page's mass beside
// one loud token. van der Corput's sequence over the 128 tokens.
struct Dither {
  float at[kPage];
};
constexpr Dither MakeDither() {
  Dither d{};
  for (int j = 0; j < kPage; ++j) {
    int bits = 0;
    for (int b = 0; b < 7; ++b) {
      bits |= ((j >> b) & 1) << (6 - b);
    }
    d.at[j] = (static_cast<float>(bits) + 0.5f) / kPage;
  }
  return d;
}
alignas(64) constexpr Dither kDither = MakeDither();

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
  *b = CodeBytes::LookUp(table, (CodeBytes::ShiftRight<kShift + 2>(low) & two) | high_bit.template operator()<2 * kPair + 1>());
}

template <int kBits, bool kKeys, int R>
inline void AddSlices(CodeBytes a, CodeBytes b, const uint8_t* const* w, int64_t s, CodeSums* even, CodeSums* odd) {
  for (int r = 0; r < R; ++r) {
    const uint8_t* x = w[r] + 4 * s;
    if constexpr (kSevenBits(kBits)) {
      if constexpr (kKeys) {
        CodeSums::KeyPair(even + r, odd + r, a, b, x);
      } else {
        CodeSums::ValuePair(even + r, odd + r, a, b, x);
      }
    } else if constexpr (kKeys) {
      CodeSums::Keys(even + r, a, x);
      CodeSums::Keys(odd + r, b, x + 4);
    } else {
      CodeSums::Values(even + r, a, x);
      CodeSums::Values(odd + r, b, x + 4);
    }
  }
}

// sums[r][lane] = over all slices and their four codes, code * weight w[r][4 * slice + i].
template <int kBits, bool kKeys, int R>
inline void StreamDot(const uint8_t* stream, int64_t slices, const uint8_t* const* w, int32_t (*sums)[kCodeLanes]) {
  const CodeBytes table = Decoder<kBits, kKeys>();
  for (int64_t part = 0; part < kCodeSlice; part += CodeBytes::kSize) {
    CodeSums even[R];
    CodeSums odd[R];
    for (int r = 0; r < R; ++r) {
      even[r] = odd[r] = CodeSums::Zero();
    }
    CodeBytes a;
    CodeBytes b;
    if constexpr (kBits == 3) {
      for (int64_t s = 0; s < slices; s += 8) {
        const uint8_t* group = stream + s / 8 * (3 * kCodeSlice) + part;
        const CodeBytes low = CodeBytes::Load(group);
        const CodeBytes next = CodeBytes::Load(group + kCodeSlice);
        const CodeBytes high = CodeBytes::Load(group + 2 * kCodeSlice);
        LoadSlices3<0>(low, high, table, &a, &b);
        AddSlices<3, kKeys, R>(a, b, w, s, even, odd);
        LoadSlices3<1>(low, high, table, &a, &b);
        AddSlices<3, kKeys, R>(a, b, w, s + 2, even, odd);
        LoadSlices3<2>(next, high, table, &a, &b);
        AddSlices<3, kKeys, R>(a, b, w, s + 4, even, odd);
        LoadSlices3<3>(next, high, table, &a, &b);
        AddSlices<3, kKeys, R>(a, b, w, s + 6, even, odd);
      }
    } else {
      for (int64_t s = 0; s < slices; s += 2) {
        LoadSlices<kBits>(stream, s, part, table, &a, &b);
        AddSlices<kBits, kKeys, R>(a, b, w, s, even, odd);
      }
    }
    for (int r = 0; r < R; ++r) {
      CodeSums::Add(even[r], odd[r]).Store(sums[r] + part / 4);
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
    CodeBytes a;
    CodeBytes b;
    if constexpr (kBits == 3) {
      for (int64_t s = 0; s < slices; s += 8) {
        const uint8_t* group = stream + s / 8 * (3 * kCodeSlice) + part;
        const CodeBytes low = CodeBytes::Load(group);
        const CodeBytes next = CodeBytes::Load(group + kCodeSlice);
        const CodeBytes high = CodeBytes::Load(group + 2 * kCodeSlice);
        LoadSlices3<0>(low, high, table, &a, &b);
        put(s, a, b);
        LoadSlices3<1>(low, high, table, &a, &b);
        put(s + 2, a, b);
        LoadSlices3<2>(next, high, table, &a, &b);
        put(s + 4, a, b);
        LoadSlices3<3>(next, high, table, &a, &b);
        put(s + 6, a, b);
      }
    } else {
      for (int64_t s = 0; s < slices; s += 2) {
        LoadSlices<kBits>(stream, s, part, table, &a, &b);
        put(s, a, b);
      }
    }
  }
}

// One page's streams as the inner loops see them: packed, or expanded for many rows.
struct Streams {
  const uint8_t* keys;
  int64_t key_stream;  // bytes of one
  const uint8_t* values;
  int64_t value_stream;
};

// What will be wanted after the next few hundred cycles.
inline void PrefetchBytes(const uint8_t* p, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) {
    Prefetch(p + i);
  }
}

// Scores of R rows with all tokens from `first` (a multiple of 16) on. A row has one digit, or two of which the first
// counts 64 times.
template <int kBits, int R>
inline void CodeScores(const CodeQueries& a, const CodePage& page, const Streams& streams, int64_t row,
                       float (*scores)[kPage]) {
  constexpr int kDigits = kBits == 8 ? 2 : 1;
  const int64_t size = a.head_size;
  const uint8_t* w[R * kDigits];
  for (int r = 0; r < R * kDigits; ++r) {
    w[r] = reinterpret_cast<const uint8_t*>(a.q) + (row * kDigits + r) * size;
  }
  const uint16_t* scales = reinterpret_cast<const uint16_t*>(page.codes + page.layout.key_scales());
  const bool ahead = R * kDigits <= 4 && a.rows <= 4;
  for (int64_t j = page.first; j < kPage; j += kCodeLanes) {
    if (ahead) {
      const int64_t part = page.layout.head_size / kCodeLanes * page.layout.value_stream() / (kPage / kCodeLanes);
      PrefetchBytes(page.codes + page.layout.values() + j / kCodeLanes * part, part);
    }
    alignas(64) int32_t sums[R * kDigits][kCodeLanes];
    StreamDot<kBits, true, R * kDigits>(streams.keys + j / kCodeLanes * streams.key_stream, size / 4, w, sums);
    for (int r = 0; r < R; ++r) {
      const int32_t bias = a.q_sum[row + r] * KeyBias(kBits);
      const V q_scale = V::Splat(a.q_scale[row + r]);
      for (int64_t i = 0; i < kCodeLanes; i += V::kLanes) {
        int32_t total[V::kLanes];
        for (int64_t k = 0; k < V::kLanes; ++k) {
          if constexpr (kDigits == 2) {
            total[k] = sums[2 * r][i + k] * 64 + sums[2 * r + 1][i + k] - bias;
          } else {
            total[k] = sums[r][i + k] - bias;
          }
        }
        (FromInt(total) * (V::LoadF16(scales + j + i) * q_scale)).Store(scores[r] + j + i);
      }
    }
  }
}

// Scores of one row from `first` on become integer weights [128] (two digits, the first counting 128 times, when the
// values have 8 bits); those before `first` are zero. `keep` is what the row's sum and out must be scaled by, `unit`
// what one step of the weights stands for.
inline void CodeWeights(float* scores, int64_t first, const uint16_t* value_scales, bool two_digits, float* max,
                        float* sum, float* keep, float* unit, uint8_t* weights) {
  V tops = V::Load(scores + first);
  for (int64_t j = first + V::kLanes; j < kPage; j += V::kLanes) {
    tops = V::Max(tops, V::Load(scores + j));
  }
  float lanes[V::kLanes];
  tops.Store(lanes);
  float top = *max;
  for (float lane : lanes) {
    top = MaxOf(top, lane);
  }
  const float keep_in[8] = {*max - top, 0, 0, 0, 0, 0, 0, 0};
  float kept[8];
  Exp(V8::Load(keep_in)).Store(kept);
  *keep = kept[0];
  V8 total = V8::Splat(0);
  V most = V::Splat(0);
  for (int64_t j = first; j < kPage; j += V::kLanes) {
    const V p = Exp(V::Load(scores + j) - V::Splat(top));
    total = AddHalves(total, p);
    const V weight = p * V::LoadF16(value_scales + j);
    weight.Store(scores + j);
    most = V::Max(weight, most);
  }
  *max = top;
  *sum = *sum * kept[0] + SumLanes(total);
  most.Store(lanes);
  float largest = 0;
  for (float lane : lanes) {
    largest = MaxOf(lane, largest);
  }
  const float steps = two_digits ? kWeightSteps2 : kWeightSteps1;
  *unit = largest / steps;
  const float per_unit = largest > 0 ? steps / largest : 0;
  for (int64_t j = 0; j < first; ++j) {
    weights[j] = weights[kPage + j] = 0;
  }
  // Bounded before the conversion, for scores that are no numbers. The steps leave room for the dither.
  const V limit = V::Splat(steps);
  alignas(64) int32_t whole[kPage];
  for (int64_t j = first; j < kPage; j += V::kLanes) {
    const V scaled = V::Max(V::Min(V::Load(scores + j) * V::Splat(per_unit), limit), V::Splat(0));
    ToInt(scaled + V::Load(kDither.at + j), whole + j);
  }
  if (two_digits) {
    for (int64_t j = first; j < kPage; ++j) {
      weights[j] = static_cast<uint8_t>(whole[j] >> 7);
      weights[kPage + j] = static_cast<uint8_t>(whole[j] & 127);
    }
  } else {
    for (int64_t j = first; j < kPage; ++j) {
      weights[j] = static_cast<uint8_t>(whole[j]);
    }
  }
}

// Adds R rows' weighted values to out.
template <int kBits, int R>
inline void CodeValues(const CodeQueries& a, const CodePage& page, const Streams& streams, int64_t row,
                       const uint8_t (*weights)[2 * kPage], const float* keep, const float* unit) {
  constexpr int kDigits = kBits == 8 ? 2 : 1;
  const uint8_t* w[R * kDigits];
  for (int r = 0; r < R * kDigits; ++r) {
    w[r] = weights[r / kDigits] + r % kDigits * kPage;
  }
  const bool ahead = page.next != nullptr && R * kDigits <= 4 && a.rows <= 4;
  for (int64_t i = 0; i < a.head_size; i += kCodeLanes) {
    if (ahead) {
      const int64_t part = page.layout.values() / (a.head_size / kCodeLanes);
      PrefetchBytes(page.next + i / kCodeLanes * part, part);
    }
    alignas(64) int32_t sums[R * kDigits][kCodeLanes];
    StreamDot<kBits, false, R * kDigits>(streams.values + i / kCodeLanes * streams.value_stream, kPage / 4, w, sums);
    for (int r = 0; r < R; ++r) {
      float* out = a.out + (row + r) * a.head_size + i;
      for (int64_t k = 0; k < kCodeLanes; k += V::kLanes) {
        int32_t total[V::kLanes];
        for (int64_t lane = 0; lane < V::kLanes; ++lane) {
          if constexpr (kDigits == 2) {
            total[lane] = sums[2 * r][k + lane] * 128 + sums[2 * r + 1][k + lane];
          } else {
            total[lane] = sums[r][k + lane];
          }
        }
        V::MulAdd(FromInt(total), V::Splat(unit[r]), V::Load(out + k) * V::Splat(keep[r])).Store(out + k);
      }
    }
  }
}

template <int kKeyBits, int kValueBits, int R>
inline void AttendCodeRows(const CodeQueries& a, const CodePage& page, const Streams& streams, int64_t row) {
  alignas(64) float scores[R][kPage];
  alignas(64) uint8_t weights[R][2 * kPage];
  float keep[R];
  float unit[R];
  constexpr bool kTwoDigits = kValueBits == 8;
  CodeScores<kKeyBits, R>(a, page, streams, row, scores);
  const uint16_t* scales = reinterpret_cast<const uint16_t*>(page.codes + page.layout.value_scales());
  for (int r = 0; r < R; ++r) {
    CodeWeights(scores[r], page.first, scales, kTwoDigits, a.max + row + r, a.sum + row + r, keep + r, unit + r,
                weights[r]);
  }
  CodeValues<kValueBits, R>(a, page, streams, row, weights, keep, unit);
}

template <int kKeyBits, int kValueBits>
inline void AttendAllCodeRows(const CodeQueries& a, const CodePage& page, const Streams& streams) {
  constexpr bool kTwo = kKeyBits == 8 || kValueBits == 8;  // two digits a row: as many sums as four rows of one
  constexpr int kRows = kTwo ? 2 : 4;
  int64_t row = 0;
  for (; row + kRows <= a.rows; row += kRows) {
    AttendCodeRows<kKeyBits, kValueBits, kRows>(a, page, streams, row);
  }
  if constexpr (!kTwo) {
    if (row + 2 <= a.rows) {
      AttendCodeRows<kKeyBits, kValueBits, 2>(a, page, streams, row);
      row += 2;
    }
  }
  if (row < a.rows) {
    AttendCodeRows<kKeyBits, kValueBits, 1>(a, page, streams, row);
  }
}

constexpr int64_t kExpandFrom = 12;    // rows from which a page is worth expanding

template <int kKeyBits, int kValueBits>
inline void AttendCodePage(const CodeQueries& a, const CodePage& page) {
  const CodePageLayout& layout = page.layout;
  const Streams packed = {page.codes, layout.key_stream(), page.codes + layout.values(), layout.value_stream()};
  if (kKeyBits == 8 || kValueBits == 8 || a.rows < kExpandFrom) {
    AttendAllCodeRows<kKeyBits, kValueBits>(a, page, packed);
    return;
  }
  alignas(64) uint8_t keys[kPage * kMostHeadSize];
  alignas(64) uint8_t values[kPage * kMostHeadSize];
  const int64_t key_bytes = a.head_size / 4 * kCodeSlice;
  const int64_t value_bytes = kPage / 4 * kCodeSlice;
  for (int64_t block = page.first / kCodeLanes; block < kPage / kCodeLanes; ++block) {
    Expand<kKeyBits, true>(packed.keys + block * packed.key_stream, a.head_size / 4, keys + block * key_bytes);
  }
  for (int64_t block = 0; block < a.head_size / kCodeLanes; ++block) {
    Expand<kValueBits, false>(packed.values + block * packed.value_stream, kPage / 4, values + block * value_bytes);
  }
  AttendAllCodeRows<kExpanded, kExpanded>(a, page, {keys, key_bytes, values, value_bytes});
}

void AttendPageCodes(const CodeQueries& a, const CodePage& page) {
  switch (page.layout.key_bits * 10 + page.layout.value_bits) {
    case 33:
      return AttendCodePage<3, 3>(a, page);
    case 34:
      return AttendCodePage<3, 4>(a, page);
    case 38:
      return AttendCodePage<3, 8>(a, page);
    case 43:
      return AttendCodePage<4, 3>(a, page);
    case 44:
      return AttendCodePage<4, 4>(a, page);
    case 48:
      return AttendCodePage<4, 8>(a, page);
    case 83:
      return AttendCodePage<8, 3>(a, page);
    case 84:
      return AttendCodePage<8, 4>(a, page);
    default:
      return AttendCodePage<8, 8>(a, page);
  }
}
