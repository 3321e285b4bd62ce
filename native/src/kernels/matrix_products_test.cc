// Products with matrices in F32, F16, BF16 and Q8_0, in every table: against double precision; all but the oracle
// against each other, and against the F32 product of the widened weights, bit for bit.
#include <algorithm>
#include <limits>

#include "kernels/kernels_testing.h"
#include "quant/bf16.h"
#include "quant/q8_0.h"

namespace niwaki {
namespace {

using testing::AllTables;
using testing::Floats;
using testing::Random;
using testing::SameValues;
using Vec = std::vector<float>;

enum class Type { kF32, kF16, kBF16, kQ8_0 };
constexpr Type kTypes[] = {Type::kF32, Type::kF16, Type::kBF16, Type::kQ8_0};
const char* Name(Type type) {
  const char* const names[] = {"F32", "F16", "BF16", "Q8_0"};
  return names[static_cast<int>(type)];
}

struct Matrix {
  Type type;
  int64_t rows;
  int64_t cols;
  std::vector<uint16_t> halves;
  std::vector<uint8_t> blocks;
  Vec floats;  // what the type can hold of the values
};
Matrix Store(Type type, int64_t rows, int64_t cols, Vec values) {
  Matrix m{type, rows, cols, {}, {}, std::move(values)};
  if (type == Type::kQ8_0) {
    m.blocks.resize(m.floats.size() / kQ8_0BlockSize * kQ8_0BlockBytes);
    QuantizeRowQ8_0(m.floats.data(), rows * cols, m.blocks.data());
    DequantizeRowQ8_0(m.blocks.data(), rows * cols, 0, m.floats.data());
  } else if (type != Type::kF32) {
    for (float& value : m.floats) {
      m.halves.push_back(type == Type::kF16 ? F32ToF16(value) : F32ToBF16(value));
      value = type == Type::kF16 ? F16ToF32(m.halves.back()) : BF16ToF32(m.halves.back());
    }
  }
  return m;
}

struct Rows {
  int64_t begin;
  int64_t end;
};
void Multiply(const KernelTable& t, const Matrix& w, Rows rows, const float* x, int64_t x_stride, int64_t tokens,
              float* y, int64_t y_stride) {
  switch (w.type) {
    case Type::kF32:
      return t.matmul_f32(w.floats.data(), w.cols, rows.begin, rows.end, x, x_stride, tokens, y, y_stride);
    case Type::kF16:
      return t.matmul_f16(w.halves.data(), w.cols, rows.begin, rows.end, x, x_stride, tokens, y, y_stride);
    case Type::kBF16:
      return t.matmul_bf16(w.halves.data(), w.cols, rows.begin, rows.end, x, x_stride, tokens, y, y_stride);
    case Type::kQ8_0:
      return t.matmul_q8_0(w.blocks.data(), w.cols, rows.begin, rows.end, x, x_stride, tokens, y, y_stride);
  }
}

// All tables near double precision, judged by the size of a sum's terms (they may cancel); all but the oracle with the
// bits of the generic table's F32 product. What is infinite or no number in one must be so in all.
void Check(const Matrix& w, const Vec& x, int64_t x_stride, int64_t tokens, double tolerance) {
  const Matrix widened = Store(Type::kF32, w.rows, w.cols, w.floats);
  Vec want(static_cast<size_t>(tokens * w.rows));
  Multiply(kGenericKernels, widened, {0, w.rows}, x.data(), x_stride, tokens, want.data(), w.rows);
  for (const KernelTable* table : AllTables()) {
    Vec y(want.size(), -777.0f);
    Multiply(*table, w, {0, w.rows}, x.data(), x_stride, tokens, y.data(), w.rows);
    const std::string what = std::string(table->name) + ", " + Name(w.type) + ", " + std::to_string(w.rows) + " x " +
                             std::to_string(w.cols) + ", " + std::to_string(tokens) + " tokens: ";
    if (table != &kOracleKernels && !SameValues(y, want)) {
      testing::Fail(__FILE__, __LINE__, what + "not the bits of the F32 product");
    }
    for (int64_t i = 0; i < tokens * w.rows; ++i) {
      const int64_t t = i / w.rows;
      const int64_t r = i % w.rows;
      double sum = 0;
      double size = 0;
      for (int64_t c = 0; c < w.cols; ++c) {
        const double term = static_cast<double>(w.floats[static_cast<size_t>(r * w.cols + c)]) *
                            x[static_cast<size_t>(t * x_stride + c)];
        sum += term;
        size += std::fabs(term);
      }
      const double got = static_cast<double>(y[static_cast<size_t>(i)]);
      if (size < 1e37 && !(std::fabs(got - sum) <= tolerance * size + 1e-43 * static_cast<double>(w.cols))) {
        testing::Fail(
            __FILE__, __LINE__,
            what + "row " + std::to_string(r) + " is " + std::to_string(got) + ", not " + std::to_string(sum));
        return;
      }
    }
  }
}

TEST("random matrices of many shapes, one token to many") {
  Random random(5);
  for (const Type type : kTypes) {
    for (const int64_t cols : {1, 7, 8, 29, 32, 64, 96, 200, 1024}) {
      if (type == Type::kQ8_0 && cols % kQ8_0BlockSize != 0) {
        continue;
      }
      for (const int64_t rows : {1, 2, 3, 4, 5, 13}) {
        const Matrix w = Store(type, rows, cols, Floats(rows * cols, [&] { return random.Gauss(); }));
        for (const int64_t tokens : {1, 2, 3, 4, 5, 7, 8, 67}) {
          const int64_t stride = cols + (tokens % 2 == 0 ? 3 : 0);
          Check(w, Floats(tokens * stride, [&] { return random.Gauss(); }), stride, tokens, 4e-7);
        }
      }
    }
  }
}

TEST("batches, ranges of rows and strides give the bits of the whole and write nothing else") {
  Random random(6);
  const int64_t rows = 13;
  const int64_t cols = 96;
  const int64_t tokens = 9;
  const int64_t x_stride = cols + 5;
  const int64_t y_stride = rows + 2;
  const Vec x = Floats(tokens * x_stride, [&] { return random.Laplace(); });
  for (const Type type : kTypes) {
    const Matrix w = Store(type, rows, cols, Floats(rows * cols, [&] { return random.Gauss(); }));
    for (const KernelTable* table : AllTables()) {
      Vec whole(static_cast<size_t>(tokens * rows));
      Multiply(*table, w, {0, rows}, x.data(), x_stride, tokens, whole.data(), rows);
      for (const int64_t batch : {1, 2, 3, 4, 5, 8, 9}) {
        for (int64_t cut = 0; cut <= rows; ++cut) {
          Vec parts(static_cast<size_t>(tokens * y_stride), -777.0f);
          for (int64_t t = 0; t < tokens; t += batch) {
            const int64_t n = std::min(batch, tokens - t);
            for (const Rows& part : {Rows{0, cut}, Rows{cut, rows}}) {
              Multiply(*table, w, part, x.data() + t * x_stride, x_stride, n, parts.data() + t * y_stride, y_stride);
            }
          }
          bool same = true;
          for (int64_t i = 0; i < tokens * y_stride; ++i) {
            const bool inside = i % y_stride < rows;
            const float want = inside ? whole[static_cast<size_t>(i / y_stride * rows + i % y_stride)] : -777.0f;
            same = same && parts[static_cast<size_t>(i)] == want;
          }
          EXPECT(same);
        }
      }
    }
  }
}

// Blocks of given scales (fp16 bits) and bytes, taken in turn.
Matrix Q8FromBlocks(int64_t rows, int64_t cols, const std::vector<uint16_t>& scales, const std::vector<int>& bytes) {
  Matrix m{Type::kQ8_0, rows, cols, {}, {}, Vec(static_cast<size_t>(rows * cols))};
  for (int64_t b = 0; b < rows * cols / kQ8_0BlockSize; ++b) {
    const uint16_t d = scales[static_cast<size_t>(b) % scales.size()];
    m.blocks.push_back(static_cast<uint8_t>(d & 0xff));
    m.blocks.push_back(static_cast<uint8_t>(d >> 8));
    for (int64_t i = 0; i < kQ8_0BlockSize; ++i) {
      m.blocks.push_back(static_cast<uint8_t>(bytes[static_cast<size_t>(b * 7 + i) % bytes.size()]));
    }
  }
  DequantizeRowQ8_0(m.blocks.data(), rows * cols, 0, m.floats.data());
  return m;
}

TEST("extreme weights and activations") {
  Random random(7);
  // Zero, the smallest and largest denormals, the smallest normal, 1, the largest, and negative ones.
  const std::vector<uint16_t> halves = {0x0000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0x7bff, 0x8000, 0x8001, 0xbc00, 0xfbff};
  const std::vector<std::vector<int>> bytes = {
      {-128}, {127}, {-128, 127}, {0}, {1, 0, 0, 0, 0, -1}, {-128, 5, 127, 0, 77}};
  const std::vector<Vec> inputs = {
      {0.0f, -0.0f}, {1e-30f, -1e-38f, 1e-42f}, {1e30f, -1e30f, 1.0f}, {1.0f}, {3e38f, -3e38f}};
  for (const Vec& pattern : inputs) {
    Vec x(5 * 160);
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = pattern[(i * 5 + i / 160) % pattern.size()];
    }
    for (const std::vector<int>& b : bytes) {
      Check(Q8FromBlocks(7, 160, halves, b), x, 160, 5, 4e-7);
      Check(Q8FromBlocks(1, 160, halves, b), x, 160, 1, 4e-7);
    }
    Matrix w{Type::kF16, 7, 160, {}, {}, {}};
    Matrix brain{Type::kBF16, 7, 160, {}, {}, {}};
    // The same corners as bfloat16: denormals, the largest.
    const std::vector<uint16_t> brains = {0x0000, 0x0001, 0x007f, 0x0080, 0x3f80,
                                          0x7f7f, 0x8000, 0x8001, 0xbf80, 0xff7f};
    for (size_t i = 0; i < 7 * 160; ++i) {
      w.halves.push_back(halves[(i + i / 160) % halves.size()]);
      w.floats.push_back(F16ToF32(w.halves.back()));
      brain.halves.push_back(brains[(i + i / 160) % brains.size()]);
      brain.floats.push_back(BF16ToF32(brain.halves.back()));
    }
    Check(w, x, 160, 5, 4e-7);
    Check(brain, x, 160, 5, 4e-7);
  }
}

TEST("a token that is not a number does no harm to its neighbours") {
  Random random(8);
  for (const Type type : kTypes) {
    const Matrix w = Store(type, 6, 64, Floats(6 * 64, [&] { return random.Gauss(); }));
    Vec x = Floats(5 * 64, [&] { return random.Gauss(); });
    for (const KernelTable* table : AllTables()) {
      Vec clean(30);
      Multiply(*table, w, {0, 6}, x.data(), 64, 5, clean.data(), 6);
      Vec spoilt = x;
      spoilt[2 * 64 + 9] = std::numeric_limits<float>::quiet_NaN();
      Vec y(30);
      Multiply(*table, w, {0, 6}, spoilt.data(), 64, 5, y.data(), 6);
      for (size_t i = 0; i < 30; ++i) {
        EXPECT(i / 6 == 2 ? std::isnan(y[i]) : y[i] == clean[i]);
      }
    }
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
