// Jobs that wait for their guide do not keep others from computing.
#include <atomic>
#include <memory>
#include <thread>
#include <utility>

#include "engine/session_testing.h"
#include "guide/desk.h"
#include "schedule/scheduler.h"

namespace niwaki {
namespace {

using std::chrono::milliseconds;
using testing::Tokens;

class DecodeJob : public Job {
 public:
  DecodeJob(Session& session, int priority, SessionId id, Tokens prompt, std::unique_ptr<TokenGuide> guide)
      : Job(priority, id, 1), session_(session), prompt_(std::move(prompt)), guide_(std::move(guide)) {}
  bool Run() override {
    (void)ArmInterrupt();
    if (session_.Sync(prompt_, &interrupt(), nullptr).ok()) {
      DecodeOptions options;
      options.max_tokens = 12;
      options.guide = guide_.get();
      Result<DecodeResult> said = session_.Decode(options, &interrupt(), nullptr);
      status = said.status();
      if (said.ok()) {
        result = std::move(said.value());
      }
    }
    guide_.reset();
    ended = true;
    return true;
  }
  void Abandon(const Status& why) override {
    status = why;
    ended = true;
  }

  std::atomic<bool> ended{false};
  Status status;
  DecodeResult result;

 private:
  Session& session_;
  const Tokens prompt_;
  std::unique_ptr<TokenGuide> guide_;
};

template <typename Done>
bool Within(milliseconds most, Done done) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

TokenGuide::Step Even(const Engine& engine) {
  TokenGuide::Step step;
  step.choices.push_back(
      {std::vector<uint32_t>((static_cast<size_t>(engine.info().vocab_size) + 31) / 32, 0x55555555u), false});
  return step;
}

TEST("a keystroke is served while a chat waits for its guide, which then goes on as if nothing had been") {
  const std::unique_ptr<Engine> engine = testing::LoadNano("", 2);
  const auto desk = std::make_shared<GuideDesk>(std::weak_ptr<Engine>());
  const std::unique_ptr<Session> chat = testing::Open(*engine, SessionOptions(200));
  const std::unique_ptr<Session> editor = testing::Open(*engine, SessionOptions(200));
  std::vector<DecodeResult> said;
  for (const bool disturbed : {false, true}) {
    Scheduler scheduler;
    engine->UsePauser(&scheduler);
    scheduler.Open();
    const auto job = std::make_shared<DecodeJob>(*chat, 1, 1, testing::Text(50), desk->Open("p"));
    EXPECT(scheduler.Submit(job));
    int answers = 0;
    EXPECT(Within(milliseconds(20'000), [&] {
      const GuideDesk::Request request = desk->Next(milliseconds(20));
      const bool asks =
          request.kind == GuideDesk::Request::Kind::kBegin || request.kind == GuideDesk::Request::Kind::kTell;
      if (asks && disturbed && ++answers % 4 == 0) {
        // Now the chat has nothing to do but to wait.
        const auto key = std::make_shared<DecodeJob>(*editor, 0, 2, testing::Text(40, 700 + answers), nullptr);
        EXPECT(scheduler.Submit(key));
        EXPECT(Within(milliseconds(20'000), [&] { return key->ended.load(); }));
        EXPECT(key->status.ok());
        EXPECT(!job->ended);
      }
      if (asks) {
        desk->Answer(request.id, Even(*engine));
      }
      return job->ended.load();
    }));
    EXPECT(job->status.ok());
    said.push_back(std::move(job->result));
    scheduler.Stop();
    scheduler.Join();
    engine->UsePauser(nullptr);
  }
  EXPECT_EQ(said[0].tokens.size(), size_t{12});
  EXPECT(said[0].tokens == said[1].tokens);
}

TEST("a job that waits for a worker that has gone ends with the reason; a cancelled one ends at once") {
  const std::unique_ptr<Engine> engine = testing::LoadNano("", 2);
  const std::unique_ptr<Session> chat = testing::Open(*engine, SessionOptions(200));
  for (const bool gone : {false, true}) {
    const auto desk = std::make_shared<GuideDesk>(std::weak_ptr<Engine>());
    Scheduler scheduler;
    engine->UsePauser(&scheduler);
    scheduler.Open();
    const auto job = std::make_shared<DecodeJob>(*chat, 1, 1, testing::Text(50), desk->Open("p"));
    EXPECT(scheduler.Submit(job));
    EXPECT(Within(milliseconds(20'000),
                  [&] { return desk->Next(milliseconds(20)).kind == GuideDesk::Request::Kind::kBegin; }));
    if (gone) {
      desk->Close(Status(StatusCode::kInternal, "gone"));
    } else {
      scheduler.Cancel([](const Job&) { return true; });
    }
    EXPECT(Within(milliseconds(5'000), [&] { return job->ended.load(); }));
    EXPECT(gone ? job->status.code() == StatusCode::kInternal : job->result.reason == StopReason::kCancelled);
    scheduler.Stop();
    scheduler.Join();
    engine->UsePauser(nullptr);
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
