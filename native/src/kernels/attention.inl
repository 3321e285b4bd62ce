// Attention of query rows over one page of fp16 keys and values. Included by vec_ops.inl.
//
// A lane is a key where scores are computed (KeyIndex puts 32 tokens side by side) and an element of the
// head where values are added up, so nothing is ever summed across lanes but the 128 weights of a page. Every row takes
// its own way, whatever rows share a call: score j is the chain fma(q[i], k[i][j], ...) over i in order, out[i] the
// chain fma(p[j], v[j][i], ...) over j in order. Rows are grouped by four only to use what was widened four times.

constexpr int64_t kPage = 128;
constexpr int64_t kAhead = 48;  // rows of keys or values that are asked of memory before they are wanted

inline void Prefetch(const void* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p);
#else
  (void)p;
#endif
}

// Scores of R rows and C vectors of keys.
template <int R, int C>
inline void ScoreTile(const float* const* q, int64_t head_size, const uint16_t* keys, float (*scores)[kPage],
                      int64_t j) {
  V acc[R][C];
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) {
      acc[r][c] = V::Splat(0);
    }
  }
  const uint16_t* column[C];
  for (int c = 0; c < C; ++c) {
    column[c] = keys + KeyIndex(0, j + c * V::kLanes, head_size);
  }
  for (int64_t i = 0; i < head_size; ++i) {
    if constexpr (R <= 2) {  // few rows wait for memory; past the last keys the values begin
      for (int c = 0; c < C; c += kKeyGroup / V::kLanes) {
        Prefetch(column[c] + (i + kAhead) * kKeyGroup);
      }
    }
    V key[C];
    for (int c = 0; c < C; ++c) {
      key[c] = V::LoadF16(column[c] + i * kKeyGroup);
    }
    for (int r = 0; r < R; ++r) {
      const V x = V::Splat(q[r][i]);
      for (int c = 0; c < C; ++c) {
        acc[r][c] = V::MulAdd(x, key[c], acc[r][c]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) {
      acc[r][c].Store(scores[r] + j + c * V::kLanes);
    }
  }
}
template <int R, int C>
inline void Scores(const float* const* q, int64_t head_size, const uint16_t* keys, int64_t count,
                   float (*scores)[kPage]) {
  int64_t j = 0;
  for (; j + C / 2 * V::kLanes < count; j += C * V::kLanes) {
    ScoreTile<R, C>(q, head_size, keys, scores, j);
  }
  for (; j < count; j += C / 2 * V::kLanes) {
    ScoreTile<R, C / 2>(q, head_size, keys, scores, j);
  }
}

// Values of tokens [begin, end) into elements [i, i + C vectors) of R rows.
template <typename T, int R, int C>
inline void ValueTile(const float (*weights)[kPage], int64_t head_size, const uint16_t* values, int64_t begin,
                      int64_t end, float* const* out, int64_t i) {
  T acc[R][C];
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) {
      acc[r][c] = T::Load(out[r] + i + c * T::kLanes);
    }
  }
  for (int64_t j = begin; j < end; ++j) {
    T value[C];
    for (int c = 0; c < C; ++c) {
      value[c] = T::LoadF16(values + j * head_size + i + c * T::kLanes);
    }
    for (int r = 0; r < R; ++r) {
      const T p = T::Splat(weights[r][j]);
      for (int c = 0; c < C; ++c) {
        acc[r][c] = T::MulAdd(p, value[c], acc[r][c]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) {
      acc[r][c].Store(out[r] + i + c * T::kLanes);
    }
  }
}
template <int R>
inline void Values(const float (*weights)[kPage], int64_t head_size, const uint16_t* values, int64_t begin, int64_t end,
                   float* const* out) {
  if (begin >= end) {
    return;
  }
  constexpr int kColumns = V::kLanes == 16 || R < 4 ? 4 : 2;
  // Few rows wait for memory: they read some tokens' whole values before the next ones', which is one stream.
  constexpr int64_t kTokens = R < 4 ? 16 : kPage;
  for (int64_t j = begin; j < end; j += kTokens) {
    const int64_t last = j + kTokens < end ? j + kTokens : end;
    int64_t i = 0;
    for (; i + kColumns * V::kLanes <= head_size; i += kColumns * V::kLanes) {
      ValueTile<V, R, kColumns>(weights, head_size, values, j, last, out, i);
    }
    for (; i < head_size; i += 8) {
      ValueTile<V8, R, 1>(weights, head_size, values, j, last, out, i);
    }
  }
}

// Scores of one row become weights exp(score - max); what was added up before is scaled to the new maximum.
inline void Soften(float* scores, int64_t count, float* max, float* sum, float* out, int64_t head_size) {
  float top = *max;
  for (int64_t j = 0; j < count; ++j) {
    top = MaxOf(top, scores[j]);
  }
  const int64_t padded = (count + V::kLanes - 1) / V::kLanes * V::kLanes;
  for (int64_t j = count; j < padded; ++j) {
    scores[j] = top - 1000.0f;  // exp gives zero
  }
  // exp(-infinity - top) = 0 when this is the first page.
  const float keep_in[8] = {*max - top, 0, 0, 0, 0, 0, 0, 0};
  float keep[8];
  Exp(V8::Load(keep_in)).Store(keep);
  V8 total = V8::Splat(0);
  for (int64_t j = 0; j < count; j += V::kLanes) {
    const V p = Exp(V::Load(scores + j) - V::Splat(top));
    p.Store(scores + j);
    total = AddHalves(total, p);
  }
  *max = top;
  *sum = *sum * keep[0] + SumLanes(total);
  for (int64_t i = 0; i < head_size; i += 8) {
    (V8::Load(out + i) * V8::Splat(keep[0])).Store(out + i);
  }
}

template <int R>
inline void AttendRows(const AttendQueries& a, const uint16_t* keys, const uint16_t* values, int64_t first, int64_t row,
                       float (*scores)[kPage]) {
  const float* q[R];
  float* out[R];
  int64_t count[R];
  for (int r = 0; r < R; ++r) {
    const int64_t token = (row + r) / a.group;
    const int64_t head = (row + r) % a.group;
    q[r] = a.q + token * a.q_stride + head * a.head_size;
    out[r] = a.out + token * a.out_stride + head * a.head_size;
    count[r] = first + token < kPage ? first + token : kPage;
  }
  constexpr int kColumns = V::kLanes == 16 || R < 4 ? 4 : 2;  // as many sums as fit 32 or 16 registers
  Scores<R, kColumns>(q, a.head_size, keys, count[R - 1], scores);
  for (int r = 0; r < R; ++r) {
    Soften(scores[r], count[r], a.max + row + r, a.sum + row + r, out[r], a.head_size);
  }
  Values<R>(scores, a.head_size, values, 0, count[0], out);
  for (int r = 1; r < R; ++r) {  // later tokens see more of the page
    Values<1>(scores + r, a.head_size, values, count[0], count[r], out + r);
  }
}

void AttendPageF16(const AttendQueries& a, const uint16_t* keys, const uint16_t* values, int64_t first) {
  float scores[4][kPage];
  const int64_t rows = a.tokens * a.group;
  int64_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    AttendRows<4>(a, keys, values, first, row, scores);
  }
  for (; row + 2 <= rows; row += 2) {
    AttendRows<2>(a, keys, values, first, row, scores);
  }
  if (row < rows) {
    AttendRows<1>(a, keys, values, first, row, scores);
  }
}
