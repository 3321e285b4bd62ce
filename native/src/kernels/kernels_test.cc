// Q1_0 products of every table: against the integer definition (act_q8.h), the float oracle, and each other.
#include <algorithm>
#include <limits>

#include "kernels/act_q8.h"
#include "kernels/kernels_testing.h"

namespace niwaki {
namespace {

using testing::FastTables;
using testing::Floats;
using testing::MakeQ1;
using testing::MultiplyQ1;
using testing::Q1Matrix;
using testing::Random;
using testing::RandomQ1;
using testing::RelativeError;
using testing::SameValues;

bool SignAt(const Q1Matrix& w, int64_t row, int64_t i) {
  const uint8_t* block = w.file.data() + (row * w.blocks() + i / kQ1BlockSize) * kQ1_0BlockBytes;
  return ((block[2 + i % kQ1BlockSize / 8] >> (i % 8)) & 1) != 0;
}
float ScaleAt(const Q1Matrix& w, int64_t row, int64_t block) {
  const uint8_t* at = w.file.data() + (row * w.blocks() + block) * kQ1_0BlockBytes;
  return F16ToF32(static_cast<uint16_t>(at[0] | (at[1] << 8)));
}

// One token by the words of act_q8.h, from the file's layout: nothing in common with the kernels but the definition.
std::vector<float> ByDefinition(const Q1Matrix& w, const float* x) {
  std::vector<float> y(static_cast<size_t>(w.rows), 0.0f);
  for (int64_t b = 0; b < w.blocks(); ++b) {
    const float* xb = x + b * 128;
    float need[4] = {0, 0, 0, 0};
    for (int g = 0; g < 32; ++g) {
      const float* v = xb + g * 4;
      const float magnitude = (std::fabs(v[0]) + std::fabs(v[1])) + (std::fabs(v[2]) + std::fabs(v[3]));
      need[g / 8] = std::max(need[g / 8], magnitude / 253.0f);
    }
    const float scale = *std::max_element(need, need + 4) / 8.0f;
    int32_t m[4];
    int32_t q[128];
    for (int j = 0; j < 4; ++j) {
      m[j] = 1;
      while (m[j] < 8 && static_cast<float>(m[j]) * scale < need[j]) {
        ++m[j];
      }
      const float inverse = scale > 0 ? 1.0f / (scale * static_cast<float>(m[j])) : 0.0f;
      for (int i = j * 32; i < (j + 1) * 32; ++i) {
        const float v = xb[i] * inverse;
        q[i] = std::fabs(v) <= 255.0f ? static_cast<int32_t>(std::lrint(v)) : 0;
      }
    }
    for (int g = 0; g < 32; ++g) {  // what the byte tables rely on
      EXPECT(std::abs(q[4 * g]) + std::abs(q[4 * g + 1]) + std::abs(q[4 * g + 2]) + std::abs(q[4 * g + 3]) <= 255);
    }
    for (int64_t r = 0; r < w.rows; ++r) {
      int32_t total = 0;
      for (int i = 0; i < 128; ++i) {
        total += m[i / 32] * (SignAt(w, r, b * 128 + i) ? q[i] : -q[i]);
      }
      const size_t at = static_cast<size_t>(r);
      y[at] = y[at] + static_cast<float>(total) * (ScaleAt(w, r, b) * scale);
    }
  }
  return y;
}

// All fast tables against the definition, every token; padding rows must be zeros.
void CheckExact(const Q1Matrix& w, const std::vector<float>& x, const char* what) {
  const int64_t tokens = static_cast<int64_t>(x.size()) / w.cols;
  for (const KernelTable* table : FastTables()) {
    const std::vector<float> y = MultiplyQ1(*table, w, x);
    for (int64_t t = 0; t < tokens; ++t) {
      const auto begin = y.begin() + t * w.padded_rows();
      if (!SameValues({begin, begin + w.rows}, ByDefinition(w, x.data() + t * w.cols))) {
        testing::Fail(__FILE__, __LINE__,
                      std::string(table->name) + " differs from the definition: " + what + ", " +
                          std::to_string(w.rows) + " x " + std::to_string(w.cols) + ", token " + std::to_string(t));
      }
      EXPECT(std::all_of(begin + w.rows, begin + w.padded_rows(), [](float v) { return v == 0; }));
    }
  }
}

TEST("Q1_0 products equal the integer definition bit for bit, all shapes and batches") {
  Random random(1);
  const int64_t rows[] = {1, 31, 32, 33, 70, 128};
  const int64_t cols[] = {128, 256, 384, 1024, 4096};
  int64_t tokens = 1;
  for (const int64_t r : rows) {
    for (const int64_t c : cols) {
      CheckExact(RandomQ1(random, r, c), Floats(tokens * c, [&] { return random.Gauss(); }), "Gaussian");
      tokens = tokens % 4 + 1;
    }
  }
}

TEST("Q1_0 products equal the integer definition on adversarial activations") {
  Random random(2);
  const Q1Matrix w = RandomQ1(random, 64, 512);
  const auto check = [&](const char* what, auto draw) { CheckExact(w, Floats(6 * 512, draw), what); };
  check("zeros", [] { return 0.0f; });
  check("negative zeros", [] { return -0.0f; });
  check("mostly zeros", [&] { return random.Below(40) == 0 ? random.Gauss() : 0.0f; });
  check("all equal", [] { return 1.0f; });
  check("all negative", [&] { return -std::fabs(random.Gauss()); });
  check("alternating", [n = 0]() mutable { return (n++ & 1) != 0 ? 1.0f : -1.0f; });
  check("huge outliers", [&] { return random.Gauss() * (random.Below(200) == 0 ? 1e6f : 1.0f); });
  check("one outlier in all", [n = 0]() mutable { return n++ == 77 ? 1e30f : 1e-3f; });
  check("every size", [&] { return std::ldexp(random.Uniform(), static_cast<int>(random.Below(60)) - 30); });
  check("denormals", [&] { return random.Gauss() * 1e-40f; });
  check("small, scale is a denormal", [&] { return random.Gauss() * 1e-36f; });
  check("near the largest float", [&] { return random.Uniform() * 8e37f; });
  check("infinite sums", [&] { return random.Uniform() * 3e38f; });
  check("an infinity", [n = 0]() mutable { return n++ == 5 ? std::numeric_limits<float>::infinity() : 1.0f; });
  // Values that round up by a half at the full span: the byte tables must not overflow.
  for (int round = 0; round < 40; ++round) {
    check("rounding at the full span", [&] {
      const float whole = static_cast<float>(random.Below(64)) + 0.5f;
      return (random.Below(2) == 0 ? whole : -whole) * 0.37f;
    });
  }
}

TEST("Q1_0 products equal the integer definition with extreme scales and signs") {
  Random random(3);
  const uint16_t scales[] = {0x0000, 0x8000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x3c00, 0xbc00, 0x8001, 0x1234};
  const std::vector<float> x = Floats(3 * 256, [&] { return random.Gauss(); });
  for (const int signs : {0x00, 0xff, 0xaa, -1}) {
    const Q1Matrix w = MakeQ1(
        45, 256, [&](int64_t r, int64_t b) { return scales[(r + 3 * b) % 10]; },
        [&] { return static_cast<uint8_t>(signs >= 0 ? static_cast<uint64_t>(signs) : random.Next() >> 33); });
    CheckExact(w, x, "extreme scales");
    for (const KernelTable* table : FastTables()) {
      EXPECT(RelativeError(MultiplyQ1(*table, w, x), MultiplyQ1(kOracleKernels, w, x)) < 0.05);
    }
  }
}

TEST("the oracle is the plain sum over dequantised weights") {
  Random random(4);
  const Q1Matrix w = RandomQ1(random, 37, 640);
  const std::vector<float> x = Floats(640, [&] { return random.Gauss(); });
  const std::vector<float> y = MultiplyQ1(kOracleKernels, w, x);
  std::vector<float> row(640);
  for (int64_t r = 0; r < w.rows; ++r) {
    DequantizeRowQ1_0(w.file.data(), w.cols, r, row.data());
    double sum = 0;
    double size = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      sum += static_cast<double>(row[i]) * x[i];
      size += std::fabs(static_cast<double>(row[i]) * x[i]);
    }
    EXPECT_NEAR(y[static_cast<size_t>(r)], sum, size * 1e-7);
  }
}

TEST("a batch gives the bits that its tokens give one by one") {
  Random random(5);
  const Q1Matrix w = RandomQ1(random, 70, 384);
  for (const KernelTable* table : testing::AllTables()) {
    std::vector<int64_t> counts = {31, 32, 33, 63, 64, 70};
    for (int64_t tokens = 1; tokens <= 17; ++tokens) {
      counts.push_back(tokens);
    }
    for (const int64_t tokens : counts) {
      const std::vector<float> x = Floats(tokens * 384, [&] { return random.Laplace(); });
      const std::vector<float> all = MultiplyQ1(*table, w, x);
      std::vector<float> singly;
      for (int64_t t = 0; t < tokens; ++t) {
        const auto at = x.begin() + t * 384;
        const std::vector<float> one = MultiplyQ1(*table, w, {at, at + 384});
        singly.insert(singly.end(), one.begin(), one.end());
      }
      EXPECT(SameValues(all, singly));
    }
  }
}

TEST("ranges of panels give the bits of the whole and write nothing else") {
  Random random(6);
  const Q1Matrix w = RandomQ1(random, 150, 256);  // five panels, the last one partly filled
  const std::vector<float> x = Floats(3 * 256, [&] { return random.Gauss(); });
  for (const KernelTable* table : testing::AllTables()) {
    const std::vector<float> whole = MultiplyQ1(*table, w, x);
    const int64_t bytes = table->act_bytes(256);
    EXPECT(bytes % 64 == 0);
    const AlignedBuffer acts(static_cast<size_t>(3 * bytes));
    for (int64_t t = 0; t < 3; ++t) {
      table->quantize_act(x.data() + t * 256, 256, 3, acts.data() + t * bytes);
    }
    const int64_t stride = w.padded_rows() + 24;
    for (int64_t begin = 0; begin <= 5; ++begin) {
      for (int64_t end = begin; end <= 5; ++end) {
        std::vector<float> y(static_cast<size_t>(3 * stride), -777.0f);
        table->matmul_q1_0(w.panels(*table), w.blocks(), begin, end, acts.data(), 3, y.data(), stride);
        bool same = true;
        for (int64_t i = 0; i < 3 * stride; ++i) {
          const int64_t row = i % stride;
          const bool inside = row >= begin * kPanelRows && row < end * kPanelRows;
          const float want = inside ? whole[static_cast<size_t>(i / stride * w.padded_rows() + row)] : -777.0f;
          same = same && y[static_cast<size_t>(i)] == want;
        }
        EXPECT(same);
      }
    }
  }
}

// Activations as llama.cpp's Q8_0 quantises them: one scale for 32 values, 8 bits.
std::vector<float> Q8(const std::vector<float>& x) {
  std::vector<float> out(x.size());
  for (size_t b = 0; b < x.size(); b += 32) {
    float top = 0;
    for (size_t i = b; i < b + 32; ++i) {
      top = std::max(top, std::fabs(x[i]));
    }
    const float scale = F16ToF32(F32ToF16(top / 127.0f));
    for (size_t i = b; i < b + 32; ++i) {
      out[i] = top > 0 ? std::round(x[i] * (127.0f / top)) * scale : 0.0f;
    }
  }
  return out;
}

TEST("error of the activations' quantisation, next to one of 8 bits for 32 values") {
  Random random(7);
  const int64_t cols = 2048;
  const Q1Matrix w = RandomQ1(random, 96, cols);
  const auto measure = [&](const char* what, double most, auto draw) {
    const std::vector<float> x = Floats(8 * cols, draw);
    const std::vector<float> want = MultiplyQ1(kOracleKernels, w, x);
    const double theirs = RelativeError(MultiplyQ1(kOracleKernels, w, Q8(x)), want);
    for (const KernelTable* table : FastTables()) {
      const double ours = RelativeError(MultiplyQ1(*table, w, x), want);
      std::printf("    %s, %s: relative error %.5f (8 bits for 32 values: %.5f)\n", table->name, what, ours, theirs);
      EXPECT(ours <= most);
      EXPECT(ours > 0 && theirs > 0);
    }
  };
  measure("Gaussian", 0.008, [&] { return random.Gauss(); });
  measure("Laplace", 0.008, [&] { return random.Laplace(); });
  measure("Gaussian, every 256th 20 times larger", 0.009,
          [&, n = 0]() mutable { return random.Gauss() * (n++ % 256 == 40 ? 20.0f : 1.0f); });
}

TEST("not-a-number among the activations does no harm elsewhere") {
  Random random(8);
  const Q1Matrix w = RandomQ1(random, 32, 256);
  std::vector<float> x = Floats(2 * 256, [&] { return random.Gauss(); });
  const std::vector<float> clean(x.begin() + 256, x.end());
  x[9] = std::numeric_limits<float>::quiet_NaN();
  for (const KernelTable* table : testing::AllTables()) {
    const std::vector<float> y = MultiplyQ1(*table, w, x);
    EXPECT(SameValues({y.begin() + 32, y.end()}, MultiplyQ1(*table, w, clean)));
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
