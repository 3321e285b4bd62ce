// Sessions: what Sync keeps, and that the logits depend on the tokens alone (invariant 9 of docs/ARCHITECTURE.md).
#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/session_testing.h"

namespace niwaki {
namespace {

using testing::Copy;
using testing::LoadNano;
using testing::Open;
using testing::SameBits;
using testing::Text;
using testing::Tokens;

Engine* Best() {
  static const std::unique_ptr<Engine> engine = LoadNano();
  return engine.get();
}

// Logits of `tokens` in a session that shares nothing with others.
std::vector<float> Fresh(Engine& engine, const Tokens& tokens) { return testing::Fresh(engine, {}, tokens); }

// Reaches `tokens` in steps that end at the given lengths.
std::vector<float> InSteps(Engine& engine, const Tokens& tokens, const std::vector<size_t>& lengths) {
  const std::unique_ptr<Session> session = Open(engine);
  for (const size_t length : lengths) {
    EXPECT(session->Sync({tokens.data(), length}, nullptr, nullptr).ok());
  }
  EXPECT(session->Sync(tokens, nullptr, nullptr).ok());
  return Copy(session->logits());
}

TEST("logits do not depend on how the prompt arrived, nor on the number of threads") {
  for (const std::string& table : testing::FastTables()) {
    const Tokens tokens = Text(table == "generic" ? 140 : 300);  // past one page of the cache, and past two
    const std::unique_ptr<Engine> one = LoadNano(table, 1);
    if (one == nullptr) {
      continue;
    }
    const std::vector<float> want = Fresh(*one, tokens);
    EXPECT_EQ(want.size(), static_cast<size_t>(one->info().vocab_size));
    for (const int threads : {2, 3}) {
      const std::unique_ptr<Engine> engine = LoadNano(table, threads);
      if (engine == nullptr) {
        continue;
      }
      EXPECT_EQ(engine->info().threads, threads);
      EXPECT(SameBits(Fresh(*engine, tokens), want));
      EXPECT(SameBits(InSteps(*engine, tokens, {1, 2, 5, 64, 65, 127, 128, 129}), want));
    }
    if (table != "generic") {
      std::vector<size_t> singly;
      for (size_t length = 1; length < tokens.size(); ++length) {
        singly.push_back(length);
      }
      EXPECT(SameBits(InSteps(*one, tokens, singly), want));
      EXPECT(SameBits(InSteps(*one, tokens, {7, 71, 200}), want));
    }
  }
}

TEST("logits do not depend on what was cached before: extend, truncate, diverge") {
  Engine* engine = Best();
  if (engine == nullptr) {
    return;
  }
  const Tokens base = Text(150);
  Tokens other = base;
  other[100] = base[100] == 500 ? 501 : 500;
  const std::vector<std::pair<Tokens, SyncStats>> steps = {
      {base, {0, 150, 0}},         {Text(170), {150, 20, 0}},  // extend
      {Text(90), {89, 1, 0}},       // truncate: the last token is computed again for its logits
      {base, {90, 60, 0}},          // and back
      {other, {100, 50, 0}},        // diverge in the middle
      {base, {100, 50, 0}},         // and back
      {Text(40, 200), {0, 40, 0}},  // nothing in common
      {Text(1), {0, 1, 0}},         // one token
      {Text(1), {1, 0, 0}},         // the same: nothing to do
      {base, {1, 149, 0}},
  };
  const std::unique_ptr<Session> session = Open(*engine);
  for (const auto& [tokens, want] : steps) {
    SyncStats stats;
    ASSERT_OK(session->Sync(tokens, nullptr, &stats));
    EXPECT_EQ(stats.reused, want.reused);
    EXPECT_EQ(stats.evaluated, want.evaluated);
    EXPECT(stats.ms >= 0);
    EXPECT(std::equal(tokens.begin(), tokens.end(), session->timeline().begin(), session->timeline().end()));
    EXPECT(SameBits(session->logits(), Fresh(*engine, tokens)));
  }
}

TEST("accepted text is already cached") {
  Engine* engine = Best();
  if (engine == nullptr) {
    return;
  }
  const Tokens prompt = Text(80);
  const std::unique_ptr<Session> session = Open(*engine);
  ASSERT_OK(session->Sync(prompt, nullptr, nullptr));
  DecodeOptions options;
  options.max_tokens = 12;
  const Result<DecodeResult> result = session->Decode(options, nullptr, nullptr);
  ASSERT_OK(result);
  EXPECT_EQ(result.value().tokens.size(), size_t{12});
  EXPECT_EQ(result.value().reason == StopReason::kMaxTokens, true);
  // The last sampled token was not evaluated: nobody needed its logits.
  EXPECT_EQ(session->timeline().size(), prompt.size() + 11);
  Tokens accepted = prompt;
  accepted.insert(accepted.end(), result.value().tokens.begin(), result.value().tokens.end());
  SyncStats stats;
  ASSERT_OK(session->Sync(accepted, nullptr, &stats));
  EXPECT_EQ(stats.reused, int64_t{91});
  EXPECT_EQ(stats.evaluated, int64_t{1});
  EXPECT(SameBits(session->logits(), Fresh(*engine, accepted)));
}

TEST("sessions of one engine do not disturb each other") {
  Engine* engine = Best();
  if (engine == nullptr) {
    return;
  }
  const std::unique_ptr<Session> a = Open(*engine);
  const std::unique_ptr<Session> b = Open(*engine);
  ASSERT_OK(a->Sync(Text(70), nullptr, nullptr));
  ASSERT_OK(b->Sync(Text(130, 60), nullptr, nullptr));
  EXPECT(SameBits(a->logits(), Fresh(*engine, Text(70))));
  ASSERT_OK(a->Sync(Text(75), nullptr, nullptr));
  ASSERT_OK(b->Sync(Text(20, 60), nullptr, nullptr));
  EXPECT(SameBits(a->logits(), Fresh(*engine, Text(75))));
  EXPECT(SameBits(b->logits(), Fresh(*engine, Text(20, 60))));
}

TEST("a cancelled Sync keeps finished chunks and resumes to the same logits") {
  Engine* engine = Best();
  if (engine == nullptr) {
    return;
  }
  const Tokens tokens = Text(250);
  const std::unique_ptr<Session> session = Open(*engine);
  CancelFlag cancel{true};
  SyncStats stats;
  EXPECT(session->Sync(tokens, &cancel, &stats).code() == StatusCode::kCancelled);
  EXPECT_EQ(stats.evaluated, int64_t{0});
  EXPECT(session->timeline().empty());
  EXPECT(session->logits().empty());
  EXPECT(session->Decode({}, nullptr, nullptr).status().code() == StatusCode::kInvalidArgument);

  cancel = false;
  std::vector<std::pair<int64_t, int64_t>> progress;
  const Status status = session->Sync(tokens, &cancel, &stats, [&](int64_t done, int64_t total) {
    progress.emplace_back(done, total);
    cancel = progress.size() == 2;
  });
  EXPECT(status.code() == StatusCode::kCancelled);
  EXPECT_EQ(progress.size(), size_t{2});
  const int64_t kept = progress.back().first;
  EXPECT(kept > 0 && kept < 250 && progress.back().second == 250);
  EXPECT_EQ(stats.evaluated, kept);
  EXPECT_EQ(static_cast<int64_t>(session->timeline().size()), kept);
  EXPECT(session->logits().empty());

  cancel = false;
  ASSERT_OK(session->Sync(tokens, &cancel, &stats));
  EXPECT_EQ(stats.reused, kept);
  EXPECT_EQ(stats.evaluated, 250 - kept);
  EXPECT(SameBits(session->logits(), Fresh(*engine, tokens)));
}

TEST("a cancel from another thread is noticed within 20 ms, at whatever moment it comes") {
  Engine* engine = Best();
  if (engine == nullptr) {
    return;
  }
  using Clock = std::chrono::steady_clock;
  const Tokens tokens = Text(1500);
  const std::vector<float> want = Fresh(*engine, tokens);
  double best = 1e9;
  double worst = 0;
  const std::unique_ptr<Session> session = Open(*engine);
  for (int attempt = 0; attempt < 8; ++attempt) {
    ASSERT_OK(session->Sync(Text(1, 3), nullptr, nullptr));
    CancelFlag cancel{false};
    Clock::time_point set;
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(5000 + attempt * 3700));
      set = Clock::now();
      cancel = true;
    });
    const Status status = session->Sync(tokens, &cancel, nullptr);
    const Clock::time_point end = Clock::now();
    other.join();
    EXPECT(status.code() == StatusCode::kCancelled);
    const double ms = std::chrono::duration<double, std::milli>(end - set).count();
    best = std::min(best, ms);
    worst = std::max(worst, ms);
    // What is held is a prefix of the prompt.
    EXPECT(std::equal(session->timeline().begin(), session->timeline().end(), tokens.begin()));
  }
  std::printf("    idle %.2f to %.2f ms after a cancel\n", best, worst);
  EXPECT(best <= 20);  // the best of eight: a busy machine may deschedule this test for longer than that
  ASSERT_OK(session->Sync(tokens, nullptr, nullptr));
  EXPECT(SameBits(session->logits(), want));
}

TEST("prompts that cannot be are refused and leave the session as it was") {
  Engine* engine = Best();
  if (engine == nullptr) {
    return;
  }
  const std::unique_ptr<Session> session = Open(*engine, 50);
  EXPECT(session->Decode({}, nullptr, nullptr).status().code() == StatusCode::kInvalidArgument);
  EXPECT(session->logits().empty());
  ASSERT_OK(session->Sync(Text(40), nullptr, nullptr));
  const std::vector<float> before = Copy(session->logits());

  const Status empty = session->Sync({}, nullptr, nullptr);
  EXPECT(empty.code() == StatusCode::kInvalidArgument && !empty.message().empty());
  const Status overflow = session->Sync(Text(51), nullptr, nullptr);
  EXPECT(overflow.code() == StatusCode::kContextOverflow);
  EXPECT(overflow.message().find("51") != std::string::npos && overflow.message().find("50") != std::string::npos);
  for (const TokenId id : {-1, engine->info().vocab_size, 1 << 30}) {
    const Tokens wrong = {5, id};
    EXPECT(session->Sync(wrong, nullptr, nullptr).code() == StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(session->timeline().size(), size_t{40});
  EXPECT(SameBits(session->logits(), before));
  ASSERT_OK(session->Sync(Text(50), nullptr, nullptr));  // exactly full

  EXPECT(engine->NewSession(-1).status().code() == StatusCode::kInvalidArgument);
}

TEST("the cache grows page by page, and gives back what it does not need") {
  Engine* engine = Best();
  if (engine == nullptr) {
    return;
  }
  const int64_t page = 128 * engine->info().kv_bytes_per_token;
  const std::unique_ptr<Session> session = Open(*engine);
  EXPECT_EQ(session->kv_bytes(), int64_t{0});
  ASSERT_OK(session->Sync(Text(128), nullptr, nullptr));
  EXPECT_EQ(session->kv_bytes(), page);
  ASSERT_OK(session->Sync(Text(129), nullptr, nullptr));
  EXPECT_EQ(session->kv_bytes(), 2 * page);
  ASSERT_OK(session->Sync(Text(3), nullptr, nullptr));
  EXPECT_EQ(session->kv_bytes(), page);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
