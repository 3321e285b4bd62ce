// Q1_0 as it lies in GGUF files (ggml type 41): blocks of 128 weights, 18 bytes.
#pragma once

#include <cstdint>

#include "kernels/kernel_table.h"

namespace niwaki {

inline constexpr int64_t kQ1_0BlockBytes = 18;

// One block, only 2-byte aligned in files: the fp16 scale d first, then 128 sign bits. Element j is bit (bits[j / 8] >>
// (j % 8)) & 1, least significant bit first; weight = bit ? +d : -d.
struct BlockQ1_0 {
  uint8_t d[2];  // little-endian fp16
  uint8_t bits[16];
};
static_assert(sizeof(BlockQ1_0) == kQ1_0BlockBytes);

// Repacks rows [row_begin, row_end) (row_begin a multiple of 32) of a matrix [rows, cols] from the file's layout into
// panels of a table's layout (kernels/kernel_table.h). `file` points at row row_begin, which is all that need be there
// of the file, `panels` at the first panel of the whole matrix. Rows past `rows` become zeros.
void PackPanels(PanelLayout layout, const uint8_t* file, int64_t rows, int64_t cols, int64_t row_begin, int64_t row_end,
                uint8_t* panels);
// Bytes of a packed matrix.
int64_t PanelBytes(int64_t rows, int64_t cols);
// Dequantises row `row` of the file's layout. For embedding look-ups and references. y [cols].
void DequantizeRowQ1_0(const uint8_t* file, int64_t cols, int64_t row, float* y);
// The same from a packed matrix.
void UnpackPanelRow(PanelLayout layout, const uint8_t* panels, int64_t cols, int64_t row, float* y);
// Quantises `cols` floats as ggml's reference does: d = mean(|x|), bit = x >= 0. For writers and tests.
void QuantizeRowQ1_0(const float* x, int64_t cols, uint8_t* out);

}  // namespace niwaki
