// Sessions over codes: the same bits however the prompt arrived and in every table, past every page's end; cancels,
// drafts and other continuations leave nothing behind; calibration and comparison.
#include <algorithm>

#include "base/temp_file_testing.h"
#include "engine/session_testing.h"
#include "engine/tiny_model_testing.h"

namespace niwaki {
namespace {

using testing::Fresh;
using testing::kKv4;
using testing::LoadNano;
using testing::Open;
using testing::SameBits;
using testing::Text;
using testing::Tokens;

Engine& Best() {
  static const std::unique_ptr<Engine> engine = LoadNano();
  return *engine;
}

TEST("logits over codes depend on the tokens alone: steps, threads, tables, every codec") {
  const std::unique_ptr<Engine> one = LoadNano("", 1);
  for (const KvCodecName& named : KvCodecs()) {
    const Tokens tokens = Text(300);
    const std::vector<float> want = Fresh(Best(), named.codec, tokens);
    EXPECT(SameBits(Fresh(*one, named.codec, tokens), want));
    const std::unique_ptr<Session> session = Open(Best(), named.codec);
    for (const size_t length : {1, 2, 31, 33, 64, 100, 127, 128, 129, 191, 192, 255, 256, 257, 258}) {
      EXPECT(session->Sync({tokens.data(), length}, nullptr, nullptr).ok());
    }
    EXPECT(session->Sync(tokens, nullptr, nullptr).ok());
    EXPECT(SameBits(session->logits(), want));
  }
  const Tokens tokens = Text(140);
  const std::vector<float> want = Fresh(Best(), kKv4, tokens);
  for (const std::string& table : testing::FastTables()) {
    const std::unique_ptr<Engine> engine = LoadNano(table);
    EXPECT(SameBits(Fresh(*engine, kKv4, tokens), want));
  }
}

TEST("every pair of codecs is close to half precision, and not the same") {
  const Tokens tokens = Text(400);
  const std::vector<float> exact = Fresh(Best(), 0, tokens);
  const size_t best = static_cast<size_t>(std::max_element(exact.begin(), exact.end()) - exact.begin());
  for (const KvBits keys : {KvBits::k3, KvBits::k4, KvBits::k8}) {
    for (const KvBits values : {KvBits::k3, KvBits::k4, KvBits::k8}) {
      const std::vector<float> got = Fresh(Best(), KvCodec{keys, values}, tokens);
      double error = 0;
      for (size_t i = 0; i < got.size(); ++i) {
        error += (static_cast<double>(got[i]) - exact[i]) * (static_cast<double>(got[i]) - exact[i]);
      }
      error = std::sqrt(error / static_cast<double>(got.size()));
      EXPECT(error > 0 && error < 0.5);
      EXPECT(got[best] > *std::max_element(got.begin(), got.end()) - 0.5f);
    }
  }
}

TEST("another continuation, at every cut, is what a fresh session says") {
  const Tokens before = Text(330);
  const std::unique_ptr<Session> session = Open(Best(), kKv4);
  for (const size_t cut : {320, 300, 290, 257, 256, 255, 200, 129, 128, 127, 60, 1}) {
    EXPECT(session->Sync(before, nullptr, nullptr).ok());
    Tokens after(before.begin(), before.begin() + static_cast<int64_t>(cut));
    const Tokens other = Text(70, 500);
    after.insert(after.end(), other.begin(), other.end());
    SyncStats stats;
    EXPECT(session->Sync(after, nullptr, &stats).ok());
    EXPECT(stats.reused + stats.evaluated == static_cast<int64_t>(after.size()));
    EXPECT(stats.reused + 128 > static_cast<int64_t>(cut));
    EXPECT(SameBits(session->logits(), Fresh(Best(), kKv4, after)));
  }
}

TEST("cancelled in the middle of a page, and gone on with") {
  const Tokens tokens = Text(700);
  const std::vector<float> want = Fresh(Best(), kKv4, tokens);
  for (const int64_t after : {64, 128, 192, 320}) {
    const std::unique_ptr<Session> session = Open(Best(), kKv4);
    CancelFlag cancel{false};
    const Status status = session->Sync(tokens, &cancel, nullptr, [&](int64_t done, int64_t) {
      if (done >= after) {
        cancel = true;
      }
    });
    EXPECT(status.code() == StatusCode::kCancelled);
    SyncStats stats;
    EXPECT(session->Sync(tokens, nullptr, &stats).ok());
    EXPECT_EQ(stats.reused, after);
    EXPECT(SameBits(session->logits(), want));
  }
}

TEST("drafts over the end of a page: the tokens are those without drafts") {
  for (size_t length = 118; length <= 131; ++length) {
    // A text that repeats itself, so that drafts are long and often right.
    Tokens prompt;
    for (size_t i = 0; i < length; ++i) {
      prompt.push_back(Text(23)[i % 23]);
    }
    DecodeOptions options;
    options.max_tokens = 40;
    const auto decode = [&](int draft) {
      options.lookup = {draft, 2, false, {}};
      const std::unique_ptr<Session> session = Open(Best(), kKv4);
      EXPECT(session->Sync(prompt, nullptr, nullptr).ok());
      Result<DecodeResult> result = session->Decode(options, nullptr, nullptr);
      EXPECT(result.ok());
      return std::move(result.value());
    };
    const DecodeResult plain = decode(0);
    const DecodeResult drafted = decode(15);
    EXPECT(plain.tokens == drafted.tokens);
    EXPECT(drafted.drafted > 0);
  }
}

TEST("bytes held are those that were estimated") {
  for (const KvCodecName& named : KvCodecs()) {
    const std::unique_ptr<Session> session = Open(Best(), {1024, named.codec});
    EXPECT(session->Sync(Text(1024), nullptr, nullptr).ok());
    const Result<MemoryEstimate> estimate =
        Engine::Estimate({.path = testing::NanoPath(), .threads = 1, .kernels = ""}, {1024, named.codec});
    EXPECT_EQ(session->kv_bytes(), estimate.value().kv);
    EXPECT_EQ(session->kv_bytes(), KvBytes(KvShapeOf(Best().info()), named.codec, 1024));
  }
}

TEST("heads that codes do not fit are refused with what to do") {
  testing::TinyShape shape;  // heads of 8
  const testing::TinyModel model(shape);
  const testing::TempFile file(model.writer.Write());
  const Result<std::unique_ptr<Engine>> engine = Engine::Load({.path = file.path(), .threads = 1, .kernels = ""});
  EXPECT(engine.ok());
  const Status status = engine.value()->NewSession(kKv4).status();
  EXPECT(status.code() == StatusCode::kUnsupported);
  EXPECT(status.message().find("\"f16\"") != std::string::npos);
  SessionOptions options(kKv4);
  options.layer_codecs = {{99, kKv4}};
  EXPECT(Best().NewSession(options).status().code() == StatusCode::kInvalidArgument);
}

TEST("calibration: the same every time, used by new sessions, cancelled, refused for other models") {
  const std::unique_ptr<Engine> engine = LoadNano();
  const Tokens text = Text(600);
  const Result<KvCalibration> first = engine->CalibrateKv(text, nullptr);
  const std::unique_ptr<Engine> serial = LoadNano("", 1);
  const Result<KvCalibration> second = serial->CalibrateKv(text, nullptr);
  EXPECT(first.ok() && second.ok());
  EXPECT(SameBits(first.value().key_mean, second.value().key_mean));
  EXPECT(SameBits(first.value().key_scale, second.value().key_scale));
  EXPECT_EQ(engine->info().kv_calibration, std::string("norms"));
  EXPECT_EQ(engine->info().fingerprint, serial->info().fingerprint);
  EXPECT_EQ(engine->info().fingerprint.size(), size_t{32});

  const std::unique_ptr<Session> old = Open(*engine, kKv4);
  const std::vector<float> before = Fresh(*engine, kKv4, text);
  EXPECT(engine->UseKvCalibration(first.value()).ok());
  EXPECT_EQ(engine->info().kv_calibration, std::string("text"));
  EXPECT(!SameBits(Fresh(*engine, kKv4, text), before));
  EXPECT(old->Sync(text, nullptr, nullptr).ok());
  EXPECT(SameBits(old->logits(), before));

  CancelFlag cancel{true};
  EXPECT(engine->CalibrateKv(text, &cancel).status().code() == StatusCode::kCancelled);
  EXPECT(engine->CalibrateKv(Text(100), nullptr).status().code() == StatusCode::kInvalidArgument);
  KvCalibration wrong = first.value();
  wrong.key_scale.pop_back();
  EXPECT(engine->UseKvCalibration(wrong).code() == StatusCode::kInvalidArgument);
  wrong = first.value();
  wrong.key_scale[5] = 0;
  EXPECT(engine->UseKvCalibration(wrong).code() == StatusCode::kInvalidArgument);
}

TEST("comparison: half precision is itself, fewer bits are further off, careful layers help") {
  const std::unique_ptr<Engine> engine = LoadNano();
  const Tokens text = Text(710);  // more than a few past a page: the page before is gone
  const auto measure = [&](const SessionOptions& options) {
    Result<KvQuality> quality = engine->MeasureKv(text, options, 16, nullptr);
    EXPECT(quality.ok());
    return quality.value();
  };
  const KvQuality exact = measure(KvCodecs()[0].codec);
  EXPECT_EQ(exact.mean_kl, 0.0);
  EXPECT_EQ(exact.top1, 1.0);
  EXPECT_EQ(exact.positions, int64_t{710 - 128});
  EXPECT_EQ(exact.perplexity, exact.perplexity_fp16);
  const KvQuality kv8 = measure(KvCodec{KvBits::k8, KvBits::k8});
  const KvQuality kv4 = measure(kKv4);
  const KvQuality kv3 = measure(KvCodec{KvBits::k3, KvBits::k3});
  EXPECT(kv8.mean_kl > 0 && kv8.mean_kl < 0.001);
  EXPECT(kv4.mean_kl > kv8.mean_kl && kv4.mean_kl < 0.01);
  EXPECT(kv3.mean_kl > kv4.mean_kl);
  EXPECT(kv4.bytes < kv8.bytes && kv8.bytes < kv8.bytes_fp16);

  CancelFlag cancel{true};
  KvCalibration calibration = engine->CalibrateKv(text, nullptr).value();
  EXPECT(engine->FindCarefulLayers(text, kKv4, calibration, &cancel).status().code() == StatusCode::kCancelled);
  EXPECT_EQ(measure(kKv4).mean_kl, kv4.mean_kl);  // what was in use still is
  calibration.careful = {0, 0, 0, 0, 0, 1, 0, 1};
  EXPECT(engine->UseKvCalibration(calibration).ok());
  EXPECT_EQ(engine->info().kv_careful_layers, 2);
  const KvQuality careful = measure(kKv4);
  EXPECT(careful.mean_kl < kv4.mean_kl);
  EXPECT_EQ(careful.bytes, KvBytes(KvShapeOf(engine->info()), kKv4, 710, 2));
  EXPECT_EQ(measure(KvCodec{KvBits::k8, KvBits::k8}).bytes, kv8.bytes);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
