// The products of the table "amx" with emulated tiles. Only tests use it, on machines with AVX-512 VBMI and VNNI.
#pragma once

#include <cstdint>

namespace niwaki::testing {

inline constexpr int64_t kEmulatedTilesFrom = 32;  // tokens
int64_t EmulatedActBytes(int64_t cols);
// As KernelTable::quantize_act and matmul_q1_0, for at least kEmulatedTilesFrom tokens.
void EmulatedQuantize(const float* x, int64_t cols, int64_t tokens, void* act);
void EmulatedMatmul(const uint8_t* panels, int64_t blocks, int64_t panel_begin, int64_t panel_end, const void* acts,
                    int64_t tokens, float* y, int64_t y_stride);
// 16 h + l of activation `i` of one quantised block.
int32_t EmulatedActivation(const void* act, int64_t i);

}  // namespace niwaki::testing
