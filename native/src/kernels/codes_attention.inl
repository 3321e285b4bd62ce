// Attention of query rows over one page of codes. Included by vec_ops.inl, after attention.inl and codes_streams.inl.
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

// One page's streams as the inner loops see them: packed, or expanded for many rows.
struct Streams {
  int key_bits;  // or kExpanded
  const uint8_t* keys;
  int64_t key_stream;  // bytes of one
  int value_bits;
  const uint8_t* values;
  int64_t value_stream;
};

// exp(x) for x <= 0 to within 3e-6 of itself: as Exp, with fused steps and a polynomial of degree 4 (least largest
// relative error on |r| <= ln2 / 2). Weights are rounded to 7 or 14 bits afterwards.
inline V ExpOfNegative(V x) {
  const V limited = V::Max(x, V::Splat(-87.0f));
  const V n = V::Round(limited * V::Splat(1.44269504088896341f));
  const V r = V::MulAdd(n, V::Splat(-0.69314718055994531f), limited);
  V p = V::Splat(0.04145856574177742f);
  p = V::MulAdd(p, r, V::Splat(0.16790932416915894f));
  p = V::MulAdd(p, r, V::Splat(0.5000436305999756f));
  p = V::MulAdd(p, r, V::Splat(0.9999634027481079f));
  p = V::MulAdd(p, r, V::Splat(0.9999992847442627f));
  return p * V::Exp2Int(n);
}

// Integer totals of a row, for all lanes of kStreams streams: one digit's sums, or two of which the first counts kFirst
// times, less a bias.
template <int kDigits, int kFirst>
inline V Totals(const int32_t (*sums)[kStreams * kCodeLanes], int64_t lane, int32_t bias) {
  int32_t total[V::kLanes];
  for (int64_t k = 0; k < V::kLanes; ++k) {
    if constexpr (kDigits == 2) {
      total[k] = sums[0][lane + k] * kFirst + sums[1][lane + k] - bias;
    } else {
      total[k] = sums[0][lane + k] - bias;
    }
  }
  return FromInt(total);
}

inline void PrefetchScales(const uint8_t* scales) {
  for (int64_t i = 0; i < kPage * 2; i += 64) {
    PrefetchFar(scales + i);
  }
}

// Scores of R rows with all tokens from `first` (a multiple of 32) on.
template <int kBits, int R>
NIWAKI_NOINLINE void CodeScores(const CodeQueries& a, const CodePage& page, const Streams& streams, int64_t row,
                                float (*scores)[kPage]) {
  constexpr int kDigits = kBits == 8 ? 2 : 1;
  const int64_t size = a.head_size;
  const uint8_t* w[R * kDigits];
  for (int r = 0; r < R * kDigits; ++r) {
    w[r] = reinterpret_cast<const uint8_t*>(a.q) + (row * kDigits + r) * size;
  }
  const uint16_t* scales = reinterpret_cast<const uint16_t*>(page.codes + page.layout.key_scales());
  // The values of the same page are next.
  const uint8_t* ahead = page.codes + page.layout.values();
  PrefetchScales(page.codes + page.layout.value_scales());
  for (int64_t j = page.first; j < kPage; j += kStreams * kCodeLanes) {
    alignas(64) int32_t sums[R * kDigits][kStreams * kCodeLanes];
    const int64_t at = j / kCodeLanes * streams.key_stream;
    StreamDot<kBits, true, R * kDigits>(streams.keys + at, streams.key_stream, size / 4, w, ahead + at, sums);
    for (int r = 0; r < R; ++r) {
      const int32_t bias = a.q_sum[row + r] * KeyBias(kBits);
      const V q_scale = V::Splat(a.q_scale[row + r]);
      for (int64_t i = 0; i < kStreams * kCodeLanes; i += V::kLanes) {
        const V total = Totals<kDigits, 64>(sums + r * kDigits, i, bias);
        (total * (V::LoadF16(scales + j + i) * q_scale)).Store(scores[r] + j + i);
      }
    }
  }
}

// Scores of R rows from `first` on become integer weights [128] (two digits, the first counting 128 times, when the
// values have 8 bits); those before `first` are zero. `keep` is what a row's sum and out must be scaled by, `unit` what
// one step of its weights stands for.
template <bool kTwoDigits, int R>
NIWAKI_NOINLINE void CodeWeights(float (*scores)[kPage], int64_t first, const uint16_t* value_scales, float* max,
                                 float* sum, float* keep, float* unit, uint8_t (*weights)[2 * kPage]) {
  constexpr float kSteps = kTwoDigits ? kWeightSteps2 : kWeightSteps1;
  float fall[8] = {0, 0, 0, 0, 0, 0, 0, 0};  // of the rows' scales, where a new maximum was found
  for (int r = 0; r < R; ++r) {
    V tops = V::Load(scores[r] + first);
    for (int64_t j = first + V::kLanes; j < kPage; j += V::kLanes) {
      tops = V::Max(tops, V::Load(scores[r] + j));
    }
    const float top = MaxOf(max[r], MaxLane(tops));
    fall[r] = max[r] - top;
    max[r] = top;
  }
  float kept[8];
  Exp(V8::Load(fall)).Store(kept);
  for (int r = 0; r < R; ++r) {
    const V top = V::Splat(max[r]);
    V8 total = V8::Splat(0);
    V most = V::Splat(0);
    for (int64_t j = first; j < kPage; j += V::kLanes) {
      const V p = ExpOfNegative(V::Load(scores[r] + j) - top);
      total = AddHalves(total, p);
      const V weight = p * V::LoadF16(value_scales + j);
      weight.Store(scores[r] + j);
      most = V::Max(weight, most);
    }
    keep[r] = kept[r];
    sum[r] = sum[r] * kept[r] + SumLanes(total);
    unit[r] = MaxLane(most) / kSteps;
  }
  for (int r = 0; r < R; ++r) {
    for (int64_t j = 0; j < first; ++j) {
      weights[r][j] = weights[r][kPage + j] = 0;
    }
    const V per_unit = V::Splat(unit[r] > 0 ? 1.0f / unit[r] : 0.0f);
    // Bounded before the conversion, for scores that are no numbers. The dither stays below one step.
    const V limit = V::Splat(kSteps);
    if constexpr (kTwoDigits) {
      alignas(64) int32_t whole[kPage];
      for (int64_t j = first; j < kPage; j += V::kLanes) {
        const V scaled = V::Max(V::Min(V::Load(scores[r] + j) * per_unit, limit), V::Splat(0));
        ToInt(scaled + V::Load(kDither.at + j), whole + j);
      }
      for (int64_t j = first; j < kPage; ++j) {
        weights[r][j] = static_cast<uint8_t>(whole[j] >> 7);
        weights[r][kPage + j] = static_cast<uint8_t>(whole[j] & 127);
      }
    } else {
      for (int64_t j = first; j < kPage; j += V::kLanes) {
        const V scaled = V::Max(V::Min(V::Load(scores[r] + j) * per_unit, limit), V::Splat(0));
        ToBytes(scaled + V::Load(kDither.at + j), weights[r] + j);
      }
    }
  }
}

// Adds R rows' weighted values to out.
template <int kBits, int R>
NIWAKI_NOINLINE void CodeValues(const CodeQueries& a, const CodePage& page, const Streams& streams, int64_t row,
                                const uint8_t (*weights)[2 * kPage], const float* keep, const float* unit) {
  constexpr int kDigits = kBits == 8 ? 2 : 1;
  const uint8_t* w[R * kDigits];
  for (int r = 0; r < R * kDigits; ++r) {
    w[r] = weights[r / kDigits] + r % kDigits * kPage;
  }
  // The next page's keys are next; when there is none, asking for these values again costs nothing.
  const uint8_t* ahead = page.next != nullptr ? page.next : page.codes + page.layout.values();
  PrefetchScales(page.next != nullptr ? page.next + page.layout.key_scales() : ahead);
  for (int64_t i = 0; i < a.head_size; i += kStreams * kCodeLanes) {
    alignas(64) int32_t sums[R * kDigits][kStreams * kCodeLanes];
    const int64_t at = i / kCodeLanes * streams.value_stream;
    StreamDot<kBits, false, R * kDigits>(streams.values + at, streams.value_stream, kPage / 4, w, ahead + at, sums);
    for (int r = 0; r < R; ++r) {
      float* out = a.out + (row + r) * a.head_size + i;
      for (int64_t k = 0; k < kStreams * kCodeLanes; k += V::kLanes) {
        const V total = Totals<kDigits, 128>(sums + r * kDigits, k, 0);
        V::MulAdd(total, V::Splat(unit[r]), V::Load(out + k) * V::Splat(keep[r])).Store(out + k);
      }
    }
  }
}

constexpr float kUnseen = -1e30f;  // its weight is nothing, and no difference of scores overflows

// Kinds of streams are told apart once for R rows, so that each is compiled once.
template <int R>
inline void AttendCodeRows(const CodeQueries& a, const CodePage& page, const Streams& streams, int64_t row) {
  alignas(64) float scores[R][kPage];
  alignas(64) uint8_t weights[R][2 * kPage];
  float keep[R];
  float unit[R];
  switch (streams.key_bits) {
    case kExpanded:
      CodeScores<kExpanded, R>(a, page, streams, row, scores);
      break;
    case 3:
      CodeScores<3, R>(a, page, streams, row, scores);
      break;
    case 4:
      CodeScores<4, R>(a, page, streams, row, scores);
      break;
    default:
      CodeScores<8, R>(a, page, streams, row, scores);
      break;
  }
  for (int64_t j = page.last; j < kPage; ++j) {
    for (int r = 0; r < R; ++r) {
      scores[r][j] = kUnseen;
    }
  }
  const uint16_t* scales = reinterpret_cast<const uint16_t*>(page.codes + page.layout.value_scales());
  if (streams.value_bits == 8) {
    CodeWeights<true, R>(scores, page.first, scales, a.max + row, a.sum + row, keep, unit, weights);
  } else {
    CodeWeights<false, R>(scores, page.first, scales, a.max + row, a.sum + row, keep, unit, weights);
  }
  switch (streams.value_bits) {
    case kExpanded:
      CodeValues<kExpanded, R>(a, page, streams, row, weights, keep, unit);
      break;
    case 3:
      CodeValues<3, R>(a, page, streams, row, weights, keep, unit);
      break;
    case 4:
      CodeValues<4, R>(a, page, streams, row, weights, keep, unit);
      break;
    default:
      CodeValues<8, R>(a, page, streams, row, weights, keep, unit);
      break;
  }
}

inline void AttendAllCodeRows(const CodeQueries& a, const CodePage& page, const Streams& streams) {
  int64_t row = 0;
  if (streams.key_bits != 8 && streams.value_bits != 8) {  // two digits a row take the sums of two rows
    for (; row + 4 <= a.rows; row += 4) {
      AttendCodeRows<4>(a, page, streams, row);
    }
  }
  for (; row + 2 <= a.rows; row += 2) {
    AttendCodeRows<2>(a, page, streams, row);
  }
  if (row < a.rows) {
    AttendCodeRows<1>(a, page, streams, row);
  }
}

template <bool kKeys>
inline void ExpandAny(int bits, const uint8_t* stream, int64_t slices, uint8_t* out) {
  if (bits == 3) {
    Expand<3, kKeys>(stream, slices, out);
  } else {
    Expand<4, kKeys>(stream, slices, out);
  }
}

constexpr int64_t kExpandFrom = 12;  // rows from which a page is worth expanding

void AttendPageCodes(const CodeQueries& a, const CodePage& page) {
  const CodePageLayout& layout = page.layout;
  Streams streams = {
      layout.key_bits,      page.codes, layout.key_stream(), layout.value_bits, page.codes + layout.values(),
      layout.value_stream()};
  if (layout.key_bits == 8 || layout.value_bits == 8 || a.rows < kExpandFrom) {
    AttendAllCodeRows(a, page, streams);
    return;
  }
  alignas(64) uint8_t keys[kPage * kMostHeadSize];
  alignas(64) uint8_t values[kPage * kMostHeadSize];
  const int64_t key_bytes = a.head_size / 4 * kCodeSlice;
  const int64_t value_bytes = kPage / 4 * kCodeSlice;
  for (int64_t block = page.first / kCodeLanes; block < kPage / kCodeLanes; ++block) {
    ExpandAny<true>(layout.key_bits, streams.keys + block * streams.key_stream, a.head_size / 4,
                    keys + block * key_bytes);
  }
  for (int64_t block = 0; block < a.head_size / kCodeLanes; ++block) {
    ExpandAny<false>(layout.value_bits, streams.values + block * streams.value_stream, kPage / 4,
                     values + block * value_bytes);
  }
  AttendAllCodeRows(a, page, {kExpanded, keys, key_bytes, kExpanded, values, value_bytes});
}
