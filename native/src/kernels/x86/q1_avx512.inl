// Q1_0 products with AVX-512 VBMI and VNNI: two instructions for 64 look-ups of 4 weights. vpermb looks 64 bytes up in
// four tables at once (each byte of a row's word has its own), vpdpbusd adds the four of a word, times their
// sub-block's multiplier, to the row's 32-bit sum: 256 weights in two instructions and one ternary logic. Included
// inside an anonymous namespace.

// One block of 128 activations. The tables of a sub-block's eight groups stand in the order 0 2 4 6, 1 3 5 7: byte b of
// a row's word holds groups 2b (low nibble) and 2b + 1 (high nibble).
struct alignas(64) ActBlock {
  uint8_t tables[4 * 128];
  float scale;
  int32_t minus_bias;  // -sum_j m_j * sum |q|: I = 2 * sum_j m_j E_j - bias
  int32_t m[4];        // four copies of 2 m_j, a byte each, for vpdpbusd
  uint8_t pad[40];
  void set_m(int j, int32_t value) { m[j] = 2 * value * 0x01010101; }
  void set_bias(int32_t value) { minus_bias = -value; }
};
static_assert(sizeof(ActBlock) == 576);

#include "kernels/x86/act_tables.inl"
#include "kernels/x86/act_tables_avx512.inl"

// Indices into the four tables of 16: the nibbles, and which byte of the word they are in. 0xEA is (a & b) | c.
inline __m512i Indices(__m512i nibbles) {
  return _mm512_ternarylogic_epi32(nibbles, _mm512_set1_epi32(0x0f0f0f0f), _mm512_set1_epi32(0x30201000), 0xEA);
}

struct Rows32 {
  __m512 v[2];
};
inline Rows32 LoadScales(const uint8_t* w) {
  const __m256i* scales = reinterpret_cast<const __m256i*>(w + 512);
  return {{_mm512_cvtph_ps(_mm256_loadu_si256(scales)), _mm512_cvtph_ps(_mm256_loadu_si256(scales + 1))}};
}
inline void StoreRows(Rows32 rows, float* y) {
  _mm512_storeu_ps(y, rows.v[0]);
  _mm512_storeu_ps(y + 16, rows.v[1]);
}

// One token reads a panel as one stream, which is as fast as memory gives it when whole blocks are asked for well
// before they are needed. Behind the end of a matrix this asks for nothing that harms.
inline void PrefetchBlock(const uint8_t* w) {
  for (int line = 0; line < 9; ++line) {
    _mm_prefetch(reinterpret_cast<const char*>(w + line * 64), _MM_HINT_T0);
  }
}

// Look-up indices are made anew for every kTokensAtOnce tokens: storing them would take as long.
struct Expanded {
  const uint8_t* w;
  Rows32 d;
};
inline void Expand(const uint8_t* w, Expanded* out) { *out = {w, LoadScales(w)}; }

constexpr int64_t kTokensAtOnce = 8;  // sixteen sums, of 32 registers
template <int N>
inline void Accumulate(const Expanded& w, const ActBlock* const* acts, Rows32* acc) {
  __m512i sums[N][2];
  for (int t = 0; t < N; ++t) {
    sums[t][0] = sums[t][1] = _mm512_set1_epi32(acts[t]->minus_bias);
  }
  // A tile reads four panels at a time, of which processors guess too little. Asked for line by line between the
  // look-ups: all lines of a block at once are more than a core keeps track of, and it would wait.
  const char* const ahead = reinterpret_cast<const char*>(w.w + kPanelBlockBytes);
  _mm_prefetch(ahead + 512, _MM_HINT_T0);
  for (int j = 0; j < 4; ++j) {
    _mm_prefetch(ahead + j * 128, _MM_HINT_T0);
    _mm_prefetch(ahead + j * 128 + 64, _MM_HINT_T0);
    const __m512i w0 = _mm512_loadu_si512(w.w + j * 128);
    const __m512i w1 = _mm512_loadu_si512(w.w + j * 128 + 64);
    const __m512i low0 = Indices(w0);
    const __m512i low1 = Indices(w1);
    const __m512i high0 = Indices(_mm512_srli_epi32(w0, 4));
    const __m512i high1 = Indices(_mm512_srli_epi32(w1, 4));
    for (int t = 0; t < N; ++t) {
      const __m512i low = _mm512_load_si512(acts[t]->tables + j * 128);
      const __m512i high = _mm512_load_si512(acts[t]->tables + j * 128 + 64);
      const __m512i m = _mm512_set1_epi32(acts[t]->m[j]);
      sums[t][0] = _mm512_dpbusd_epi32(sums[t][0], _mm512_permutexvar_epi8(low0, low), m);
      sums[t][1] = _mm512_dpbusd_epi32(sums[t][1], _mm512_permutexvar_epi8(low1, low), m);
      sums[t][0] = _mm512_dpbusd_epi32(sums[t][0], _mm512_permutexvar_epi8(high0, high), m);
      sums[t][1] = _mm512_dpbusd_epi32(sums[t][1], _mm512_permutexvar_epi8(high1, high), m);
    }
  }
  for (int t = 0; t < N; ++t) {
    const __m512 scale = _mm512_set1_ps(acts[t]->scale);
    for (int half = 0; half < 2; ++half) {
      const __m512 value = _mm512_cvtepi32_ps(sums[t][half]);
      acc[t].v[half] = _mm512_add_ps(acc[t].v[half], _mm512_mul_ps(value, _mm512_mul_ps(w.d.v[half], scale)));
    }
  }
}

// One panel times one token.
inline void PanelToken(const uint8_t* panel, int64_t blocks, const ActBlock* act, float* y) {
  Rows32 acc = {};
  for (int64_t b = 0; b < blocks; ++b) {
    const uint8_t* w = panel + b * kPanelBlockBytes;
    PrefetchBlock(w + 4 * kPanelBlockBytes);
    // Two sums a half, so that additions of one do not wait for the other.
    __m512i sums[2][2] = {{_mm512_set1_epi32(act[b].minus_bias), _mm512_setzero_si512()},
                          {_mm512_set1_epi32(act[b].minus_bias), _mm512_setzero_si512()}};
    for (int j = 0; j < 4; ++j) {
      const __m512i low = _mm512_load_si512(act[b].tables + j * 128);
      const __m512i high = _mm512_load_si512(act[b].tables + j * 128 + 64);
      const __m512i m = _mm512_set1_epi32(act[b].m[j]);
      for (int half = 0; half < 2; ++half) {
        const __m512i bits = _mm512_loadu_si512(w + j * 128 + half * 64);
        sums[half][0] = _mm512_dpbusd_epi32(sums[half][0], _mm512_permutexvar_epi8(Indices(bits), low), m);
        sums[half][1] =
            _mm512_dpbusd_epi32(sums[half][1], _mm512_permutexvar_epi8(Indices(_mm512_srli_epi32(bits, 4)), high), m);
      }
    }
    const __m512 scale = _mm512_set1_ps(act[b].scale);
    const Rows32 d = LoadScales(w);
    for (int half = 0; half < 2; ++half) {
      const __m512 value = _mm512_cvtepi32_ps(_mm512_add_epi32(sums[half][0], sums[half][1]));
      acc.v[half] = _mm512_add_ps(acc.v[half], _mm512_mul_ps(value, _mm512_mul_ps(d.v[half], scale)));
    }
  }
  StoreRows(acc, y);
}

#include "kernels/q1_tiles.inl"
