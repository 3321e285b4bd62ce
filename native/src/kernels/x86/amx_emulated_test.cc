// The AMX products on machines without AMX: the same source with tiles that are emulated one multiplication at a time.
// Against "generic", bit for bit. (Where there is AMX, the tests of all tables run the real thing.)
#include "base/cpu_features.h"
#include "kernels/kernels_testing.h"
#include "kernels/x86/amx_emulated_testing.h"

namespace niwaki {
namespace {

using testing::Floats;
using testing::Q1Matrix;
using testing::Random;
using testing::SameValues;

std::vector<float> MultiplyInTiles(const Q1Matrix& w, const std::vector<float>& x) {
  const int64_t tokens = static_cast<int64_t>(x.size()) / w.cols;
  const int64_t bytes = testing::EmulatedActBytes(w.cols);
  const AlignedBuffer acts(static_cast<size_t>(bytes * tokens));
  for (int64_t t = 0; t < tokens; ++t) {
    testing::EmulatedQuantize(x.data() + t * w.cols, w.cols, tokens, acts.data() + t * bytes);
  }
  std::vector<float> y(static_cast<size_t>(tokens * w.padded_rows()), -777.0f);
  testing::EmulatedMatmul(w.panels(PanelLayout::kWordRows), w.blocks(), 0, w.panel_count(), acts.data(), tokens,
                          y.data(), w.padded_rows());
  return y;
}

TEST("products in tiles have the bits of the integer transcription") {
  if (!DetectCpu().avx512vnni) {
    std::printf("    skipped: this processor has no AVX-512 VBMI and VNNI\n");
    return;
  }
  Random random(1);
  for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{32, 128}, {70, 384}, {128, 1024}}) {
    const Q1Matrix w = testing::RandomQ1(random, rows, cols);
    for (const int64_t tokens : {32, 33, 47, 63, 64, 65, 100, 256, 257, 290}) {
      if (tokens > 65 && rows > 70) {
        continue;
      }
      for (const int kind : {0, 1, 2}) {
        const std::vector<float> x = Floats(tokens * cols, [&] {
          const float v = random.Gauss();
          // Gaussian; a few very large ones, so that multipliers differ; groups of which one value is nearly the sum,
          // which is what makes the largest integers.
          return kind == 0   ? v
                 : kind == 1 ? v * (random.Unit() < 0.02 ? 100.0f : 1.0f)
                             : (random.Unit() < 0.25 ? v * 1000.0f : v * 0.001f);
        });
        EXPECT(SameValues(MultiplyInTiles(w, x), testing::MultiplyQ1(kGenericKernels, w, x)));
      }
    }
  }
}

TEST("digits: every activation is 16 h + l, also the largest") {
  if (!DetectCpu().avx512vnni) {
    return;
  }
  for (const float sign : {1.0f, -1.0f}) {
    std::vector<float> x(128, 0.0f);
    x[5] = sign * 253;  // alone in its group, in the sub-block that sets the scale
    x[40] = sign * 1.0f;
    const AlignedBuffer block(static_cast<size_t>(testing::EmulatedActBytes(128)));
    testing::EmulatedQuantize(x.data(), 128, testing::kEmulatedTilesFrom, block.data());
    EXPECT_EQ(testing::EmulatedActivation(block.data(), 5), static_cast<int32_t>(sign * 2024));
    EXPECT_EQ(testing::EmulatedActivation(block.data(), 40), static_cast<int32_t>(sign * 8));
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
