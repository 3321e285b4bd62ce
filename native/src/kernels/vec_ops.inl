// Everything but the Q1_0 products, written once over a vector of eight floats (V8) and compiled into each table that
// includes this file: same operations in the same order, so the tables agree bit for bit. Includers define, in an
// anonymous namespace,
//   struct V8 with static Load, Splat, LoadF16, LoadBF16, LoadI8, SplatF16; Store, StoreF16; + - * /; Max; Round (to
//   nearest even); Exp2Int (2^n for integral n)
// before including it. Element i of a sum lives in lane i % 8; lanes are added as ((0+4)+(2+6)) + ((1+5)+(3+7)); a tail
// shorter than eight is padded with zeros.

inline float SumLanes(V8 v) {
  float l[8];
  v.Store(l);
  return ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
}

inline float MaxOf(float a, float b) { return a > b ? a : b; }

// exp(x) after Cephes' expf: x = n ln2 + r, |r| <= ln2 / 2, a polynomial of degree 6 in r, times 2^n. Below -87.3 it is
// 0, above 88.7 it saturates at exp(88.7). Error under 2 units in the last place (kernels_test measures it).
inline V8 Exp(V8 x) {
  const V8 limited = V8::Max(V8::Min(x, V8::Splat(88.7f)), V8::Splat(-88.0f));
  const V8 n = V8::Round(limited * V8::Splat(1.44269504088896341f));
  V8 r = limited - n * V8::Splat(0.693359375f);
  r = r - n * V8::Splat(-2.12194440e-4f);
  V8 p = V8::Splat(1.9875691500e-4f);
  p = p * r + V8::Splat(1.3981999507e-3f);
  p = p * r + V8::Splat(8.3334519073e-3f);
  p = p * r + V8::Splat(4.1665795894e-2f);
  p = p * r + V8::Splat(1.6666665459e-1f);
  p = p * r + V8::Splat(5.0000001201e-1f);
  p = p * (r * r) + r + V8::Splat(1.0f);
  const V8 y = p * V8::Exp2Int(n);
  return V8::ZeroWhereLess(x, V8::Splat(-87.3f), y);
}

// The first n (< 8) values, the rest zero.
inline V8 LoadPart(const float* p, int64_t n) {
  float l[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  for (int64_t i = 0; i < n; ++i) {
    l[i] = p[i];
  }
  return V8::Load(l);
}
inline void StorePart(V8 v, float* p, int64_t n) {
  float l[8];
  v.Store(l);
  for (int64_t i = 0; i < n; ++i) {
    p[i] = l[i];
  }
}

void RmsNorm(const float* x, const float* weight, int64_t n, float eps, float* y) {
  V8 sum = V8::Splat(0);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const V8 v = V8::Load(x + i);
    sum = sum + v * v;
  }
  if (i < n) {
    const V8 v = LoadPart(x + i, n - i);
    sum = sum + v * v;
  }
  const V8 scale = V8::Splat(1.0f) / V8::Sqrt(V8::Splat(SumLanes(sum) / static_cast<float>(n) + eps));
  for (i = 0; i + 8 <= n; i += 8) {
    (V8::Load(x + i) * scale * V8::Load(weight + i)).Store(y + i);
  }
  if (i < n) {
    StorePart(LoadPart(x + i, n - i) * scale * LoadPart(weight + i, n - i), y + i, n - i);
  }
}

void RopeNeox(float* x, int64_t head_size, const float* cos, const float* sin) {
  const int64_t half = head_size / 2;
  int64_t i = 0;
  for (; i + 8 <= half; i += 8) {
    const V8 a = V8::Load(x + i);
    const V8 b = V8::Load(x + half + i);
    const V8 c = V8::Load(cos + i);
    const V8 s = V8::Load(sin + i);
    (a * c - b * s).Store(x + i);
    (b * c + a * s).Store(x + half + i);
  }
  for (; i < half; ++i) {
    const float a = x[i];
    const float b = x[half + i];
    x[i] = a * cos[i] - b * sin[i];
    x[half + i] = b * cos[i] + a * sin[i];
  }
}

inline V8 SiluMul(V8 g, V8 u) { return g / (V8::Splat(1.0f) + Exp(V8::Splat(0) - g)) * u; }

void SiluMulAll(float* gate, const float* up, int64_t n) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    SiluMul(V8::Load(gate + i), V8::Load(up + i)).Store(gate + i);
  }
  if (i < n) {
    StorePart(SiluMul(LoadPart(gate + i, n - i), LoadPart(up + i, n - i)), gate + i, n - i);
  }
}

void Add(float* x, const float* y, int64_t n) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    (V8::Load(x + i) + V8::Load(y + i)).Store(x + i);
  }
  for (; i < n; ++i) {
    x[i] += y[i];
  }
}

inline V8 LoadPartF16(const uint16_t* p, int64_t n) {
  uint16_t l[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  for (int64_t i = 0; i < n; ++i) {
    l[i] = p[i];
  }
  return V8::LoadF16(l);
}

void F32ToF16All(const float* x, int64_t n, uint16_t* y) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    V8::Load(x + i).StoreF16(y + i);
  }
  if (i < n) {
    uint16_t l[8];
    LoadPart(x + i, n - i).StoreF16(l);
    for (int64_t k = 0; i + k < n; ++k) {
      y[i + k] = l[k];
    }
  }
}

void F16ToF32All(const uint16_t* x, int64_t n, float* y) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    V8::LoadF16(x + i).Store(y + i);
  }
  if (i < n) {
    StorePart(LoadPartF16(x + i, n - i), y + i, n - i);
  }
}

inline float Dot(const float* w, const float* x, int64_t n) {
  V8 sum = V8::Splat(0);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    sum = sum + V8::Load(w + i) * V8::Load(x + i);
  }
  if (i < n) {
    sum = sum + LoadPart(w + i, n - i) * LoadPart(x + i, n - i);
  }
  return SumLanes(sum);
}

// Rows of a matrix by type: eight weights as floats from one place of a row on. kStep weights share one place, so that
// what they have in common (a block's scale) is looked up once.
struct RowsF32 {
  using Weight = float;
  static constexpr int64_t kStep = 8;
  static int64_t RowSize(int64_t cols) { return cols; }
  struct Place {
    const float* p;
    V8 Eight(int64_t i) const { return V8::Load(p + i); }
  };
  static Place At(const float* row, int64_t i) { return {row + i}; }
  static V8 Part(const float* row, int64_t i, int64_t n) { return LoadPart(row + i, n); }
};
struct RowsF16 {
  using Weight = uint16_t;
  static constexpr int64_t kStep = 8;
  static int64_t RowSize(int64_t cols) { return cols; }
  struct Place {
    const uint16_t* p;
    V8 Eight(int64_t i) const { return V8::LoadF16(p + i); }
  };
  static Place At(const uint16_t* row, int64_t i) { return {row + i}; }
  static V8 Part(const uint16_t* row, int64_t i, int64_t n) { return LoadPartF16(row + i, n); }
};
struct RowsBF16 {
  using Weight = uint16_t;
  static constexpr int64_t kStep = 8;
  static int64_t RowSize(int64_t cols) { return cols; }
  struct Place {
    const uint16_t* p;
    V8 Eight(int64_t i) const { return V8::LoadBF16(p + i); }
  };
  static Place At(const uint16_t* row, int64_t i) { return {row + i}; }
  static V8 Part(const uint16_t* row, int64_t i, int64_t n) {
    uint16_t l[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (int64_t k = 0; k < n; ++k) {
      l[k] = row[i + k];
    }
    return V8::LoadBF16(l);
  }
};
struct RowsQ8 {  // quant/q8_0.h
  using Weight = uint8_t;
  static constexpr int64_t kStep = 32;
  static int64_t RowSize(int64_t cols) { return cols / 32 * 34; }
  struct Place {
    V8 d;
    const uint8_t* q;
    V8 Eight(int64_t i) const { return V8::LoadI8(q + i) * d; }
  };
  static Place At(const uint8_t* row, int64_t i) {
    const uint8_t* block = row + i / 32 * 34;
    return {V8::SplatF16(block), block + 2};
  }
  static V8 Part(const uint8_t*, int64_t, int64_t) { return V8::Splat(0); }  // there are whole blocks only
};

// R rows times T tokens. Each row of each token is a sum of its own, in the order of Dot, whatever R and T are: they
// only keep several chains of additions going, and use what was widened for all tokens.
template <typename Rows, int R, int T>
inline void MatmulTile(const typename Rows::Weight* w, int64_t cols, const float* x, int64_t x_stride, float* y,
                       int64_t y_stride) {
  const int64_t row_size = Rows::RowSize(cols);
  V8 sum[R][T];
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      sum[r][t] = V8::Splat(0);
    }
  }
  int64_t i = 0;
  for (; i + Rows::kStep <= cols; i += Rows::kStep) {
    typename Rows::Place place[R];
    for (int r = 0; r < R; ++r) {
      place[r] = Rows::At(w + r * row_size, i);
    }
    for (int64_t k = 0; k < Rows::kStep; k += 8) {
      V8 weights[R];
      for (int r = 0; r < R; ++r) {
        weights[r] = place[r].Eight(k);
      }
      for (int t = 0; t < T; ++t) {
        const V8 v = V8::Load(x + t * x_stride + i + k);
        for (int r = 0; r < R; ++r) {
          sum[r][t] = sum[r][t] + weights[r] * v;
        }
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) {
      if (i < cols) {
        sum[r][t] = sum[r][t] + Rows::Part(w + r * row_size, i, cols - i) * LoadPart(x + t * x_stride + i, cols - i);
      }
      y[t * y_stride + r] = SumLanes(sum[r][t]);
    }
  }
}

// Tokens by fours, two rows at a time: what was widened serves four tokens, and eight sums fit the registers. What is
// left goes row by row: one token waits for memory, which one stream of weights gets more of than several.
template <typename Rows>
void Matmul(const typename Rows::Weight* w, int64_t cols, int64_t row_begin, int64_t row_end, const float* x,
            int64_t x_stride, int64_t tokens, float* y, int64_t y_stride) {
  const int64_t row_size = Rows::RowSize(cols);
  const int64_t fours = tokens / 4 * 4;
  int64_t r = row_begin;
  for (; fours > 0 && r + 2 <= row_end; r += 2) {
    for (int64_t t = 0; t < fours; t += 4) {
      MatmulTile<Rows, 2, 4>(w + r * row_size, cols, x + t * x_stride, x_stride, y + t * y_stride + r, y_stride);
    }
  }
  for (; fours > 0 && r < row_end; ++r) {
    for (int64_t t = 0; t < fours; t += 4) {
      MatmulTile<Rows, 1, 4>(w + r * row_size, cols, x + t * x_stride, x_stride, y + t * y_stride + r, y_stride);
    }
  }
  for (r = row_begin; r < row_end; ++r) {
    for (int64_t t = fours; t < tokens; ++t) {
      MatmulTile<Rows, 1, 1>(w + r * row_size, cols, x + t * x_stride, x_stride, y + t * y_stride + r, y_stride);
    }
  }
}

// head_size is a multiple of 8, at most kMaxHead; group at most kMaxGroup a pass (larger groups take several passes).
constexpr int64_t kPage = 128;
constexpr int64_t kMaxHead = 256;
constexpr int64_t kMaxGroup = 8;

void AttendPass(const float* q, int64_t group, int64_t head_size, const uint16_t* k, const uint16_t* v, int64_t count,
                float* max, float* sum, float* out) {
  float scores[kMaxGroup][kPage];
  float row[kMaxHead];
  for (int64_t j = 0; j < count; ++j) {  // a key is widened once for all heads of the group
    for (int64_t i = 0; i < head_size; i += 8) {
      V8::LoadF16(k + j * head_size + i).Store(row + i);
    }
    for (int64_t g = 0; g < group; ++g) {
      scores[g][j] = Dot(row, q + g * head_size, head_size);
    }
  }
  for (int64_t g = 0; g < group; ++g) {
    float top = max[g];
    for (int64_t j = 0; j < count; ++j) {
      top = MaxOf(top, scores[g][j]);
    }
    for (int64_t j = count; j % 8 != 0; ++j) {
      scores[g][j] = top - 1000.0f;  // padding: exp gives zero
    }
    // exp(-infinity - top) = 0 when this is the first page.
    const float keep_in[8] = {max[g] - top, 0, 0, 0, 0, 0, 0, 0};
    float keep[8];
    Exp(V8::Load(keep_in)).Store(keep);
    V8 total = V8::Splat(0);
    for (int64_t j = 0; j < count; j += 8) {
      const V8 p = Exp(V8::Load(scores[g] + j) - V8::Splat(top));
      p.Store(scores[g] + j);
      total = total + p;
    }
    max[g] = top;
    sum[g] = sum[g] * keep[0] + SumLanes(total);
    for (int64_t i = 0; i < head_size; i += 8) {
      (V8::Load(out + g * head_size + i) * V8::Splat(keep[0])).Store(out + g * head_size + i);
    }
  }
  for (int64_t j = 0; j < count; ++j) {
    for (int64_t i = 0; i < head_size; i += 8) {
      const V8 value = V8::LoadF16(v + j * head_size + i);
      for (int64_t g = 0; g < group; ++g) {
        float* o = out + g * head_size + i;
        (V8::Load(o) + value * V8::Splat(scores[g][j])).Store(o);
      }
    }
  }
}

void AttendPageF16(const float* q, int64_t group, int64_t head_size, const uint16_t* k, const uint16_t* v,
                   int64_t count, float* max, float* sum, float* out) {
  for (int64_t g = 0; g < group; g += kMaxGroup) {
    const int64_t n = group - g < kMaxGroup ? group - g : kMaxGroup;
    AttendPass(q + g * head_size, n, head_size, k, v, count, max + g, sum + g, out + g * head_size);
  }
}
