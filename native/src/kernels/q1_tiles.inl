// Q1_0 products of several tokens: the order in which panels, blocks and tokens meet. Included inside an anonymous
// namespace by tables that define before it
//   struct ActBlock, and ActBytes (kernels/x86/act_tables.inl, kernels/arm/act_tables_neon.inl);
//   struct Rows32: 32 rows of floats in registers, in whatever order; void StoreRows(Rows32, float* y);
//   struct Expanded: one block of a panel, made ready for all tokens (look-up indices and fp32 scales);
//   void Expand(const uint8_t* w, Expanded* out);
//   kTokensAtOnce, and template <int N> void Accumulate(const Expanded&, const ActBlock* const* acts, Rows32* acc):
//     folds the block into acc [N] for N tokens (kTokensAtOnce and fewer), each row of each token by itself;
//   void PanelToken(const uint8_t* panel, int64_t blocks, const ActBlock* act, float* y): one token alone.
//
// A tile is 16 tokens by 4 panels. Its tables of one block (9 KB), its indices and its accumulators (8 KB) stay in the
// first-level cache while the tile walks along the rows; tables are read from the second level once for 4 panels.

constexpr int64_t kTileTokens = 16;
constexpr int64_t kTilePanels = 4;

template <int N>
inline void AccumulatePanels(const Expanded* expanded, int64_t panels, const uint8_t* acts, int64_t act_bytes,
                             int64_t block, Rows32* acc) {
  const ActBlock* act[N];
  for (int t = 0; t < N; ++t) {
    act[t] = reinterpret_cast<const ActBlock*>(acts + t * act_bytes) + block;
  }
  for (int64_t p = 0; p < panels; ++p) {
#if defined(__GNUC__)
    __asm__ volatile("" ::: "memory");  // or GCC loads all tables before this loop, into registers that it has not got
#endif
    Accumulate<N>(expanded[p], act, acc + p * kTileTokens);
  }
}

// Tokens [t, tokens) by N, the rest by fewer.
template <int N>
inline void AccumulateTokens(const Expanded* expanded, int64_t panels, const uint8_t* acts, int64_t act_bytes,
                             int64_t block, int64_t t, int64_t tokens, Rows32* acc) {
  for (; t + N <= tokens; t += N) {
    AccumulatePanels<N>(expanded, panels, acts + t * act_bytes, act_bytes, block, acc + t);
  }
  if constexpr (N > 1) {
    if (t < tokens) {
      AccumulateTokens<N - 1>(expanded, panels, acts, act_bytes, block, t, tokens, acc);
    }
  }
}

inline void MatmulTile(const uint8_t* panels, int64_t count, int64_t blocks, const uint8_t* acts, int64_t act_bytes,
                       int64_t tokens, float* y, int64_t y_stride) {
  Expanded expanded[kTilePanels];
  Rows32 acc[kTilePanels * kTileTokens];
  for (int64_t i = 0; i < count * kTileTokens; ++i) {
    acc[i] = Rows32{};
  }
  for (int64_t b = 0; b < blocks; ++b) {
    for (int64_t p = 0; p < count; ++p) {
      Expand(panels + (p * blocks + b) * kPanelBlockBytes, &expanded[p]);
    }
    AccumulateTokens<kTokensAtOnce>(expanded, count, acts, act_bytes, b, 0, tokens, acc);
  }
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t p = 0; p < count; ++p) {
      StoreRows(acc[p * kTileTokens + t], y + t * y_stride + p * kPanelRows);
    }
  }
}

void MatmulQ1(const uint8_t* panels, int64_t blocks, int64_t panel_begin, int64_t panel_end, const void* acts,
              int64_t tokens, float* y, int64_t y_stride) {
  const uint8_t* act = static_cast<const uint8_t*>(acts);
  const int64_t act_bytes = ActBytes(blocks * kQ1BlockSize);
  if (tokens == 1) {
    for (int64_t p = panel_begin; p < panel_end; ++p) {
      PanelToken(panels + p * blocks * kPanelBlockBytes, blocks, reinterpret_cast<const ActBlock*>(act),
                 y + p * kPanelRows);
    }
    return;
  }
  for (int64_t p = panel_begin; p < panel_end; p += kTilePanels) {
    const int64_t count = panel_end - p < kTilePanels ? panel_end - p : kTilePanels;
    for (int64_t t = 0; t < tokens; t += kTileTokens) {
      const int64_t n = tokens - t < kTileTokens ? tokens - t : kTileTokens;
      MatmulTile(panels + p * blocks * kPanelBlockBytes, count, blocks, act + t * act_bytes, act_bytes, n,
                 y + t * y_stride + p * kPanelRows, y_stride);
    }
  }
}
