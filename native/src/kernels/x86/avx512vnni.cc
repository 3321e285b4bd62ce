// The AVX-512 table: the same integers as "avx2" and "generic", with two instructions for 64 look-ups of 4 weights
// (q1_avx512.inl). Needs VBMI for vpermb, so Ice Lake or Zen 4 and later. Compiled with AVX-512 in this file alone;
// nothing here may instantiate anything with vague linkage, or the linker could hand such code to machines without it.
#include <immintrin.h>

#include <cstring>

#include "kernels/act_q8.h"
#include "kernels/kernel_table.h"

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

}  // namespace

const KernelTable kAvx512VnniKernels = {
    .name = "avx512vnni",
    .layout = PanelLayout::kWordRows,
    .act_block_bytes = sizeof(ActBlock),
    .act_bytes = ActBytes,
    .quantize_act = QuantizeAct,
    .matmul_q1_0 = MatmulQ1,
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
