// Everything in the kernel tables but products and attention: against double precision, and the tables against each
// other bit for bit.
#include <algorithm>
#include <limits>

#include "kernels/kernels_testing.h"

namespace niwaki {
namespace {

using testing::AllTables;
using testing::Floats;
using testing::Random;
using testing::RelativeError;
using testing::SameValues;
using Vec = std::vector<float>;

// Runs `run` with every table; all but the oracle must agree bit for bit, all must be near `want`.
template <typename Run>
void CheckTables(const char* what, const Vec& want, double tolerance, Run run) {
  const Vec* first = nullptr;
  Vec kept;
  for (const KernelTable* table : AllTables()) {
    const Vec got = run(*table);
    const double error = RelativeError(got, want);
    if (!(error <= tolerance)) {
      testing::Fail(__FILE__, __LINE__,
                    std::string(table->name) + ", " + what + ": relative error " + std::to_string(error));
    }
    if (table == &kOracleKernels) {
      continue;
    }
    if (first == nullptr) {
      kept = got;
      first = &kept;
    } else if (!SameValues(got, kept)) {
      testing::Fail(__FILE__, __LINE__, std::string(what) + ": the tables differ");
    }
  }
}

const int64_t kLengths[] = {1, 2, 7, 8, 9, 15, 16, 17, 64, 203, 256, 1000, 4096};

TEST("RMSNorm") {
  Random random(1);
  for (const int64_t n : kLengths) {
    for (const float size : {1.0f, 1e-6f, 1e4f, 0.0f}) {
      const Vec x = Floats(n, [&] { return random.Gauss() * size; });
      const Vec weight = Floats(n, [&] { return random.Uniform() * 3; });
      double sum = 0;
      for (const float v : x) {
        sum += static_cast<double>(v) * v;
      }
      const double scale = 1 / std::sqrt(sum / static_cast<double>(n) + static_cast<double>(1e-6f));
      Vec want(x.size());
      for (size_t i = 0; i < x.size(); ++i) {
        want[i] = static_cast<float>(x[i] * scale * weight[i]);
      }
      CheckTables("RMSNorm", want, 1e-6, [&](const KernelTable& t) {
        Vec y(x.size());
        t.rms_norm(x.data(), weight.data(), n, 1e-6f, y.data());
        Vec in_place = x;
        t.rms_norm(in_place.data(), weight.data(), n, 1e-6f, in_place.data());
        EXPECT(SameValues(y, in_place));
        return y;
      });
    }
  }
}

TEST("rotary positions: NEOX pairs, lengths are kept") {
  Random random(2);
  for (const int64_t head : {8, 16, 24, 40, 64, 128, 256}) {
    const int64_t half = head / 2;
    const Vec x = Floats(head, [&] { return random.Gauss(); });
    Vec cos;
    Vec sin;
    Vec want = x;
    for (int64_t i = 0; i < half; ++i) {
      const double angle = random.Unit() * 1000;
      cos.push_back(static_cast<float>(std::cos(angle)));
      sin.push_back(static_cast<float>(std::sin(angle)));
      const size_t a = static_cast<size_t>(i);
      const size_t b = static_cast<size_t>(i + half);
      want[a] = static_cast<float>(x[a] * std::cos(angle) - x[b] * std::sin(angle));
      want[b] = static_cast<float>(x[b] * std::cos(angle) + x[a] * std::sin(angle));
    }
    CheckTables("rotation", want, 1e-6, [&](const KernelTable& t) {
      Vec y = x;
      t.rope_neox(y.data(), head, cos.data(), sin.data());
      return y;
    });
  }
}

TEST("SwiGLU over the whole range of its gate") {
  Random random(3);
  for (const int64_t n : kLengths) {
    const Vec gate = Floats(n, [&] { return random.Uniform() * 12; });
    const Vec up = Floats(n, [&] { return random.Gauss(); });
    Vec want(gate.size());
    for (size_t i = 0; i < gate.size(); ++i) {
      want[i] = static_cast<float>(gate[i] / (1 + std::exp(-static_cast<double>(gate[i]))) * up[i]);
    }
    CheckTables("SwiGLU", want, 1e-6, [&](const KernelTable& t) {
      Vec y = gate;
      t.silu_mul(y.data(), up.data(), n);
      return y;
    });
  }
  // Far out: silu(g) is g on the right and vanishes on the left; nothing may become infinite or not-a-number.
  const Vec far = {100, 1e4f, 1e30f, -100, -1e4f, -1e30f, 0, -0.0f, 88.8f, -88.8f, 87.3f};
  for (const KernelTable* table : AllTables()) {
    Vec y = far;
    const Vec ones(far.size(), 1.0f);
    table->silu_mul(y.data(), ones.data(), static_cast<int64_t>(y.size()));
    for (size_t i = 0; i < far.size(); ++i) {
      EXPECT(std::isfinite(y[i]));
      const double want = far[i] > 0 ? static_cast<double>(far[i]) : 0;
      EXPECT_NEAR(y[i], want, std::fabs(want) * 1e-6 + (std::fabs(far[i]) > 1e6f ? 1e-6 * std::fabs(far[i]) : 1e-30));
    }
  }
}

TEST("additions are exact") {
  Random random(4);
  for (const int64_t n : kLengths) {
    const Vec x = Floats(n, [&] { return random.Gauss() * 1000; });
    const Vec y = Floats(n, [&] { return random.Gauss(); });
    Vec want = x;
    for (size_t i = 0; i < want.size(); ++i) {
      want[i] = x[i] + y[i];
    }
    CheckTables("addition", want, 0, [&](const KernelTable& t) {
      Vec sum = x;
      t.add(sum.data(), y.data(), n);
      EXPECT(SameValues(sum, want));
      return sum;
    });
  }
}

TEST("half precision: all 65536 values widen, and all boundaries round, as in base/f16.h") {
  std::vector<uint16_t> halves(65536);
  Vec wide(65536);
  Vec floats;
  for (uint32_t i = 0; i < 65536; ++i) {
    halves[i] = static_cast<uint16_t>(i);
    wide[i] = F16ToF32(halves[i]);
    const float next = F16ToF32(static_cast<uint16_t>(i + 1));
    if (std::isfinite(wide[i]) && std::isfinite(next)) {
      const float middle = (wide[i] + next) / 2;
      floats.insert(floats.end(), {wide[i], middle, std::nextafter(middle, wide[i]), std::nextafter(middle, next)});
    }
  }
  floats.insert(floats.end(), {65519.99f, 65520.0f, -65520.0f, 1e30f, -1e30f, 1e-30f, 1e-45f});
  for (const KernelTable* table : AllTables()) {
    Vec got(65536);
    table->f16_to_f32(halves.data(), 65536, got.data());
    EXPECT(std::memcmp(got.data(), wide.data(), 65536 * sizeof(float)) == 0);
    std::vector<uint16_t> rounded(floats.size());
    table->f32_to_f16(floats.data(), static_cast<int64_t>(floats.size()), rounded.data());
    size_t wrong = 0;
    for (size_t i = 0; i < floats.size(); ++i) {
      wrong += rounded[i] == F32ToF16(floats[i]) ? 0 : 1;
    }
    EXPECT_EQ(wrong, size_t{0});
    for (int64_t n = 0; n < 20; ++n) {  // tails write what they should and no more
      std::vector<uint16_t> out(32, 0xabcd);
      table->f32_to_f16(floats.data() + 5000, n, out.data());
      Vec back(32, 7.0f);
      table->f16_to_f32(halves.data() + 9000, n, back.data());
      for (int64_t i = 0; i < 32; ++i) {
        const size_t at = static_cast<size_t>(i);
        EXPECT_EQ(out[at], i < n ? F32ToF16(floats[5000 + at]) : uint16_t{0xabcd});
        EXPECT_EQ(back[at], i < n ? wide[9000 + at] : 7.0f);
      }
    }
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
