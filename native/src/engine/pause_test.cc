// Computations that are put aside in the middle: the same bits as without (invariant 9 of docs/ARCHITECTURE.md), and no
// token computed twice.
#include <algorithm>
#include <functional>

#include "engine/engine_testing.h"

namespace niwaki {
namespace {

using testing::Copy;
using testing::LoadNano;
using testing::SameBits;
using Tokens = std::vector<TokenId>;

// It repeats itself, so that there are drafts; texts that begin differently share nothing.
Tokens Prompt(size_t count, TokenId first) {
  Tokens tokens(count, first);
  for (size_t i = 1; i < count; ++i) {
    tokens[i] = static_cast<TokenId>(i % 60 * 37 + 10);
  }
  return tokens;
}

// Pauses wherever it can, and has others compute in every pause, on the thread that is paused.
class Everywhere final : public Pauser {
 public:
  explicit Everywhere(std::function<void()> others) : others_(std::move(others)) { wanted = true; }

  bool LookUp() override { return ++looks_ % 5 != 0; }  // now and then there are only errands
  void Pause() override {
    ++pauses_;
    Others();
  }
  bool Between() override {
    if (busy_) {
      return false;
    }
    ++betweens_;
    Others();
    return true;
  }

  int64_t pauses() const { return pauses_; }
  int64_t betweens() const { return betweens_; }

 private:
  void Others() {
    wanted = false;
    busy_ = true;
    others_();
    busy_ = false;
    wanted = true;
  }

  const std::function<void()> others_;
  bool busy_ = false;
  int64_t looks_ = 0;
  int64_t pauses_ = 0;
  int64_t betweens_ = 0;
};

struct Outcome {
  std::vector<float> logits;
  DecodeResult decoded;
  SyncStats stats;
  std::vector<float> logprobs;
};

// A prompt that goes past a page of the cache, and some tokens of an answer, drafts among them.
Outcome Compute(Engine& engine, Session& session, const Tokens& prompt, int max_tokens) {
  Outcome outcome;
  const Status synced = session.Sync(prompt, nullptr, &outcome.stats);
  EXPECT(synced.ok());
  DecodeOptions options;
  options.max_tokens = max_tokens;
  options.sampling.banned = {engine.tokenizer().eos()};
  options.sampling.logprobs = true;
  options.lookup.max_draft = 3;
  options.lookup.adapt = false;
  Result<DecodeResult> decoded = session.Decode(options, nullptr, [&](const TokenEvent& event) {
    outcome.logprobs.push_back(event.logprob);
    return true;
  });
  EXPECT(decoded.ok());
  if (decoded.ok()) {
    outcome.decoded = std::move(decoded.value());
  }
  outcome.logits = Copy(session.logits());
  return outcome;
}

std::unique_ptr<Session> Open(Engine& engine, KvCodec codec) {
  Result<std::unique_ptr<Session>> session = engine.NewSession(SessionOptions(400, codec));
  EXPECT(session.ok());
  return session.ok() ? std::move(session.value()) : nullptr;
}

void CheckSame(const Outcome& a, const Outcome& b) {
  EXPECT(SameBits(a.logits, b.logits));
  EXPECT(SameBits(a.logprobs, b.logprobs));
  EXPECT(a.decoded.tokens == b.decoded.tokens);
  EXPECT_EQ(a.decoded.text, b.decoded.text);
  EXPECT_EQ(a.stats.reused, b.stats.reused);
  EXPECT_EQ(a.stats.evaluated, b.stats.evaluated);
}

TEST("paused at every point of prompt and answer, with others computing there: the same bits, on every table") {
  constexpr KvCodec kKv4{KvBits::k4, KvBits::k4};
  for (const std::string& table : testing::FastTables()) {
    for (const int threads : {1, 3}) {
      const std::unique_ptr<Engine> engine = LoadNano(table, threads);
      if (engine == nullptr) {
        continue;
      }
      const bool slow = table == "generic";
      const size_t length = 128 + 20;  // a page is sealed on the way
      const int answer = slow ? 3 : 8;
      const Tokens prompt = Prompt(length, 7);
      const Outcome want = Compute(*engine, *Open(*engine, kKv4), prompt, answer);

      const std::unique_ptr<Session> other = Open(*engine, kKv4);
      std::vector<Outcome> wanted_others;
      for (TokenId i = 0; i < 2; ++i) {
        wanted_others.push_back(Compute(*engine, *Open(*engine, kKv4), Prompt(5, 100 + i), 2));
      }
      int64_t runs = 0;
      int64_t skipped = 0;
      Everywhere pauser([&] {
        // Another token at the beginning: nothing is reused, and everything is computed.
        if (++skipped % (slow ? 16 : testing::kStride) != 0) {
          return;
        }
        const size_t which = static_cast<size_t>(runs++ % 2);
        engine->LimitThreads(runs % 3 == 0 ? 1 : 0);
        const auto compute = [&] {
          const Outcome got = Compute(*engine, *other, Prompt(5, static_cast<TokenId>(100 + which)), 2);
          EXPECT(SameBits(got.logits, wanted_others[which].logits));
        };
        if (runs % 16 == 0) {
          engine->InBackground(compute);
        } else {
          compute();
        }
      });
      const std::unique_ptr<Session> session = Open(*engine, kKv4);
      engine->UsePauser(&pauser);
      const Outcome got = Compute(*engine, *session, prompt, answer);
      engine->UsePauser(nullptr);
      CheckSame(got, want);
      EXPECT_EQ(got.stats.evaluated, static_cast<int64_t>(length));
      EXPECT(pauser.pauses() > 50);
      EXPECT(pauser.betweens() >= 3 + static_cast<int64_t>(got.decoded.batches) - 1);
      std::printf("    %s, %d threads: %lld pauses in the middle of a round, %lld between\n", table.c_str(), threads,
                  static_cast<long long>(pauser.pauses()), static_cast<long long>(pauser.betweens()));
    }
  }
}

TEST("a session goes on where it was: what follows a paused prompt reuses all of it") {
  const std::unique_ptr<Engine> engine = LoadNano("", 2);
  if (engine == nullptr) {
    return;
  }
  const std::unique_ptr<Session> other = Open(*engine, {KvBits::k16, KvBits::k16});
  Everywhere pauser([&] { EXPECT(other->Sync(Prompt(3, 50), nullptr, nullptr).ok()); });
  const std::unique_ptr<Session> session = Open(*engine, {KvBits::k16, KvBits::k16});
  const Tokens prompt = Prompt(200, 9);
  engine->UsePauser(&pauser);
  EXPECT(session->Sync(std::span(prompt).first(150), nullptr, nullptr).ok());
  SyncStats stats;
  EXPECT(session->Sync(prompt, nullptr, &stats).ok());
  engine->UsePauser(nullptr);
  EXPECT_EQ(stats.reused, int64_t{150});
  EXPECT_EQ(stats.evaluated, int64_t{50});
}

TEST("a cancel that comes in a pause ends the call at once, and the next one is sound") {
  const std::unique_ptr<Engine> engine = LoadNano("", 2);
  if (engine == nullptr) {
    return;
  }
  const Tokens prompt = Prompt(200, 11);
  const std::unique_ptr<Session> fresh = Open(*engine, {});
  EXPECT(fresh->Sync(prompt, nullptr, nullptr).ok());
  const std::vector<float> want = Copy(fresh->logits());
  const std::unique_ptr<Session> session = Open(*engine, {});
  for (const int at : {1, 40, 90}) {
    CancelFlag cancel{false};
    int pauses = 0;
    int64_t after = 0;
    Everywhere pauser([&] {
      after += cancel ? 1 : 0;
      cancel = cancel || ++pauses >= at;
    });
    engine->UsePauser(&pauser);
    EXPECT(session->Sync(prompt, &cancel, nullptr).code() == StatusCode::kCancelled);
    engine->UsePauser(nullptr);
    std::printf("    cancelled in pause %d: %lld more pauses while it ended\n", at, static_cast<long long>(after));
    EXPECT(after < 400);  // of the round in hand and what is left of the layer's, none of which computes
  }
  EXPECT(session->Sync(prompt, nullptr, nullptr).ok());
  EXPECT(SameBits(Copy(session->logits()), want));
}

TEST("calibrations and measurements are the same with pauses in them, and sessions opened there know nothing of them") {
  const std::unique_ptr<Engine> engine = LoadNano("", 2);
  if (engine == nullptr) {
    return;
  }
  constexpr KvCodec kKv3{KvBits::k3, KvBits::k3};
  const Tokens text = Prompt(300, 21);
  const Result<KvCalibration> calibration = engine->CalibrateKv(text, nullptr);
  ASSERT_OK(calibration);
  const Result<KvQuality> quality = engine->MeasureKv(text, kKv3, 16, nullptr);
  ASSERT_OK(quality);
  const Result<std::vector<uint8_t>> careful = engine->FindCarefulLayers(text, kKv3, calibration.value(), nullptr);
  ASSERT_OK(careful);
  const auto logits_of_new_session = [&] {
    const std::unique_ptr<Session> session = Open(*engine, kKv3);
    EXPECT(session->Sync(Prompt(140, 31), nullptr, nullptr).ok());
    return Copy(session->logits());
  };
  const std::vector<float> want = logits_of_new_session();
  // One of many pauses: a whole session is opened, used and closed in it.
  int64_t runs = 0;
  Everywhere pauser([&] {
    if (++runs % (499 * testing::kStride) == 0) {
      EXPECT(SameBits(logits_of_new_session(), want));
    }
  });
  engine->UsePauser(&pauser);
  const Result<KvCalibration> again = engine->CalibrateKv(text, nullptr);
  const Result<KvQuality> quality_again = engine->MeasureKv(text, kKv3, 16, nullptr);
  const Result<std::vector<uint8_t>> careful_again =
      engine->FindCarefulLayers(text, kKv3, calibration.value(), nullptr);
  engine->UsePauser(nullptr);
  ASSERT_OK(again);
  ASSERT_OK(quality_again);
  ASSERT_OK(careful_again);
  EXPECT(runs > 1000);
  EXPECT(SameBits(again.value().key_mean, calibration.value().key_mean));
  EXPECT(SameBits(again.value().key_scale, calibration.value().key_scale));
  EXPECT(careful_again.value() == careful.value());
  EXPECT_EQ(quality_again.value().mean_kl, quality.value().mean_kl);
  EXPECT_EQ(quality_again.value().perplexity, quality.value().perplexity);
}

TEST("what is held for activations is said: one set, one more for a pause, which is kept") {
  const std::unique_ptr<Engine> engine = LoadNano("", 1);
  if (engine == nullptr) {
    return;
  }
  const int64_t one = engine->info().scratch_bytes;
  EXPECT_EQ(engine->scratch_bytes(), one);
  const std::unique_ptr<Session> session = Open(*engine, {});
  const std::unique_ptr<Session> second = Open(*engine, {});
  const std::unique_ptr<Session> third = Open(*engine, {});
  int depth = 0;
  int64_t most = 0;
  // Paused in a pause: two sets aside, and one that computes.
  class Nested final : public Pauser {
   public:
    std::function<void()> others;
    bool LookUp() override { return true; }
    void Pause() override {
      wanted = false;
      others();
    }
    bool Between() override { return false; }
  } pauser;
  pauser.others = [&] {
    most = std::max(most, engine->scratch_bytes());
    if (++depth == 1) {
      pauser.wanted = true;
      EXPECT(second->Sync(Prompt(4, 60), nullptr, nullptr).ok());
    } else if (depth == 2) {
      EXPECT(third->Sync(Prompt(4, 61), nullptr, nullptr).ok());
    }
  };
  engine->UsePauser(&pauser);
  pauser.wanted = true;
  EXPECT(session->Sync(Prompt(10, 62), nullptr, nullptr).ok());
  engine->UsePauser(nullptr);
  EXPECT_EQ(depth, 2);
  EXPECT_EQ(most, 3 * one);
  EXPECT_EQ(engine->scratch_bytes(), 2 * one);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
