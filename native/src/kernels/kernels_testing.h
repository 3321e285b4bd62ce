// What the kernels' tests share. Only *_test.cc files include it.
#pragma once

#include <vector>

#include "base/aligned.h"
#include "base/f16.h"
#include "base/random_testing.h"
#include "base/testing.h"
#include "kernels/dispatch.h"
#include "quant/q1_0.h"

namespace niwaki::testing {

// Every table that this machine can run; the environment variable NIWAKI_CPU may leave some out.
inline std::vector<const KernelTable*> AllTables() {
  std::vector<const KernelTable*> tables;
  for (const KernelTableInfo& info : KernelTables()) {
    if (info.supported && info.allowed) {
      tables.push_back(FindKernelTable(info.name).value());
    }
  }
  return tables;
}
// Those with quantised activations: all but the oracle.
inline std::vector<const KernelTable*> FastTables() {
  std::vector<const KernelTable*> tables;
  for (const KernelTable* table : AllTables()) {
    if (table != &kOracleKernels) {
      tables.push_back(table);
    }
  }
  return tables;
}

// A Q1_0 matrix as in a file and packed, in every layout.
struct Q1Matrix {
  int64_t rows;
  int64_t cols;
  std::vector<uint8_t> file;
  AlignedBuffer packed[3];  // by PanelLayout
  const uint8_t* panels(PanelLayout layout) const { return packed[static_cast<size_t>(layout)].data(); }
  const uint8_t* panels(const KernelTable& table) const { return panels(table.layout); }
  int64_t blocks() const { return cols / kQ1BlockSize; }
  int64_t panel_count() const { return (rows + kPanelRows - 1) / kPanelRows; }
  int64_t padded_rows() const { return panel_count() * kPanelRows; }
};
// `scale` gives the fp16 bits of block b of row r, `bits` a byte of signs.
template <typename Scale, typename Bits>
Q1Matrix MakeQ1(int64_t rows, int64_t cols, Scale scale, Bits bits) {
  Q1Matrix m{rows, cols, std::vector<uint8_t>(static_cast<size_t>(rows * cols / kQ1BlockSize * kQ1_0BlockBytes)), {}};
  uint8_t* out = m.file.data();
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t b = 0; b < m.blocks(); ++b, out += kQ1_0BlockBytes) {
      const uint16_t d = scale(r, b);
      out[0] = static_cast<uint8_t>(d & 0xff);
      out[1] = static_cast<uint8_t>(d >> 8);
      for (int i = 2; i < kQ1_0BlockBytes; ++i) {
        out[i] = bits();
      }
    }
  }
  for (const PanelLayout layout : {PanelLayout::kByteColumns, PanelLayout::kWordRows, PanelLayout::kPairRows}) {
    AlignedBuffer& panels = m.packed[static_cast<size_t>(layout)];
    panels = AlignedBuffer(static_cast<size_t>(PanelBytes(rows, cols)));
    PackPanels(layout, m.file.data(), rows, cols, 0, rows, panels.data());
  }
  return m;
}
inline Q1Matrix RandomQ1(Random& random, int64_t rows, int64_t cols) {
  return MakeQ1(
      rows, cols, [&](int64_t, int64_t) { return F32ToF16(static_cast<float>(0.005 + 0.03 * random.Unit())); },
      [&] { return static_cast<uint8_t>(random.Next() >> 40); });
}

// y [tokens, padded_rows] = W x in one call. x [tokens, cols].
inline std::vector<float> MultiplyQ1(const KernelTable& table, const Q1Matrix& w, const std::vector<float>& x) {
  const int64_t tokens = static_cast<int64_t>(x.size()) / w.cols;
  const int64_t bytes = table.act_bytes(w.cols);
  const AlignedBuffer acts(static_cast<size_t>(bytes * tokens));
  for (int64_t t = 0; t < tokens; ++t) {
    table.quantize_act(x.data() + t * w.cols, w.cols, tokens, acts.data() + t * bytes);
  }
  std::vector<float> y(static_cast<size_t>(tokens * w.padded_rows()), -777.0f);
  table.matmul_q1_0(w.panels(table), w.blocks(), 0, w.panel_count(), acts.data(), tokens, y.data(), w.padded_rows());
  return y;
}

}  // namespace niwaki::testing
