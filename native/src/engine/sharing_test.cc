// Sessions that share pages: every answer is the one of a session that has computed everything itself, at every cut,
// with every codec and kernel table; what forks, budgets, pins and rollbacks do to memory.
#include <vector>

#include "engine/session_testing.h"

namespace niwaki {
namespace {

using testing::Branch;
using testing::kF16;
using testing::kKv4;
using testing::LoadNano;
using testing::Open;
using testing::SaysTheSame;
using testing::Sync;
using testing::Text;
using testing::Tokens;

TEST("what another session has computed is taken over in whole pages, at every cut, with every codec") {
  const std::unique_ptr<Engine> engine = LoadNano();
  for (const KvCodecName& named : KvCodecs()) {
    const std::unique_ptr<Session> first = Open(*engine, named.codec);
    Sync(*first, Text(420));
    for (const size_t cut : {1, 127, 128, 129, 200, 255, 256, 257, 383, 384, 385, 420}) {
      const Tokens tokens = Branch(cut, 20);
      const std::unique_ptr<Session> second = Open(*engine, named.codec);
      const SyncStats stats = Sync(*second, tokens);
      // Whole pages that the first session has finished.
      EXPECT_EQ(stats.shared, static_cast<int64_t>(cut / 128 * 128));
      EXPECT_EQ(stats.reused, stats.shared);
      EXPECT_EQ(stats.reused + stats.evaluated, static_cast<int64_t>(tokens.size()));
      EXPECT(SaysTheSame(*second, *engine, named.codec, tokens));
    }
  }
}

TEST("the same in every kernel table") {
  for (const std::string& table : testing::FastTables()) {
    const std::unique_ptr<Engine> engine = LoadNano(table);
    const std::unique_ptr<Session> first = Open(*engine, kKv4);
    Sync(*first, Text(140));
    const std::unique_ptr<Session> second = Open(*engine, kKv4);
    EXPECT_EQ(Sync(*second, Branch(135, 10)).shared, int64_t{128});
    EXPECT(SaysTheSame(*second, *engine, kKv4, Branch(135, 10)));
  }
}

TEST("sessions go back and forth between branches; what was left is found again") {
  const std::unique_ptr<Engine> engine = LoadNano();
  engine->SetKvBudget(int64_t{1} << 30);
  for (const KvCodec codec : {kKv4, kF16}) {
    const std::unique_ptr<Session> session = Open(*engine, codec);
    const Tokens a = Branch(300, 300, 500);
    const Tokens b = Branch(300, 300, 900);
    Sync(*session, a);
    Sync(*session, b);
    const SyncStats back = Sync(*session, a);
    EXPECT_EQ(back.reused, int64_t{512});  // the pages of the first time
    EXPECT(SaysTheSame(*session, *engine, codec, a));
    EXPECT_EQ(Sync(*session, b).reused, int64_t{512});
    EXPECT(SaysTheSame(*session, *engine, codec, b));
  }
}

TEST("pages stay when their session closes, if there is a budget, and go if there is none") {
  const std::unique_ptr<Engine> engine = LoadNano();
  Sync(*Open(*engine, kKv4), Text(400));
  EXPECT_EQ(engine->kv_bytes(), int64_t{0});
  engine->SetKvBudget(int64_t{1} << 30);
  Sync(*Open(*engine, kKv4), Text(400));
  EXPECT(engine->kv_bytes() > 0);
  const std::unique_ptr<Session> session = Open(*engine, kKv4);
  EXPECT_EQ(Sync(*session, Text(400)).shared, int64_t{384});
  EXPECT(SaysTheSame(*session, *engine, kKv4, Text(400)));
  engine->SetKvBudget(0);
  EXPECT_EQ(engine->kv_bytes(), session->kv_bytes());
}

TEST("forks: one prefix in memory, pages at hand of their own, each says what a session of its own would") {
  const std::unique_ptr<Engine> engine = LoadNano();
  for (const KvCodec codec : {kKv4, kF16}) {
    const std::unique_ptr<Session> trunk = Open(*engine, codec);
    Sync(*trunk, Text(450));
    const int64_t prefix = engine->kv_bytes();
    std::vector<std::unique_ptr<Session>> forks;
    for (size_t i = 0; i < 8; ++i) {
      Result<std::unique_ptr<Session>> fork = trunk->Fork();
      ASSERT_OK(fork.status());
      forks.push_back(std::move(fork.value()));
    }
    EXPECT_EQ(engine->kv_bytes(), prefix);  // nothing was copied yet
    const int64_t page_at_hand = 128 * engine->info().kv_bytes_per_token;
    for (size_t i = 0; i < forks.size(); ++i) {
      const Tokens tokens = Branch(450, 30, 100 + 37 * i);
      const SyncStats stats = Sync(*forks[i], tokens);
      EXPECT_EQ(stats.reused, int64_t{450});
      EXPECT(SaysTheSame(*forks[i], *engine, codec, tokens));
    }
    EXPECT(engine->kv_bytes() <= prefix + 8 * page_at_hand);
    Sync(*trunk, Branch(450, 10, 5));
    EXPECT(SaysTheSame(*trunk, *engine, codec, Branch(450, 10, 5)));
    for (size_t i = 0; i < forks.size(); ++i) {  // the trunk has moved no branch
      const Tokens tokens = Branch(450, 31, 100 + 37 * i);
      EXPECT_EQ(Sync(*forks[i], tokens).evaluated, int64_t{1});
      EXPECT(SaysTheSame(*forks[i], *engine, codec, tokens));
    }
  }
}

TEST("rolled back, also past what is finished") {
  const std::unique_ptr<Engine> engine = LoadNano();
  for (const KvCodec codec : {kKv4, kF16}) {
    const std::unique_ptr<Session> session = Open(*engine, codec);
    Sync(*session, Text(300));
    for (const int64_t tokens : {290, 256, 200, 128, 5, 0}) {
      EXPECT(session->Rollback(tokens).ok());
      EXPECT(static_cast<int64_t>(session->timeline().size()) <= tokens);
      EXPECT(session->logits().empty());
      Sync(*session, Text(300));
      EXPECT(SaysTheSame(*session, *engine, codec, Text(300)));
    }
    EXPECT(session->Rollback(301).code() == StatusCode::kInvalidArgument);
    EXPECT(session->Rollback(-1).code() == StatusCode::kInvalidArgument);
    DecodeOptions options;
    EXPECT(session->Rollback(100).ok());
    EXPECT(session->Decode(options, nullptr, nullptr).status().code() == StatusCode::kInvalidArgument);
  }
}

TEST("under a budget the memory of resting sessions is taken, the oldest first, and they come back right") {
  const std::unique_ptr<Engine> engine = LoadNano();
  for (const KvCodec codec : {kKv4, kF16}) {
    const int64_t one = KvPeakBytes(KvShapeOf(engine->info()), codec, 600);
    engine->SetKvBudget(3 * one);
    std::vector<std::unique_ptr<Session>> sessions;
    for (size_t i = 0; i < 6; ++i) {
      sessions.push_back(Open(*engine, codec));
    }
    for (int round = 0; round < 3; ++round) {
      for (size_t i = 0; i < sessions.size(); ++i) {
        const Tokens tokens = Text(600, 150 * i);
        Sync(*sessions[i], tokens);
        EXPECT(engine->kv_bytes() <= 3 * one);
        EXPECT(SaysTheSame(*sessions[i], *engine, codec, tokens));
      }
    }
    // The last one is all there, the first one is not.
    EXPECT_EQ(Sync(*sessions.back(), Text(600, 750)).evaluated, int64_t{0});
    EXPECT(Sync(*sessions.front(), Text(600)).evaluated > 0);
    sessions.clear();
    engine->SetKvBudget(0);
    EXPECT_EQ(engine->kv_bytes(), int64_t{0});
  }
  EXPECT(engine->kv_counters().of(KvUser::kOther).evicted > 0);
}

TEST("a budget that is too small for one session does not stop it") {
  const std::unique_ptr<Engine> engine = LoadNano();
  engine->SetKvBudget(1);
  const std::unique_ptr<Session> a = Open(*engine, kKv4);
  const std::unique_ptr<Session> b = Open(*engine, kKv4);
  for (int round = 0; round < 2; ++round) {
    Sync(*a, Text(300));
    EXPECT(SaysTheSame(*a, *engine, kKv4, Text(300)));
    Sync(*b, Text(300, 400));
    EXPECT(SaysTheSame(*b, *engine, kKv4, Text(300, 400)));
  }
}

TEST("memory that was taken between Sync and Decode is noticed") {
  const std::unique_ptr<Engine> engine = LoadNano();
  engine->SetKvBudget(1);
  const std::unique_ptr<Session> a = Open(*engine, kKv4);
  const std::unique_ptr<Session> b = Open(*engine, kKv4);
  Sync(*a, Text(300));
  Sync(*b, Text(300, 400));
  DecodeOptions options;
  options.max_tokens = 3;
  EXPECT(a->Decode(options, nullptr, nullptr).status().code() == StatusCode::kInvalidArgument);
  EXPECT(b->Decode(options, nullptr, nullptr).ok());
}

TEST("pinned pages stay, and no more than half of the budget can be pinned") {
  const std::unique_ptr<Engine> engine = LoadNano();
  const int64_t one = KvPeakBytes(KvShapeOf(engine->info()), kKv4, 600);
  engine->SetKvBudget(2 * one);
  std::unique_ptr<Session> pinned = Open(*engine, kKv4);
  Sync(*pinned, Text(600));
  ASSERT_OK(pinned->Pin(300));
  const std::unique_ptr<Session> other = Open(*engine, kKv4);
  const auto crowd = [&] {
    for (size_t i = 1; i < 9; ++i) {
      Sync(*other, Text(600, 90 * i));
    }
  };
  crowd();
  EXPECT_EQ(Sync(*pinned, Text(600)).reused, int64_t{256});
  EXPECT(SaysTheSame(*pinned, *engine, kKv4, Text(600)));
  ASSERT_OK(pinned->Pin(0));
  crowd();
  EXPECT_EQ(Sync(*pinned, Text(600)).reused, int64_t{0});
  engine->SetKvBudget(one / 2);
  const Status status = pinned->Pin(600);
  EXPECT(status.code() == StatusCode::kOutOfMemory && status.message().find("niwaki.kv.memoryMB") != std::string::npos);
}

TEST("counters say who had what") {
  const std::unique_ptr<Engine> engine = LoadNano();
  SessionOptions chat(kKv4);
  chat.user = KvUser::kChat;
  SessionOptions completion(kKv4);
  completion.user = KvUser::kCompletion;
  const std::unique_ptr<Session> a = Open(*engine, chat);
  const std::unique_ptr<Session> b = Open(*engine, completion);
  Sync(*a, Text(300));
  Sync(*a, Text(310));
  Sync(*b, Text(310));
  KvCounters counters = engine->kv_counters();
  EXPECT_EQ(counters.of(KvUser::kChat).computed, int64_t{310});
  EXPECT_EQ(counters.of(KvUser::kChat).reused, int64_t{300});
  EXPECT_EQ(counters.of(KvUser::kChat).shared, int64_t{0});
  EXPECT_EQ(counters.of(KvUser::kCompletion).shared, int64_t{256});
  EXPECT_EQ(counters.of(KvUser::kCompletion).computed, int64_t{54});
  EXPECT_EQ(counters.of(KvUser::kAgent).computed, int64_t{0});
}

TEST("codecs and calibrations share nothing with each other") {
  const std::unique_ptr<Engine> engine = LoadNano();
  engine->SetKvBudget(int64_t{1} << 30);
  const std::unique_ptr<Session> a = Open(*engine, kKv4);
  Sync(*a, Text(300));
  const std::unique_ptr<Session> b = Open(*engine, KvCodec{KvBits::k8, KvBits::k8});
  EXPECT_EQ(Sync(*b, Text(300)).shared, int64_t{0});
  const Result<KvCalibration> calibration = engine->CalibrateKv(Text(600), nullptr);
  ASSERT_OK(calibration.status());
  ASSERT_OK(engine->UseKvCalibration(calibration.value()));
  const std::unique_ptr<Session> c = Open(*engine, kKv4);
  EXPECT_EQ(Sync(*c, Text(300)).shared, int64_t{0});
  EXPECT(SaysTheSame(*c, *engine, kKv4, Text(300)));
  EXPECT_EQ(Sync(*a, Text(301)).evaluated, int64_t{1});  // the old one lives on
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
