// Rotary positions: plain, linear and YaRN against plain computations of their own, and by hand for a published model.
#include "model/rope.h"

#include <algorithm>
#include <cmath>

#include "base/temp_file_testing.h"
#include "engine/engine_testing.h"
#include "engine/tiny_model_testing.h"

namespace niwaki {
namespace {

using testing::GgufWriter;
using testing::TempFile;
using testing::TinyModel;
using testing::TinyShape;

struct Wanted {
  std::vector<double> frequencies;
  double magnitude = 1;
};

// Written after the reference code of the YaRN paper's authors (find_correction_range, linear_ramp_mask), not after
// ours: dimensions as real numbers, the mask towards the trained frequencies.
Wanted YarnByReference(double base, int dim, double factor, double original, double fast, double slow, double extra) {
  const double pi = std::acos(-1.0);
  const auto correction = [&](double turns) {
    return dim * std::log(original / (turns * 2 * pi)) / (2 * std::log(base));
  };
  double from = std::floor(correction(fast));
  double to = std::ceil(correction(slow));
  from = from < 0 ? 0 : from;
  to = to > dim - 1 ? dim - 1 : to;
  if (to - from < 0.001) {
    to = from + 0.001;
  }
  Wanted wanted;
  for (int i = 0; i < dim / 2; ++i) {
    const double extrapolation = 1.0 / std::pow(base, 2.0 * i / dim);
    const double interpolation = 1.0 / (factor * std::pow(base, 2.0 * i / dim));
    double ramp = (i - from) / (to - from);
    ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
    const double mask = (1 - ramp) * extra;
    wanted.frequencies.push_back(interpolation * (1 - mask) + extrapolation * mask);
  }
  wanted.magnitude = extra > 0 ? 0.1 * std::log(factor) + 1 : 1;
  return wanted;
}

void Compare(const RopeConfig& config, int64_t head, const Wanted& wanted) {
  const RopeTable table(config, head);
  const int64_t half = head / 2;
  const int64_t stride = half + 3;
  std::vector<float> cos(static_cast<size_t>(stride));
  std::vector<float> sin(static_cast<size_t>(stride));
  double most = 0;
  for (const int64_t position : {0, 1, 2, 63, 1000, 16383, 16384, 40000, 65535, 1000000}) {
    table.Fill(position, 1, stride, cos.data(), sin.data());
    for (size_t i = 0; i < static_cast<size_t>(half); ++i) {
      const double angle = static_cast<double>(position) * wanted.frequencies[i];
      most = std::max(most, std::abs(static_cast<double>(cos[i]) - std::cos(angle) * wanted.magnitude));
      most = std::max(most, std::abs(static_cast<double>(sin[i]) - std::sin(angle) * wanted.magnitude));
    }
  }
  EXPECT(most < 1e-7 * std::max(1.0, wanted.magnitude) + 1e-9);  // one rounding to float, and the angles' last bits
}

RopeConfig Yarn(double base, double factor, int64_t original) {
  RopeConfig config;
  config.base = base;
  config.scaling = RopeConfig::Scaling::kYarn;
  config.factor = factor;
  config.original_context = original;
  return config;
}

TEST("plain and linear") {
  for (const double base : {10000.0, 1e6}) {
    for (const double factor : {1.0, 2.0, 7.5}) {
      RopeConfig config;
      config.base = base;
      Wanted wanted;
      for (int i = 0; i < 32; ++i) {
        wanted.frequencies.push_back(std::exp(-std::log(base) * i / 32));
      }
      if (factor == 1.0) {
        Compare(config, 64, wanted);
      }
      config.scaling = RopeConfig::Scaling::kLinear;
      config.factor = factor;
      config.ext_factor = 0;
      for (double& frequency : wanted.frequencies) {
        frequency /= factor;
      }
      Compare(config, 64, wanted);
      config.attention_factor = 1.25;
      wanted.magnitude = 1.25;
      Compare(config, 64, wanted);
    }
  }
}

TEST("YaRN, as its authors compute it") {
  for (const int head : {8, 64, 128, 256}) {
    for (const double base : {10000.0, 1e6}) {
      for (const double factor : {1.0, 4.0, 32.0}) {
        for (const int64_t original : {64, 4096, 16384, 32768}) {
          RopeConfig config = Yarn(base, factor, original);
          Compare(config, head, YarnByReference(base, head, factor, static_cast<double>(original), 32, 1, 1));
          config.beta_fast = 16;
          config.beta_slow = 2;
          config.ext_factor = 0.5;
          config.attention_factor = 0.9;
          Wanted wanted = YarnByReference(base, head, factor, static_cast<double>(original), 16, 2, 0.5);
          wanted.magnitude *= 0.9;
          Compare(config, head, wanted);
        }
      }
    }
  }
}

TEST("YaRN four times over 16,384 with base 1e6 and heads of 128 (Bonsai 8B), by hand") {
  const RopeTable table(Yarn(1e6, 4, 16384), 128);
  std::vector<float> cos(64);
  std::vector<float> sin(64);
  table.Fill(1, 1, 64, cos.data(), sin.data());
  const double magnitude = 1.1386294361119890;  // 0.1 ln 4 + 1
  const auto frequency = [&](size_t i) { return std::atan2(sin[i], cos[i]); };
  const auto trained = [](size_t i) { return std::pow(1e6, -static_cast<double>(i) / 64); };
  for (size_t i = 0; i < 64; ++i) {
    EXPECT(std::abs(std::hypot(cos[i], sin[i]) - magnitude) < 1e-6);
    // 128 ln(16384 / 64 pi) / (2 ln 1e6) = 20.38, and with 2 pi 36.44: a ramp from 20 to 37.
    const double keep = i <= 20 ? 1 : i >= 37 ? 0 : (37 - static_cast<double>(i)) / 17;
    EXPECT(std::abs(frequency(i) / (trained(i) * (keep + (1 - keep) / 4)) - 1) < 1e-5);
  }
}

TEST("rows of a chunk are those of single positions") {
  const RopeTable table(Yarn(1e6, 4, 16384), 64);
  std::vector<float> cos(64 * 40);
  std::vector<float> sin(64 * 40);
  table.Fill(1000, 64, 40, cos.data(), sin.data());
  for (int64_t t = 0; t < 64; ++t) {
    std::vector<float> one_cos(32);
    std::vector<float> one_sin(32);
    table.Fill(1000 + t, 1, 32, one_cos.data(), one_sin.data());
    EXPECT(std::equal(one_cos.begin(), one_cos.end(), cos.begin() + t * 40));
    EXPECT(std::equal(one_sin.begin(), one_sin.end(), sin.begin() + t * 40));
  }
}

// Long contexts: frequencies, angles and cosines again with the longest floating-point type that the compiler has (80
// or 128 bits on most, 64 with MSVC). Angles in single precision would be wrong by 0.01 at the far end.
TEST("positions up to 262,144 are right to single precision, plain, linear and YaRN") {
  struct Stretch {
    RopeConfig::Scaling scaling;
    double factor;
    int64_t original;
  };
  for (const int64_t head : {64, 128}) {
    for (const double base : {1e4, 1e6, 5e6}) {
      for (const Stretch& s :
           {Stretch{RopeConfig::Scaling::kNone, 1, 0}, Stretch{RopeConfig::Scaling::kLinear, 8, 0},
            Stretch{RopeConfig::Scaling::kYarn, 4, 65536}, Stretch{RopeConfig::Scaling::kYarn, 8, 32768}}) {
        RopeConfig config = Yarn(base, s.factor, s.original);
        config.scaling = s.scaling;
        const bool yarn = s.scaling == RopeConfig::Scaling::kYarn;
        config.ext_factor = yarn ? 1 : 0;
        const auto pair_of = [&](long double turns) {
          return head * std::log(static_cast<long double>(s.original) / (turns * 2 * std::acos(-1.0L))) /
                 (2 * std::log(static_cast<long double>(base)));
        };
        const long double from = yarn ? std::floor(pair_of(32)) : 0;
        const long double to = yarn ? std::ceil(pair_of(1)) : 0;
        const long double magnitude = yarn ? 1 + 0.1L * std::log(static_cast<long double>(s.factor)) : 1;
        const RopeTable table(config, head);
        const size_t half = static_cast<size_t>(head / 2);
        std::vector<float> cos(half);
        std::vector<float> sin(half);
        long double most = 0;
        for (const int64_t position : {65535, 65536, 131071, 131072, 200001, 262143, 262144}) {
          table.Fill(position, 1, head / 2, cos.data(), sin.data());
          for (size_t i = 0; i < half; ++i) {
            const long double trained = std::pow(static_cast<long double>(base),
                                                 -2 * static_cast<long double>(i) / static_cast<long double>(head));
            const long double ramp =
                yarn ? std::clamp((static_cast<long double>(i) - from) / (to - from), 0.0L, 1.0L) : 1;
            const long double frequency = trained * (1 - ramp) + trained / static_cast<long double>(s.factor) * ramp;
            const long double angle = static_cast<long double>(position) * frequency;
            most = std::max(most, std::abs(static_cast<long double>(cos[i]) - std::cos(angle) * magnitude));
            most = std::max(most, std::abs(static_cast<long double>(sin[i]) - std::sin(angle) * magnitude));
          }
        }
        EXPECT(most <= (magnitude > 1 ? 0x1.0p-24L : 0x1.0p-25L) + 2e-10L);  // half a unit in the last place
      }
    }
  }
}

// ---- What a file says.

Result<RopeConfig> Read(const GgufWriter& writer) {
  const std::vector<uint8_t> bytes = writer.Write();
  const Result<std::unique_ptr<GgufFile>> file = GgufFile::Parse(bytes);
  if (!file.ok()) {
    return file.status();
  }
  return ReadRope(*file.value(), "qwen3.", 64, 65536);
}

TEST("the keys of a file, and their defaults") {
  GgufWriter w;
  EXPECT(Read(w).value().base == 10000.0 && Read(w).value().factor == 1);
  w.F32("qwen3.rope.freq_base", 1e6f);
  w.U32("qwen3.rope.dimension_count", 64);
  w.F32("qwen3.rope.scaling.factor", 4.0f);
  const RopeConfig untyped = Read(w).value();
  EXPECT(untyped.scaling == RopeConfig::Scaling::kLinear && untyped.factor == 4 && untyped.ext_factor == 0);
  w.String("qwen3.rope.scaling.type", "none");
  EXPECT(Read(w).value().scaling == RopeConfig::Scaling::kNone);
  w.String("qwen3.rope.scaling.type", "yarn");
  RopeConfig yarn = Read(w).value();
  EXPECT(yarn.scaling == RopeConfig::Scaling::kYarn && yarn.base == 1e6 && yarn.factor == 4);
  EXPECT(yarn.original_context == 65536 && yarn.ext_factor == 1 && yarn.beta_fast == 32 && yarn.beta_slow == 1);
  EXPECT(yarn.attention_factor == 1);
  w.U32("qwen3.rope.scaling.original_context_length", 16384);
  w.F32("qwen3.rope.scaling.attn_factor", 0.5f);
  w.F32("qwen3.rope.scaling.yarn_attn_factor", 3.0f);
  w.F32("qwen3.rope.scaling.yarn_ext_factor", 0.25f);
  w.F32("qwen3.rope.scaling.yarn_beta_fast", 24.0f);
  w.F32("qwen3.rope.scaling.yarn_beta_slow", 2.0f);
  w.F32("qwen3.rope.scaling.yarn_log_multiplier", 0.0f);
  w.Bool("qwen3.rope.scaling.finetuned", true);
  yarn = Read(w).value();
  EXPECT(yarn.original_context == 16384 && yarn.ext_factor == 0.25 && yarn.beta_fast == 24 && yarn.beta_slow == 2);
  EXPECT(yarn.attention_factor == 1.5);
}

// ---- Through the whole model.

// Logits of the engine's most exact table against the definition with these rotations.
void CheckModel(TinyModel& model, const Wanted& wanted) {
  model.rope_frequencies = wanted.frequencies;
  model.rope_magnitude = wanted.magnitude;
  std::vector<TokenId> tokens;
  for (int i = 0; i < 100; ++i) {
    tokens.push_back((i * 37 + 11) % 261);
  }
  const TempFile file(model.writer.Write());
  const Result<std::unique_ptr<Engine>> engine = Engine::Load({.path = file.path(), .threads = 1, .kernels = "oracle"});
  ASSERT_OK(engine);
  const Result<std::unique_ptr<Session>> session = engine.value()->NewSession(0);
  ASSERT_OK(session);
  ASSERT_OK(session.value()->Sync(tokens, nullptr, nullptr));
  const std::vector<float> got = testing::Copy(session.value()->logits());
  const double error = testing::RelativeError(got, model.Logits(tokens));
  model.rope_frequencies.clear();
  model.rope_magnitude = 1;
  const double without = testing::RelativeError(got, model.Logits(tokens));
  std::printf("    relative error of the logits %.6f; %.3f if positions were plain\n", error, without);
  EXPECT(error < 0.0002);
  EXPECT(without > 0.01);
}

TEST("a model with scaled positions computes what they say") {
  TinyShape shape;
  shape.type = testing::kTypeF32;
  TinyModel linear(shape, 5);
  linear.writer.String("qwen3.rope.scaling.type", "linear");
  linear.writer.F32("qwen3.rope.scaling.factor", 4.0f);
  CheckModel(linear, YarnByReference(10000, 8, 4, 64, 32, 1, 0));
  TinyModel yarn(shape, 6);
  yarn.writer.String("qwen3.rope.scaling.type", "yarn");
  yarn.writer.F32("qwen3.rope.scaling.factor", 4.0f);
  yarn.writer.U32("qwen3.rope.scaling.original_context_length", 64);
  CheckModel(yarn, YarnByReference(10000, 8, 4, 64, 32, 1, 1));
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
