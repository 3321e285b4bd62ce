// The AMX table: "avx512vnni" for few tokens, int8 tiles for many (q1_amx.inl), the same integers and bits in both.
// Sapphire Rapids and later. Compiled with AVX-512 and AMX in this file alone; nothing here may instantiate anything
// with vague linkage, or the linker could hand such code to machines without it.
#include <immintrin.h>

#include <cstring>

#include "kernels/act_q8.h"
#include "kernels/kernel_table.h"
#include "kernels/x86/amx_instructions.h"

namespace niwaki {
namespace {

#include "kernels/x86/codes_avx512.inl"
#include "kernels/x86/v16_avx512.inl"
using V = V16;
inline V FromInt(const int32_t* p) { return {_mm512_cvtepi32_ps(_mm512_loadu_si512(p))}; }
inline void ToInt(V x, int32_t* p) { _mm512_storeu_si512(p, _mm512_cvttps_epi32(x.v)); }
inline void ToBytes(V x, uint8_t* p) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(x.v)));
}
inline float MaxLane(V x) { return _mm512_reduce_max_ps(x.v); }
inline V8 AddHalves(V8 sum, V16 v) { return sum + v.Low() + v.High(); }

#include "kernels/vec_ops.inl"
#include "kernels/x86/q1_avx512.inl"

// Here, and not sorted among the others by a formatter: it needs all of the above.
#include "kernels/x86/q1_amx.inl"

// Eight tiles of 16 rows of 64 bytes.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t bytes_a_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

void MatmulAmx(const uint8_t* panels, int64_t blocks, int64_t panel_begin, int64_t panel_end, const void* acts,
               int64_t tokens, float* y, int64_t y_stride) {
  if (tokens < kTilesFrom) {
    MatmulQ1(panels, blocks, panel_begin, panel_end, acts, tokens, y, y_stride);
    return;
  }
  const TileConfig config;
  NIWAKI_TILE_CONFIGURE(&config);
  MatmulTiles(panels, blocks, panel_begin, panel_end, static_cast<const uint8_t*>(acts), tokens, y, y_stride);
  NIWAKI_TILE_RELEASE();  // a thread that holds tiles costs more to switch
}

}  // namespace

const KernelTable kAmxKernels = {
    .name = "amx",
    .layout = PanelLayout::kWordRows,
    .act_block_bytes = sizeof(ActBlock),
    .act_bytes = ActBytes,
    .quantize_act = QuantizeForTiles,
    .matmul_q1_0 = MatmulAmx,
    .matmul_f16 = Matmul<RowsF16>,
    .matmul_f32 = Matmul<RowsF32>,
    .matmul_bf16 = Matmul<RowsBF16>,
    .matmul_q8_0 = Matmul<RowsQ8>,
    .rms_norm = RmsNorm,
    .rope_neox = RopeNeox,
    .silu_mul = SiluMulAll,
    .add = Add,
    .f32_to_f16 = F32ToF16All,
    .f16_to_f32 = F16ToF32All,
    .attend_page_f16 = AttendPageF16,
    .rotate = Rotate,
    .rotate_back = RotateBack,
    .quantize_code = QuantizeCode,
    .quantize_query = QuantizeQuery,
    .attend_page_codes = AttendPageCodes,
};

}  // namespace niwaki
