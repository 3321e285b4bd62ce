#include "guide/desk.h"

#include <atomic>
#include <thread>

#include "base/testing.h"

namespace niwaki {
namespace {

using Kind = GuideDesk::Request::Kind;
using std::chrono::milliseconds;

std::shared_ptr<GuideDesk> NewDesk() { return std::make_shared<GuideDesk>(std::weak_ptr<Engine>()); }
TokenGuide::Step StepOf(uint32_t word) {
  TokenGuide::Step step;
  step.choices.push_back({{word}, false});
  return step;
}
constexpr milliseconds kLong(5000);

TEST("a guide's requests arrive in order, and the answers come back to it") {
  const std::shared_ptr<GuideDesk> desk = NewDesk();
  const std::unique_ptr<TokenGuide> guide = desk->Open("program");
  guide->Begin(40);
  GuideDesk::Request request = desk->Next(kLong);
  EXPECT(request.kind == Kind::kOpen);
  EXPECT_EQ(request.program, std::string("program"));
  const int64_t id = request.id;
  request = desk->Next(kLong);
  EXPECT(request.kind == Kind::kBegin);
  EXPECT_EQ(request.id, id);
  EXPECT_EQ(request.tokens, int64_t{40});
  TokenGuide::Step step;
  Result<bool> came = guide->Wait(milliseconds(1), &step);
  ASSERT_OK(came);
  EXPECT(!came.value());
  desk->Answer(id, StepOf(7));
  came = guide->Wait(kLong, &step);
  ASSERT_OK(came);
  EXPECT(came.value());
  EXPECT_EQ(step.choices.at(0).allowed.at(0), uint32_t{7});
  const std::vector<TokenId> said = {1, 2};
  const std::vector<TokenId> draft = {3};
  guide->Tell(said, draft);
  request = desk->Next(kLong);
  EXPECT(request.kind == Kind::kTell);
  EXPECT(request.said == said);
  EXPECT(request.draft == draft);
}

TEST("an answer to an older question is no answer to the next") {
  const std::shared_ptr<GuideDesk> desk = NewDesk();
  const std::unique_ptr<TokenGuide> guide = desk->Open("");
  const int64_t id = desk->Next(kLong).id;
  desk->Answer(id, StepOf(1));  // before it was asked
  guide->Begin(1);
  TokenGuide::Step step;
  Result<bool> came = guide->Wait(milliseconds(1), &step);
  EXPECT(came.ok() && !came.value());
  desk->Answer(id, StepOf(2));
  guide->Tell({}, {});
  came = guide->Wait(milliseconds(1), &step);
  EXPECT(came.ok() && !came.value());
}

TEST("the worker hears when nobody wants anything, and does not wait for it") {
  const std::shared_ptr<GuideDesk> desk = NewDesk();
  EXPECT(desk->Next(kLong).kind == Kind::kIdle);
  std::unique_ptr<TokenGuide> guide = desk->Open("");
  EXPECT(desk->Next(kLong).kind == Kind::kOpen);
  EXPECT(desk->Next(milliseconds(1)).kind == Kind::kNothing);
  guide.reset();
  EXPECT(desk->Next(kLong).kind == Kind::kEnd);
  EXPECT(desk->Next(kLong).kind == Kind::kIdle);
}

TEST("preparations are answered once") {
  const std::shared_ptr<GuideDesk> desk = NewDesk();
  int64_t least = 0;
  Status refused;
  desk->Prepare("good", 9, [&](const Result<int64_t>& done) { least = done.ok() ? done.value() : -1; });
  desk->Prepare("bad", 9, [&](const Result<int64_t>& done) { refused = done.status(); });
  GuideDesk::Request request = desk->Next(kLong);
  EXPECT(request.kind == Kind::kPrepare);
  EXPECT_EQ(request.tokens, int64_t{9});
  desk->Prepared(request.id, 4);
  desk->Fail(request.id, Status(StatusCode::kInternal, "too late"));
  EXPECT_EQ(least, int64_t{4});
  request = desk->Next(kLong);
  desk->Fail(request.id, Status(StatusCode::kUnsupported, "no"));
  EXPECT(refused.code() == StatusCode::kUnsupported);
  EXPECT(desk->Next(kLong).kind == Kind::kIdle);
}

TEST("a worker that goes away leaves nobody waiting") {
  const std::shared_ptr<GuideDesk> desk = NewDesk();
  const std::unique_ptr<TokenGuide> guide = desk->Open("");
  guide->Begin(1);
  Status prepared;
  desk->Prepare("", 1, [&](const Result<int64_t>& done) { prepared = done.status(); });
  std::atomic<bool> failed{false};
  std::thread waiting([&] {
    TokenGuide::Step step;
    const Result<bool> came = guide->Wait(kLong, &step);
    failed = !came.ok() && came.status().code() == StatusCode::kInternal;
  });
  std::this_thread::sleep_for(milliseconds(5));
  desk->Close(Status(StatusCode::kInternal, "gone"));
  desk->Close(Status(StatusCode::kCancelled, "twice"));
  waiting.join();
  EXPECT(failed.load());
  EXPECT(prepared.code() == StatusCode::kInternal);
  EXPECT(desk->closed());
  EXPECT(desk->Next(kLong).kind == Kind::kClosed);
  const std::unique_ptr<TokenGuide> late = desk->Open("");
  late->Begin(1);
  TokenGuide::Step step;
  EXPECT(late->Wait(kLong, &step).status().code() == StatusCode::kInternal);
  Status refused;
  desk->Prepare("", 1, [&](const Result<int64_t>& done) { refused = done.status(); });
  EXPECT(refused.code() == StatusCode::kInternal);
}

TEST("a guide that failed stays so, and others do not") {
  const std::shared_ptr<GuideDesk> desk = NewDesk();
  const std::unique_ptr<TokenGuide> bad = desk->Open("");
  const std::unique_ptr<TokenGuide> good = desk->Open("");
  const int64_t bad_id = desk->Next(kLong).id;
  const int64_t good_id = desk->Next(kLong).id;
  bad->Begin(1);
  good->Begin(1);
  desk->Fail(bad_id, Status(StatusCode::kInternal, "broken"));
  desk->Answer(good_id, StepOf(1));
  TokenGuide::Step step;
  EXPECT(!bad->Wait(kLong, &step).ok());
  EXPECT(good->Wait(kLong, &step).ok());
  bad->Tell({}, {});
  EXPECT(!bad->Wait(kLong, &step).ok());
}

TEST("desks are found by their numbers while they live") {
  std::shared_ptr<GuideDesk> desk = NewDesk();
  const int64_t number = GuideDesk::Register(desk);
  EXPECT(GuideDesk::Find(number) == desk);
  EXPECT(GuideDesk::Find(number + 1) == nullptr);
  desk.reset();
  EXPECT(GuideDesk::Find(number) == nullptr);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
