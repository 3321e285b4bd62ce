// The scheduler with a real engine: prompts and answers that pause each other at random moments come out as if each had
// been alone. Also what ThreadSanitizer is to see (npm run test:tsan).
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "engine/engine_testing.h"
#include "schedule/scheduler.h"

namespace niwaki {
namespace {

using Tokens = std::vector<TokenId>;

Tokens Prompt(size_t count, TokenId first) {
  Tokens tokens(count, first);
  for (size_t i = 1; i < count; ++i) {
    tokens[i] = static_cast<TokenId>(i % 60 * 37 + 10);
  }
  return tokens;
}

DecodeOptions Options(const Engine& engine) {
  DecodeOptions options;
  options.max_tokens = 6;
  options.sampling.banned = {engine.tokenizer().eos()};
  options.lookup.max_draft = 3;
  return options;
}

class GenerateJob : public Job {
 public:
  GenerateJob(Engine& engine, Scheduler& scheduler, Session& session, int priority, SessionId id, Tokens prompt)
      : Job(priority, id, 1), engine_(engine), scheduler_(scheduler), session_(session), prompt_(std::move(prompt)) {}

  bool Run() override {
    if (!ArmInterrupt()) {
      Abandon(Status());
      return true;
    }
    if (priority() < 3) {
      return RunHere();
    }
    bool done = true;
    engine_.InBackground([&] { done = RunHere(); });
    return done;
  }
  void Abandon(const Status&) override { ended_ = true; }

  bool ended() const { return ended_; }
  int64_t evaluated() const { return evaluated_; }
  int64_t reused() const { return reused_; }
  const DecodeResult& decoded() const { return decoded_; }
  const Tokens& prompt() const { return prompt_; }

 private:
  bool RunHere() {
    engine_.LimitThreads(priority());  // every priority its own number
    SyncStats stats;
    scheduler_.SetInterruptible(*this, true);
    const Status synced = session_.Sync(prompt_, &interrupt(), &stats);
    scheduler_.SetInterruptible(*this, false);
    evaluated_ += stats.evaluated;
    reused_ = first_ ? stats.reused : reused_;
    first_ = false;
    if (synced.code() == StatusCode::kCancelled && !cancelled()) {
      return false;
    }
    if (synced.ok() && ArmInterrupt()) {
      Result<DecodeResult> decoded = session_.Decode(Options(engine_), &interrupt(), nullptr);
      if (decoded.ok()) {
        decoded_ = std::move(decoded.value());
      }
    }
    ended_ = true;
    return true;
  }

  Engine& engine_;
  Scheduler& scheduler_;
  Session& session_;
  const Tokens prompt_;
  bool first_ = true;
  int64_t evaluated_ = 0;
  int64_t reused_ = 0;
  DecodeResult decoded_;
  std::atomic<bool> ended_{false};
};

TEST("jobs that pause each other at random write what each writes alone") {
  const std::unique_ptr<Engine> engine = testing::LoadNano("", 3);
  if (engine == nullptr) {
    return;
  }
  constexpr size_t kSessions = 6;
  std::map<size_t, DecodeResult> alone;  // by length of the prompt
  const std::vector<size_t> lengths = {5, 40, 130, 150, 260};
  std::vector<std::unique_ptr<Session>> sessions;
  for (size_t i = 0; i < kSessions; ++i) {
    Result<std::unique_ptr<Session>> session = engine->NewSession(SessionOptions(400, KvCodec{}));
    ASSERT_OK(session);
    sessions.push_back(std::move(session.value()));
  }
  for (const size_t length : lengths) {
    const Result<std::unique_ptr<Session>> session = engine->NewSession(SessionOptions(400, KvCodec{}));
    ASSERT_OK(session);
    ASSERT_OK(session.value()->Sync(Prompt(length, 7), nullptr, nullptr));
    Result<DecodeResult> decoded = session.value()->Decode(Options(*engine), nullptr, nullptr);
    ASSERT_OK(decoded);
    alone.emplace(length, std::move(decoded.value()));
  }
  std::vector<std::shared_ptr<GenerateJob>> jobs;
  std::vector<bool> cancelled;
  {
    Scheduler scheduler(std::chrono::milliseconds(5));
    engine->UsePauser(&scheduler);
    scheduler.Open();
    uint32_t random = 1;
    const auto next = [&](size_t n) {
      random = random * 1664525u + 1013904223u;
      return (random >> 8) % static_cast<uint32_t>(n);
    };
    for (int i = 0; i < 60; ++i) {
      const size_t session = next(kSessions);
      const int priority = static_cast<int>(next(4));
      // The same beginning each time: what the session has is reused, what it has not is computed once.
      jobs.push_back(std::make_shared<GenerateJob>(*engine, scheduler, *sessions[session], priority,
                                                   static_cast<SessionId>(session + 1),
                                                   Prompt(lengths[next(lengths.size())], 7)));
      EXPECT(scheduler.Submit(jobs.back()));
      cancelled.push_back(next(10) == 0);
      std::this_thread::sleep_for(std::chrono::microseconds(next(9000)));
      if (cancelled.back()) {
        scheduler.Cancel([&](const Job& job) { return &job == jobs.back().get(); });
      }
      (void)scheduler.Jobs();
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(100);
    for (const auto& job : jobs) {
      while (!job->ended() && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
    scheduler.Stop();
    scheduler.Join();
    engine->UsePauser(nullptr);
  }
  int whole = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    const GenerateJob& job = *jobs[i];
    EXPECT(job.ended());
    if (!cancelled[i]) {
      ++whole;
      EXPECT(job.decoded().tokens == alone.at(job.prompt().size()).tokens);
    }
  }
  EXPECT(whole > 40);
  std::printf("    %d jobs came to their end, %lld sets of activations were held\n", whole,
              static_cast<long long>(engine->scratch_bytes() / engine->info().scratch_bytes));
  EXPECT(engine->scratch_bytes() <= 2 * engine->info().scratch_bytes);
}

TEST("a prompt that is paused and resumed computes each of its tokens once") {
  const std::unique_ptr<Engine> engine = testing::LoadNano("", 2);
  if (engine == nullptr) {
    return;
  }
  Result<std::unique_ptr<Session>> slow = engine->NewSession(SessionOptions(1200, KvCodec{}));
  Result<std::unique_ptr<Session>> quick = engine->NewSession(SessionOptions(400, KvCodec{}));
  ASSERT_OK(slow);
  ASSERT_OK(quick);
  Scheduler scheduler;
  engine->UsePauser(&scheduler);
  scheduler.Open();
  const auto low = std::make_shared<GenerateJob>(*engine, scheduler, *slow.value(), 1, SessionId{1}, Prompt(1100, 7));
  EXPECT(scheduler.Submit(low));
  int paused = 0;
  for (int i = 0; i < 40 && !low->ended(); ++i) {
    const auto high = std::make_shared<GenerateJob>(*engine, scheduler, *quick.value(), 0, SessionId{2},
                                                    Prompt(10, static_cast<TokenId>(8 + i)));
    EXPECT(scheduler.Submit(high));
    while (!high->ended()) {
      for (const JobStatus& job : scheduler.Jobs()) {
        paused += job.state == JobState::kPaused ? 1 : 0;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  }
  while (!low->ended()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  scheduler.Stop();
  scheduler.Join();
  engine->UsePauser(nullptr);
  EXPECT(paused > 0);
  EXPECT_EQ(low->reused(), int64_t{0});
  EXPECT_EQ(low->evaluated(), int64_t{1100});
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
