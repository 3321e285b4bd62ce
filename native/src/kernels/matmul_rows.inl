// Products of plain matrices (F32, F16, BF16, Q8_0) and float vectors. Included by vec_ops.inl; sums in its order.

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
