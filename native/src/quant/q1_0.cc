#include "quant/q1_0.h"

#include <cmath>
#include <cstring>

#include "base/f16.h"

namespace niwaki {

namespace {

// Where byte v (elements 8v..8v+7) of row r lies in a panel's block.
inline int64_t SignByte(PanelLayout layout, int64_t r, int64_t v) {
  if (layout == PanelLayout::kWordRows) {
    return v / 4 * 128 + r * 4 + v % 4;
  }
  if (layout == PanelLayout::kPairRows) {
    return v / 2 * 64 + r * 2 + v % 2;
  }
  return v * kPanelRows + (r < 16 ? 2 * r : 2 * (r - 16) + 1);
}

}  // namespace

int64_t PanelBytes(int64_t rows, int64_t cols) {
  return (rows + kPanelRows - 1) / kPanelRows * (cols / kQ1BlockSize) * kPanelBlockBytes;
}

void PackPanels(PanelLayout layout, const uint8_t* file, int64_t rows, int64_t cols, int64_t row_begin, int64_t row_end,
                uint8_t* panels) {
  const int64_t blocks = cols / kQ1BlockSize;
  const int64_t row_bytes = blocks * kQ1_0BlockBytes;
  for (int64_t row0 = row_begin; row0 < row_end; row0 += kPanelRows) {
    uint8_t* panel = panels + row0 / kPanelRows * blocks * kPanelBlockBytes;
    const int64_t count = rows - row0 < kPanelRows ? rows - row0 : kPanelRows;
    for (int64_t b = 0; b < blocks; ++b) {
      uint8_t* out = panel + b * kPanelBlockBytes;
      if (count < kPanelRows) {
        std::memset(out, 0, kPanelBlockBytes);
      }
      for (int64_t r = 0; r < count; ++r) {
        const uint8_t* block = file + (row0 - row_begin + r) * row_bytes + b * kQ1_0BlockBytes;
        if (layout == PanelLayout::kWordRows) {
          for (int64_t j = 0; j < 4; ++j) {
            std::memcpy(out + SignByte(layout, r, 4 * j), block + 2 + 4 * j, 4);
          }
        } else if (layout == PanelLayout::kPairRows) {
          for (int64_t h = 0; h < 8; ++h) {
            std::memcpy(out + SignByte(layout, r, 2 * h), block + 2 + 2 * h, 2);
          }
        } else {
          uint8_t* column = out + SignByte(layout, r, 0);
          for (int64_t v = 0; v < 16; ++v) {
            column[v * kPanelRows] = block[2 + v];
          }
        }
        std::memcpy(out + 512 + 2 * r, block, 2);
      }
    }
  }
}

void DequantizeRowQ1_0(const uint8_t* file, int64_t cols, int64_t row, float* y) {
  const uint8_t* block = file + row * (cols / kQ1BlockSize) * kQ1_0BlockBytes;
  for (int64_t i = 0; i < cols; ++i) {
    const uint8_t* at = block + i / kQ1BlockSize * kQ1_0BlockBytes;
    const float d = F16ToF32(static_cast<uint16_t>(at[0] | (at[1] << 8)));
    const int64_t j = i % kQ1BlockSize;
    y[i] = ((at[2 + j / 8] >> (j % 8)) & 1) != 0 ? d : -d;
  }
}

void UnpackPanelRow(PanelLayout layout, const uint8_t* panels, int64_t cols, int64_t row, float* y) {
  const int64_t blocks = cols / kQ1BlockSize;
  const uint8_t* panel = panels + row / kPanelRows * blocks * kPanelBlockBytes;
  const int64_t r = row % kPanelRows;
  for (int64_t b = 0; b < blocks; ++b) {
    const uint8_t* w = panel + b * kPanelBlockBytes;
    const float d = F16ToF32(static_cast<uint16_t>(w[512 + 2 * r] | (w[513 + 2 * r] << 8)));
    for (int64_t i = 0; i < kQ1BlockSize; ++i) {
      y[b * kQ1BlockSize + i] = ((w[SignByte(layout, r, i / 8)] >> (i % 8)) & 1) != 0 ? d : -d;
    }
  }
}

void QuantizeRowQ1_0(const float* x, int64_t cols, uint8_t* out) {
  for (int64_t b = 0; b < cols / kQ1BlockSize; ++b, x += kQ1BlockSize, out += kQ1_0BlockBytes) {
    float sum = 0;
    std::memset(out, 0, kQ1_0BlockBytes);
    for (int64_t i = 0; i < kQ1BlockSize; ++i) {
      sum += std::fabs(x[i]);
      if (x[i] >= 0) {
        out[2 + i / 8] = static_cast<uint8_t>(out[2 + i / 8] | (1u << (i % 8)));
      }
    }
    const uint16_t d = F32ToF16(sum / static_cast<float>(kQ1BlockSize));
    out[0] = static_cast<uint8_t>(d & 0xff);
    out[1] = static_cast<uint8_t>(d >> 8);
  }
}

}  // namespace niwaki
