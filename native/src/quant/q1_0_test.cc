// Q1_0 blocks: the file's layout, repacking into panels, and back.
#include "quant/q1_0.h"

#include "base/aligned.h"
#include "base/f16.h"
#include "base/random_testing.h"
#include "base/testing.h"
#include "kernels/kernel_table.h"

namespace niwaki {
namespace {

using testing::Floats;
using testing::Random;

std::vector<uint8_t> RandomFile(Random& random, int64_t rows, int64_t cols) {
  std::vector<uint8_t> file(static_cast<size_t>(rows * cols / 128 * 18));
  for (size_t i = 0; i < file.size(); ++i) {
    file[i] = static_cast<uint8_t>(random.Next() >> 30);
    if (i % 18 == 1) {
      file[i] &= 0xbf;  // keeps the scale finite
    }
  }
  return file;
}

TEST("a block is read as the format says: fp16 scale first, least significant bit first") {
  uint8_t block[18] = {0x00, 0x3e};  // 1.5
  block[2] = 0x05;                   // elements 0 and 2
  block[17] = 0x80;                  // element 127
  float y[128];
  DequantizeRowQ1_0(block, 128, 0, y);
  for (int i = 0; i < 128; ++i) {
    EXPECT_EQ(y[i], i == 0 || i == 2 || i == 127 ? 1.5f : -1.5f);
  }
}

TEST("quantising is the mean of magnitudes and the signs, zero counts as positive") {
  Random random(1);
  const std::vector<float> x = Floats(256, [&] { return random.Gauss() * 0.1f; });
  std::vector<float> changed = x;
  changed[3] = 0;
  uint8_t blocks[36];
  QuantizeRowQ1_0(changed.data(), 256, blocks);
  float y[256];
  DequantizeRowQ1_0(blocks, 256, 0, y);
  for (int b = 0; b < 2; ++b) {
    double sum = 0;
    for (int i = 0; i < 128; ++i) {
      sum += std::fabs(changed[static_cast<size_t>(b * 128 + i)]);
    }
    EXPECT_NEAR(std::fabs(y[b * 128]), sum / 128, sum / 128 / 1024);
  }
  for (size_t i = 0; i < 256; ++i) {
    EXPECT_EQ(y[i] > 0, changed[i] >= 0);
  }
  uint8_t again[36];  // already of one magnitude a block: nothing changes
  QuantizeRowQ1_0(y, 256, again);
  EXPECT(std::memcmp(blocks, again, 36) == 0);
}

TEST("panels take 1.125 bits a weight, rows rounded up to 32") {
  EXPECT_EQ(PanelBytes(32, 128), kPanelBlockBytes);
  EXPECT_EQ(PanelBytes(1, 128), kPanelBlockBytes);
  EXPECT_EQ(PanelBytes(33, 256), 4 * kPanelBlockBytes);
  EXPECT_EQ(PanelBytes(1024, 4096) * 8, int64_t{1024} * 4096 * 9 / 8);
}

TEST("panels unpack to the file's rows, whole or packed in parts; rows past the end are zero") {
  Random random(2);
  for (const int64_t rows : {1, 16, 17, 31, 32, 33, 64, 100}) {
    for (const PanelLayout layout : {PanelLayout::kByteColumns, PanelLayout::kWordRows, PanelLayout::kPairRows}) {
      const int64_t cols = 128 * (1 + rows % 3);
      const std::vector<uint8_t> file = RandomFile(random, rows, cols);
      const size_t bytes = static_cast<size_t>(PanelBytes(rows, cols));
      std::vector<uint8_t> whole(bytes, 0xee);
      PackPanels(layout, file.data(), rows, cols, 0, rows, whole.data());
      std::vector<uint8_t> parts(bytes, 0xee);
      for (int64_t begin = 0; begin < rows; begin += kPanelRows) {
        PackPanels(layout, file.data() + begin * cols / 128 * 18, rows, cols, begin, std::min(rows, begin + kPanelRows),
                   parts.data());
      }
      EXPECT(whole == parts);
      std::vector<float> want(static_cast<size_t>(cols));
      std::vector<float> got(want.size());
      for (int64_t row = 0; row < rows; ++row) {
        DequantizeRowQ1_0(file.data(), cols, row, want.data());
        UnpackPanelRow(layout, whole.data(), cols, row, got.data());
        EXPECT(testing::SameValues(got, want));
      }
      for (int64_t row = rows; row % kPanelRows != 0; ++row) {
        UnpackPanelRow(layout, whole.data(), cols, row, got.data());
        EXPECT_EQ(testing::RelativeError(got, std::vector<float>(got.size(), 0.0f)), 0.0);
      }
    }
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
