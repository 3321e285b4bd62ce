// The AMX products with tiles that are emulated one multiplication at a time: the same source as the real ones. In a
// file of its own, because it alone is compiled with AVX-512.
#include "kernels/x86/amx_emulated_testing.h"

#include <immintrin.h>

#include <cstring>

#include "kernels/act_q8.h"
#include "kernels/kernel_table.h"

namespace niwaki {
namespace {

#include "kernels/x86/v8_avx2.inl"
// A formatter must not sort these two.
#include "kernels/x86/q1_avx512.inl"

// As the manual defines the instructions (Intel SDM, volume 2), for tiles of 16 rows of 64 bytes.
struct EmulatedTiles {
  int8_t bytes[8][16][64];
};
EmulatedTiles g_tiles;  // of the one thread that this test has

void Zero(int tile) { std::memset(g_tiles.bytes[tile], 0, 1024); }
void Load(int tile, const void* from, int64_t stride) {
  for (int row = 0; row < 16; ++row) {
    std::memcpy(g_tiles.bytes[tile][row], static_cast<const uint8_t*>(from) + row * stride, 64);
  }
}
void Store(int tile, void* to, int64_t stride) {
  for (int row = 0; row < 16; ++row) {
    std::memcpy(static_cast<uint8_t*>(to) + row * stride, g_tiles.bytes[tile][row], 64);
  }
}
void Dot(int c, int a, int b) {
  for (int m = 0; m < 16; ++m) {
    for (int n = 0; n < 16; ++n) {
      int32_t sum;
      std::memcpy(&sum, &g_tiles.bytes[c][m][4 * n], 4);
      for (int k = 0; k < 16; ++k) {
        for (int i = 0; i < 4; ++i) {
          sum += int32_t{g_tiles.bytes[a][m][4 * k + i]} * g_tiles.bytes[b][k][4 * n + i];
        }
      }
      std::memcpy(&g_tiles.bytes[c][m][4 * n], &sum, 4);
    }
  }
}
#define NIWAKI_TILE_ZERO(c) Zero(c)
#define NIWAKI_TILE_LOAD(tile, pointer, stride) Load(tile, pointer, stride)
#define NIWAKI_TILE_STORE(tile, pointer, stride) Store(tile, pointer, stride)
#define NIWAKI_TILE_DOT(c, a, b) Dot(c, a, b)
// Here, and not sorted among the others by a formatter: it needs all of the above.
#include "kernels/x86/q1_amx.inl"

}  // namespace

namespace testing {

static_assert(kEmulatedTilesFrom == kTilesFrom);
int64_t EmulatedActBytes(int64_t cols) { return ActBytes(cols); }
void EmulatedQuantize(const float* x, int64_t cols, int64_t tokens, void* act) {
  QuantizeForTiles(x, cols, tokens, act);
}
void EmulatedMatmul(const uint8_t* panels, int64_t blocks, int64_t panel_begin, int64_t panel_end, const void* acts,
                    int64_t tokens, float* y, int64_t y_stride) {
  MatmulTiles(panels, blocks, panel_begin, panel_end, static_cast<const uint8_t*>(acts), tokens, y, y_stride);
}
int32_t EmulatedActivation(const void* act, int64_t i) {
  const int8_t* digits = static_cast<const int8_t*>(act) + i / 64 * 128 + i % 64;
  return 16 * digits[0] + digits[64];
}

}  // namespace testing
}  // namespace niwaki
