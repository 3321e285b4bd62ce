// Q1_0 products of many tokens on AMX tiles. Included inside an anonymous namespace by the table "amx", and by a test
// that emulates the tiles on machines without them, after kernels/x86/q1_avx512.inl and these macros:
//   NIWAKI_TILE_ZERO(c), NIWAKI_TILE_LOAD(tile, pointer, stride), NIWAKI_TILE_STORE(tile, pointer, stride),
//   NIWAKI_TILE_DOT(c, a, b): as the instructions tilezero, tileloadd, tilestored, tdpbssd. Tiles are literal numbers.
//
// The integers are those of all tables (kernels/act_q8.h), so the results are too, bit for bit. An activation m q has
// up to 12 bits and a tile's bytes have 8; but m q = 16 h + l with h in -127..127 and l in -8..8, and the product of h
// with weights of +-16 and that of l with weights of +-1 add up in one 32-bit tile: exactly I, with no bias.
//
// A step is 32 tokens by 32 rows: four C tiles of 16 x 16, over the 128 weights of a block. Its sums go to memory and
// are folded into the fp32 accumulators while the next step's tiles multiply.

constexpr int64_t kTilesFrom = 32;  // fewer tokens are looked up

// What stands in ActBlock::tables then: for each of the two halves of 64 activations the digits h, then l.
inline int8_t* Digits(ActBlock* act) { return reinterpret_cast<int8_t*>(act->tables); }

inline void StoreDigits(const float* x, const BlockScale& scale, int8_t* digits) {
  for (int j = 0; j < 4; ++j) {
    const __m256 inverse = _mm256_set1_ps(scale.inverse[j]);
    const __m256i m = _mm256_set1_epi16(static_cast<short>(scale.m[j]));
    for (int half = 0; half < 2; ++half) {
      const float* from = x + j * kActSub + half * 16;
      const __m256i q =
          _mm256_permute4x64_epi64(_mm256_packs_epi32(Quantize8(from, inverse), Quantize8(from + 8, inverse)), 0xd8);
      const __m256i mq = _mm256_mullo_epi16(q, m);
      const __m256i high =
          _mm256_min_epi16(_mm256_srai_epi16(_mm256_add_epi16(mq, _mm256_set1_epi16(8)), 4), _mm256_set1_epi16(127));
      const __m256i low = _mm256_sub_epi16(mq, _mm256_slli_epi16(high, 4));
      const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(high, low), 0xd8);
      int8_t* to = digits + (j / 2) * 128 + (j % 2) * 32 + half * 16;
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(bytes));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 64), _mm256_extracti128_si256(bytes, 1));
    }
  }
}

void QuantizeForTiles(const float* x, int64_t cols, int64_t tokens, void* act) {
  if (tokens < kTilesFrom) {
    QuantizeAct(x, cols, tokens, act);
    return;
  }
  ActBlock* block = static_cast<ActBlock*>(act);
  for (int64_t k = 0; k < cols; k += kActBlock, ++block, x += kActBlock) {
    const BlockScale scale = ScaleOf(x);
    block->scale = scale.scale;
    StoreDigits(x, scale, Digits(block));
  }
}

// The weights of a block as bytes: [half of 64 weights][+-16, +-1][16 rows of the panel][tile of 16 x 64]. Row k of a
// tile holds weights 4k .. 4k + 3 of its 16 rows.
struct alignas(64) WeightTiles {
  int8_t tile[2][2][2][16 * 64];
};

inline void ExpandTiles(const uint8_t* w, WeightTiles* out) {
  const __m512i select[2] = {_mm512_set1_epi32(0x08040201), _mm512_set1_epi32(static_cast<int>(0x80402010u))};
  // Byte b of every row's word, four times.
  const __m512i spread[4] = {
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12)),
      _mm512_broadcast_i32x4(_mm_setr_epi8(1, 1, 1, 1, 5, 5, 5, 5, 9, 9, 9, 9, 13, 13, 13, 13)),
      _mm512_broadcast_i32x4(_mm_setr_epi8(2, 2, 2, 2, 6, 6, 6, 6, 10, 10, 10, 10, 14, 14, 14, 14)),
      _mm512_broadcast_i32x4(_mm_setr_epi8(3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15))};
  for (int j = 0; j < 4; ++j) {
    for (int rows = 0; rows < 2; ++rows) {
      const __m512i words = _mm512_loadu_si512(w + j * 128 + rows * 64);
      int8_t* high = out->tile[j / 2][0][rows] + (j % 2) * 8 * 64;
      int8_t* low = out->tile[j / 2][1][rows] + (j % 2) * 8 * 64;
      for (int k = 0; k < 8; ++k) {
        const __mmask64 plus = _mm512_test_epi8_mask(_mm512_shuffle_epi8(words, spread[k / 2]), select[k % 2]);
        _mm512_store_si512(high + k * 64, _mm512_mask_blend_epi8(plus, _mm512_set1_epi8(-16), _mm512_set1_epi8(16)));
        _mm512_store_si512(low + k * 64, _mm512_mask_blend_epi8(plus, _mm512_set1_epi8(-1), _mm512_set1_epi8(1)));
      }
    }
  }
}

// Sums of one step: [16 tokens of 32][16 rows of 32][16 x 16].
struct alignas(64) StepSums {
  int32_t tile[2][2][16 * 16];
};

// What is still to be folded: the sums of a step, where they go, and the scales that they take.
struct Pending {
  StepSums sums;
  Rows32 d;
  Rows32* acc = nullptr;  // of the step's 32 tokens
  const uint8_t* acts = nullptr;
  int64_t act_bytes = 0;
};
// A quarter of it: 16 tokens, 16 rows.
inline void FoldQuarter(const Pending& p, int quarter) {
  const int tokens = quarter / 2;
  const int rows = quarter % 2;
  for (int t = 0; t < 16; ++t) {
    const ActBlock* act = reinterpret_cast<const ActBlock*>(p.acts + (tokens * 16 + t) * p.act_bytes);
    const __m512 value = _mm512_cvtepi32_ps(_mm512_load_si512(p.sums.tile[tokens][rows] + t * 16));
    __m512* acc = &p.acc[tokens * 16 + t].v[rows];
    *acc = _mm512_add_ps(*acc, _mm512_mul_ps(value, _mm512_mul_ps(p.d.v[rows], _mm512_set1_ps(act->scale))));
  }
}

// A quarter of a step's products: one half of 64 weights, one digit.
#define NIWAKI_STEP_PART(half, digit)                                                  \
  NIWAKI_TILE_LOAD(4, acts + (half) * 128 + (digit) * 64, act_bytes);                  \
  NIWAKI_TILE_LOAD(5, acts + 16 * act_bytes + (half) * 128 + (digit) * 64, act_bytes); \
  NIWAKI_TILE_LOAD(6, w.tile[half][digit][0], 64);                                     \
  NIWAKI_TILE_LOAD(7, w.tile[half][digit][1], 64);                                     \
  NIWAKI_TILE_DOT(0, 4, 6);                                                            \
  NIWAKI_TILE_DOT(1, 4, 7);                                                            \
  NIWAKI_TILE_DOT(2, 5, 6);                                                            \
  NIWAKI_TILE_DOT(3, 5, 7)

// 32 tokens (their blocks at acts + t * act_bytes) by a panel's 32 rows; folds `before` meanwhile.
inline void Step(const WeightTiles& w, const uint8_t* acts, int64_t act_bytes, const Pending* before, StepSums* sums) {
  NIWAKI_TILE_ZERO(0);
  NIWAKI_TILE_ZERO(1);
  NIWAKI_TILE_ZERO(2);
  NIWAKI_TILE_ZERO(3);
  NIWAKI_STEP_PART(0, 0);
  if (before != nullptr) {
    FoldQuarter(*before, 0);
  }
  NIWAKI_STEP_PART(0, 1);
  if (before != nullptr) {
    FoldQuarter(*before, 1);
  }
  NIWAKI_STEP_PART(1, 0);
  if (before != nullptr) {
    FoldQuarter(*before, 2);
  }
  NIWAKI_STEP_PART(1, 1);
  if (before != nullptr) {
    FoldQuarter(*before, 3);
  }
  NIWAKI_TILE_STORE(0, sums->tile[0][0], 64);
  NIWAKI_TILE_STORE(1, sums->tile[0][1], 64);
  NIWAKI_TILE_STORE(2, sums->tile[1][0], 64);
  NIWAKI_TILE_STORE(3, sums->tile[1][1], 64);
}
#undef NIWAKI_STEP_PART

// One panel times up to kMostTokens tokens, at least 32. Steps that would go past the last token begin earlier: what
// two steps compute is folded once.
constexpr int64_t kMostTokens = 256;
inline void PanelTiles(const uint8_t* panel, int64_t blocks, const uint8_t* acts, int64_t act_bytes, int64_t tokens,
                       float* y, int64_t y_stride) {
  WeightTiles weights;
  Pending pending[2];
  Rows32 acc[kMostTokens];
  for (int64_t t = 0; t < tokens; ++t) {
    acc[t] = Rows32{};
  }
  // The last step's own accumulators when it overlaps the one before: rows of tokens that both have are folded in each.
  Rows32 last[32];
  for (Rows32& rows : last) {
    rows = Rows32{};
  }
  const int64_t steps = (tokens + 31) / 32;
  const bool overlap = tokens % 32 != 0;
  int64_t number = 0;
  for (int64_t b = 0; b < blocks; ++b) {
    const uint8_t* w = panel + b * kPanelBlockBytes;
    for (int line = 0; line < 9; ++line) {
      _mm_prefetch(reinterpret_cast<const char*>(w + 4 * kPanelBlockBytes + line * 64), _MM_HINT_T0);
    }
    ExpandTiles(w, &weights);
    const Rows32 d = LoadScales(w);
    for (int64_t s = 0; s < steps; ++s, ++number) {
      const bool is_last = overlap && s == steps - 1;
      const int64_t t = is_last ? tokens - 32 : s * 32;
      Pending& now = pending[number % 2];
      now.d = d;
      now.acc = is_last ? last : acc + t;
      now.acts = acts + t * act_bytes + b * static_cast<int64_t>(sizeof(ActBlock));
      now.act_bytes = act_bytes;
      Step(weights, now.acts, act_bytes, number > 0 ? &pending[(number + 1) % 2] : nullptr, &now.sums);
    }
  }
  for (int quarter = 0; quarter < 4; ++quarter) {
    FoldQuarter(pending[(number + 1) % 2], quarter);
  }
  const int64_t whole = overlap ? tokens - 32 : tokens;
  for (int64_t t = 0; t < whole; ++t) {
    StoreRows(acc[t], y + t * y_stride);
  }
  for (int64_t t = whole; t < tokens; ++t) {
    StoreRows(last[t - whole], y + t * y_stride);
  }
}

void MatmulTiles(const uint8_t* panels, int64_t blocks, int64_t panel_begin, int64_t panel_end, const uint8_t* acts,
                 int64_t tokens, float* y, int64_t y_stride) {
  const int64_t act_bytes = ActBytes(blocks * kQ1BlockSize);
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    for (int64_t t = 0; t < tokens;) {
      // At least 32 in every part: what is left over joins a shorter one.
      const int64_t left = tokens - t;
      const int64_t n = left <= kMostTokens ? left : left - kMostTokens < 32 ? kMostTokens - 32 : kMostTokens;
      PanelTiles(panels + p * blocks * kPanelBlockBytes, blocks, acts + t * act_bytes, act_bytes, n,
                 y + t * y_stride + p * kPanelRows, y_stride);
      t += n;
    }
  }
}
