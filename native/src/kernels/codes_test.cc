// Codes of keys and values: the pinned codebooks and their errors, packing, the rotation, and attention over pages of
// codes in every table, bit for bit with "generic" and close to the oracle, which reads the same codes in floats.
#include <algorithm>
#include <cstdio>
#include <limits>

#include "kernels/kernels_testing.h"
#include "quant/kv_codes.h"

namespace niwaki {
namespace {

using testing::AllTables;
using testing::Floats;
using testing::Random;
using testing::RelativeError;
using testing::SameValues;
using Vec = std::vector<float>;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kAllBits[] = {3, 4, 8};

const Vec& Zeros() {
  static const Vec zeros(kMostHeadSize, 0.0f);
  return zeros;
}
// Fixed signs, as a cache has them.
Vec Signs(int64_t n) {
  Random random(5);
  return Floats(n, [&] { return random.Next() % 2 == 0 ? 1.0f : -1.0f; });
}
Vec Rotated(const KernelTable& table, const Vec& x) {
  const int64_t n = static_cast<int64_t>(x.size());
  Vec y(x.size());
  table.rotate(x.data(), Zeros().data(), Signs(n).data(), n, y.data());
  return y;
}

TEST("the codebooks are Lloyd and Max's") {
  // Lloyd-Max of a coordinate on the sphere of dimension 128 (3 bits: of a Gaussian), scaled so that the outermost is
  // 63.
  const double four[8] = {0.1279, 0.3864, 0.6536, 0.9371, 1.2478, 1.6043, 2.0459, 2.6889};
  const double three[4] = {0.2451, 0.7560, 1.3439, 2.1519};
  for (int i = 0; i < 8; ++i) {
    EXPECT_NEAR(kCodes4[i] * static_cast<double>(kCodeUnit4), four[i], 0.03);
  }
  for (int i = 0; i < 4; ++i) {
    EXPECT_NEAR(kCodes3[i] * static_cast<double>(kCodeUnit3), three[i], 0.015);
  }
  for (int bits : {3, 4}) {
    for (int i = 0; i < 1 << bits; ++i) {
      const int32_t value = CodeInteger(bits, static_cast<uint8_t>(i));
      EXPECT_EQ(value, -CodeInteger(bits, static_cast<uint8_t>((1 << bits) - 1 - i)));
      EXPECT(i == 0 || value > CodeInteger(bits, static_cast<uint8_t>(i - 1)));
    }
  }
}

// Mean squared error over the vector's energy, with the scale of least error.
double CodeError(const KernelTable& table, int bits, const Vec& x) {
  const Vec y = Rotated(table, x);
  std::vector<uint8_t> indices(y.size());
  const float unit = table.quantize_code(y.data(), static_cast<int64_t>(y.size()), bits, false, indices.data());
  double error = 0;
  double energy = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const double d = y[i] - static_cast<double>(unit) * CodeInteger(bits, indices[i]);
    error += d * d;
    energy += static_cast<double>(y[i]) * y[i];
  }
  return error / energy;
}

TEST("errors are those of theory") {
  // TurboQuant, table of D_mse: 0.034 and 0.0095 (Gaussian), a little less on the sphere.
  for (const KernelTable* table : AllTables()) {
    for (int64_t n : {64, 128}) {
      for (const auto& [bits, most] : {std::pair{3, 0.0345}, std::pair{4, 0.0096}, std::pair{8, 0.0002}}) {
        Random random(11);
        double error = 0;
        constexpr int kVectors = 400;
        for (int i = 0; i < kVectors; ++i) {
          error += CodeError(*table, bits, Floats(n, [&] { return random.Gauss() * 3; }));
        }
        EXPECT(error / kVectors < most);
        EXPECT(error / kVectors > most * (bits == 8 ? 0.05 : 0.9));
      }
    }
  }
}

TEST("the rotation tames every vector") {
  // What a codebook made for Gaussians must survive: one loud element, all equal, signs, huge, tiny, nothing.
  for (const KernelTable* table : AllTables()) {
    const auto make = [](auto f) {
      Vec x(128);
      for (int i = 0; i < 128; ++i) {
        x[static_cast<size_t>(i)] = f(i);
      }
      return x;
    };
    const Vec vectors[] = {
        make([](int i) { return i == 17 ? 1.0f : 0.0f; }),
        make([](int i) { return i % 3 == 0 ? -1.0f : 1.0f; }),
        make([](int i) { return static_cast<float>(i - 60) * 1e4f; }),
        make([](int i) { return static_cast<float>(i - 60) * 1e-12f; }),
    };
    for (const Vec& x : vectors) {
      // A single element becomes a row of equal magnitudes, which 4 bits meet within half the widest gap.
      EXPECT(CodeError(*table, 4, x) < 0.03);
      EXPECT(CodeError(*table, 8, x) < 0.001);
    }
    for (int bits : kAllBits) {
      const Vec zero(128, 0.0f);
      std::vector<uint8_t> indices(128);
      EXPECT_EQ(table->quantize_code(zero.data(), 128, bits, true, indices.data()), 0.0f);
    }
  }
}

TEST("the rotation is its own inverse, the same in every table") {
  Random random(3);
  for (int64_t n : {8, 32, 64, 128, 256}) {
    const Vec x = Floats(n, [&] { return random.Gauss(); });
    const Vec signs = Signs(n);
    Vec first;
    for (const KernelTable* table : AllTables()) {
      Vec y = Rotated(*table, x);
      double before = 0;
      double after = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        before += static_cast<double>(x[i]) * x[i];
        after += static_cast<double>(y[i]) * y[i];
      }
      EXPECT_NEAR(after / before, 1.0, 1e-6);
      if (table != &kOracleKernels) {
        if (first.empty()) {
          first = y;
        }
        EXPECT(SameValues(y, first));
      }
      table->rotate_back(y.data(), signs.data(), n);
      EXPECT(RelativeError(y, x) < 1e-6);
    }
  }
}

struct Page {
  CodePageLayout layout;
  std::vector<uint8_t> memory;
  uint8_t* data;
};
Page MakePage(Random& random, int key_bits, int value_bits, int64_t size, std::vector<uint8_t>* keys = nullptr,
              std::vector<uint8_t>* values = nullptr) {
  Page page{{key_bits, value_bits, size}, {}, nullptr};
  page.memory.resize(static_cast<size_t>(page.layout.bytes() + 64));
  page.data = page.memory.data() + (64 - reinterpret_cast<uintptr_t>(page.memory.data()) % 64) % 64;
  std::vector<uint8_t> k(static_cast<size_t>(128 * size));
  std::vector<uint8_t> v(k.size());
  uint16_t k_scales[128];
  uint16_t v_scales[128];
  for (int64_t j = 0; j < 128; ++j) {
    const Vec key = Floats(size, [&] { return random.Gauss() * 3; });
    const Vec value = Floats(size, [&] { return random.Gauss(); });
    k_scales[j] = F32ToF16(kGenericKernels.quantize_code(key.data(), size, key_bits, true, &k[j * size]));
    v_scales[j] = F32ToF16(kGenericKernels.quantize_code(value.data(), size, value_bits, false, &v[j * size]));
  }
  PackCodePage(page.layout, k.data(), k_scales, v.data(), v_scales, page.data);
  if (keys != nullptr) {
    *keys = k;
    *values = v;
  }
  return page;
}

TEST("packing keeps every code") {
  Random random(21);
  for (int64_t size : {32, 64, 128, 256}) {
    for (int key_bits : kAllBits) {
      for (int value_bits : kAllBits) {
        std::vector<uint8_t> keys;
        std::vector<uint8_t> values;
        const Page page = MakePage(random, key_bits, value_bits, size, &keys, &values);
        std::vector<int32_t> out(static_cast<size_t>(size));
        bool same = true;
        for (int64_t j = 0; j < 128; ++j) {
          UnpackKey(page.layout, page.data, j, out.data());
          for (int64_t i = 0; i < size; ++i) {
            same = same && out[i] == CodeInteger(key_bits, keys[j * size + i]);
          }
          UnpackValue(page.layout, page.data, j, out.data());
          for (int64_t i = 0; i < size; ++i) {
            same = same && out[i] == CodeInteger(value_bits, values[j * size + i]);
          }
        }
        EXPECT(same);
      }
    }
    EXPECT_EQ((CodePageLayout{4, 4, 128}).bytes(), int64_t{2 * 128 * 66});
    EXPECT_EQ((CodePageLayout{3, 3, 128}).bytes(), int64_t{2 * 128 * 50});
    EXPECT_EQ((CodePageLayout{8, 8, 128}).bytes(), int64_t{2 * 128 * 130});
  }
}

struct Answer {
  Vec out;
  Vec max;
  Vec sum;
};
Answer Attend(const KernelTable& table, const std::vector<Page>& pages, const Vec& q, int64_t size, int64_t first) {
  const int64_t rows = static_cast<int64_t>(q.size()) / size;
  const int digits = QueryDigits(pages[0].layout.key_bits);
  std::vector<int8_t> integers(q.size() * static_cast<size_t>(digits));
  Vec scales(static_cast<size_t>(rows));
  std::vector<int32_t> sums(scales.size());
  for (int64_t r = 0; r < rows; ++r) {
    table.quantize_query(&q[r * size], size, digits, &integers[r * size * digits], &scales[r], &sums[r]);
  }
  Answer answer{Vec(q.size(), 0.0f), Vec(scales.size(), -kInfinity), Vec(scales.size(), 0.0f)};
  const CodeQueries queries{q.data(), integers.data(),   scales.data(),    sums.data(), answer.out.data(), rows,
                            size,     answer.max.data(), answer.sum.data()};
  for (size_t i = 0; i < pages.size(); ++i) {
    table.attend_page_codes(queries, {pages[i].data, pages[i].layout, i == 0 ? first : 0,
                                      i + 1 < pages.size() ? pages[i + 1].data : nullptr});
  }
  return answer;
}

TEST("attention over codes: all tables bit for bit, close to the oracle") {
  Random random(8);
  double worst[2][2] = {};
  for (int64_t size : {32, 64, 128, 256}) {
    for (int key_bits : kAllBits) {
      for (int value_bits : kAllBits) {
        for (int64_t first : {0, 32}) {
          std::vector<Page> pages;
          for (int i = 0; i < 3; ++i) {
            pages.push_back(MakePage(random, key_bits, value_bits, size));
          }
          // 1 to 8 heads a group, and the rows of a prompt, which take another way through the same sums.
          for (int64_t rows : {1, 2, 3, 4, 5, 8, 14, 64}) {
            const float loud = rows == 3 ? 4.0f : 0.5f;  // peaked, or flat
            const Vec q =
                Floats(rows * size, [&] { return random.Gauss() * loud / std::sqrt(static_cast<float>(size)); });
            const Answer want = Attend(kOracleKernels, pages, q, size, first);
            const Answer generic = Attend(kGenericKernels, pages, q, size, first);
            // Queries of 7 bits against loud keys leave more than weights of 7 bits do; the codes themselves leave more
            // than both.
            const double bound = key_bits == 8 ? (value_bits == 8 ? 0.002 : 0.05) : 0.15;
            Vec got = generic.out;
            Vec oracle = want.out;
            for (size_t i = 0; i < got.size(); ++i) {
              got[i] /= generic.sum[i / static_cast<size_t>(size)];
              oracle[i] /= want.sum[i / static_cast<size_t>(size)];
            }
            const double error = RelativeError(got, oracle);
            double& worst_so_far = worst[key_bits == 8][value_bits == 8];
            worst_so_far = std::max(worst_so_far, error);
            EXPECT(error < bound);
            for (const KernelTable* table : AllTables()) {
              if (table != &kOracleKernels) {
                const Answer answer = Attend(*table, pages, q, size, first);
                EXPECT(SameValues(answer.out, generic.out));
                EXPECT(SameValues(answer.max, generic.max));
                EXPECT(SameValues(answer.sum, generic.sum));
              }
            }
          }
        }
      }
    }
  }
  std::printf(
      "  worst error of one page of queries against the oracle: %.4f, with keys of 8 bits %.4f, with values "
      "%.4f, with both %.5f\n",
      worst[0][0], worst[1][0], worst[0][1], worst[1][1]);
}

TEST("a row does not depend on its neighbours") {
  Random random(13);
  for (const KernelTable* table : AllTables()) {
    for (int bits : kAllBits) {
      std::vector<Page> pages;
      pages.push_back(MakePage(random, bits, bits, 64));
      pages.push_back(MakePage(random, bits, bits, 64));
      const Vec q = Floats(19 * 64, [&] { return random.Gauss() * 0.2f; });
      const Answer together = Attend(*table, pages, q, 64, 32);
      for (int64_t r = 0; r < 19; ++r) {
        const Answer alone = Attend(*table, pages, Vec(q.begin() + r * 64, q.begin() + (r + 1) * 64), 64, 32);
        EXPECT(SameValues(alone.out, Vec(together.out.begin() + r * 64, together.out.begin() + (r + 1) * 64)));
      }
    }
  }
}

TEST("quiet tokens keep their mass beside a loud one") {
  // One loud token and 127 quiet ones whose weights are each far below half a step: together they weigh as much as the
  // loud one. Rounding to the nearest would lose all of it.
  const int64_t size = 64;
  Page page{{4, 4, size}, {}, nullptr};
  page.memory.resize(static_cast<size_t>(page.layout.bytes() + 64));
  page.data = page.memory.data() + (64 - reinterpret_cast<uintptr_t>(page.memory.data()) % 64) % 64;
  std::vector<uint8_t> k(static_cast<size_t>(128 * size), 8);  // the same key everywhere ...
  std::vector<uint8_t> v(k.size(), 15);                        // ... and the same value but for one
  uint16_t k_scales[128];
  uint16_t v_scales[128];
  std::fill_n(k_scales, 128, F32ToF16(0.0f));
  std::fill_n(v_scales, 128, F32ToF16(1.0f / 63));
  const int64_t loud = 77;
  k_scales[loud] = F32ToF16(1.0f / 3);  // its score is the query's sum
  std::fill_n(v.begin() + loud * size, size, uint8_t{0});
  PackCodePage(page.layout, k.data(), k_scales, v.data(), v_scales, page.data);
  Vec q(static_cast<size_t>(size), std::log(127.0f) / static_cast<float>(size));
  std::vector<Page> pages;
  pages.push_back(page);
  pages[0].data = pages[0].memory.data() + (64 - reinterpret_cast<uintptr_t>(pages[0].memory.data()) % 64) % 64;
  PackCodePage(page.layout, k.data(), k_scales, v.data(), v_scales, pages[0].data);
  for (const KernelTable* table : AllTables()) {
    const Answer answer = Attend(*table, pages, q, size, 0);
    // Half of the mass says -1, half says +1.
    EXPECT_NEAR(answer.out[0] / answer.sum[0], 0.0, 0.05);
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
