// Who computes when: jobs that do nothing but ask whether they may go on.
#include "schedule/scheduler.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/testing.h"

namespace niwaki {
namespace {

using std::chrono::milliseconds;

// What happened, in order. Every entry is made by whoever holds the baton, or by the test.
class Record {
 public:
  void Add(const std::string& what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    text_ += (text_.empty() ? "" : " ") + what;
  }
  std::string text() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

template <typename Done>
bool Eventually(Done done) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > until) {
      return false;
    }
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

struct World {
  explicit World(milliseconds slice = milliseconds(10'000)) : scheduler(slice) { scheduler.Open(); }
  Record record;
  std::atomic<int> inside{0};    // jobs that compute
  std::atomic<int> overlaps{0};  // times that two did
  Scheduler scheduler;           // ends first
};

// Computes in pieces, as an engine does, until it is told to end.
class Worker : public Job {
 public:
  Worker(World& world, std::string name, int priority, SessionId session, int64_t pieces = -1)
      : Job(priority, session, 1), world_(world), name_(std::move(name)), pieces_(pieces) {
    SetProgress(0, pieces);
  }

  bool Run() override {
    world_.record.Add(name_ + "+");
    ++runs_;
    if (!ArmInterrupt()) {
      Abandon(Status());
      return true;
    }
    if (interruptible_) {
      world_.scheduler.SetInterruptible(*this, true);
    }
    Enter();
    bool interrupted = false;
    for (; done_ != pieces_ && !let_go_; ++done_) {
      Piece();
      SetProgress(done_, pieces_);
      if (interrupt().load()) {
        interrupted = true;
        break;
      }
      Leave();
      if (world_.scheduler.Between()) {
        ++betweens_;
      }
      Enter();
    }
    Leave();
    world_.scheduler.SetInterruptible(*this, false);
    paused_ms_ = paused_ms();
    if (interrupted && !cancelled()) {
      world_.record.Add(name_ + "!");
      return false;
    }
    world_.record.Add(name_ + (interrupted ? "x" : "-"));
    ended_ = true;
    return true;
  }
  void Abandon(const Status&) override {
    world_.record.Add(name_ + "?");
    ended_ = true;
  }

  void LetGo() { let_go_ = true; }
  bool ended() const { return ended_; }
  bool begun() const { return runs_ > 0; }
  int runs() const { return runs_; }
  int64_t pieces() const { return done_; }
  int betweens() const { return betweens_; }
  double paused() const { return paused_ms_; }

  bool interruptible_ = false;

 private:
  void Enter() { world_.overlaps += ++world_.inside > 1 ? 1 : 0; }
  void Leave() { --world_.inside; }
  // As ThreadPool::ParallelFor and Engine do it.
  void Piece() {
    for (int i = 0; i < 4; ++i) {
      if (world_.scheduler.wanted.load(std::memory_order_relaxed) && world_.scheduler.LookUp()) {
        Leave();
        world_.scheduler.Pause();
        Enter();
      }
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }

  World& world_;
  const std::string name_;
  const int64_t pieces_;
  std::atomic<int64_t> done_{0};
  std::atomic<int> runs_{0};
  std::atomic<int> betweens_{0};
  std::atomic<double> paused_ms_{0};
  std::atomic<bool> let_go_{false};
  std::atomic<bool> ended_{false};
};

std::shared_ptr<Worker> Add(World& world, const std::string& name, int priority, SessionId session,
                            int64_t pieces = -1) {
  auto job = std::make_shared<Worker>(world, name, priority, session, pieces);
  EXPECT(world.scheduler.Submit(job));
  return job;
}

TEST("one at a time, the more urgent first, equals in the order in which they came") {
  World world;
  const auto first = Add(world, "first", 1, 1);
  EXPECT(Eventually([&] { return first->begun(); }));
  world.scheduler.Cancel([](const Job&) { return false; });  // nothing
  std::vector<std::shared_ptr<Worker>> jobs;
  for (const auto& [name, priority] :
       {std::pair("late", 3), std::pair("a", 1), std::pair("mid", 2), std::pair("b", 1)}) {
    jobs.push_back(Add(world, name, priority, static_cast<SessionId>(jobs.size() + 2), 1));
  }
  first->LetGo();
  EXPECT(Eventually([&] { return jobs[0]->ended(); }));
  EXPECT_EQ(world.record.text(), std::string("first+ first- a+ a- b+ b- mid+ mid- late+ late-"));
  EXPECT_EQ(world.overlaps.load(), 0);
}

TEST("a more urgent job pauses the one that runs, in turn, and each goes on where it was") {
  World world;
  const auto low = Add(world, "low", 3, 1);
  EXPECT(Eventually([&] { return low->pieces() > 2; }));
  const auto mid = Add(world, "mid", 1, 2);
  EXPECT(Eventually([&] { return mid->begun(); }));
  const auto high = Add(world, "high", 0, 3);
  EXPECT(Eventually([&] { return high->begun(); }));
  const int64_t low_done = low->pieces();
  const int64_t mid_done = mid->pieces();
  const std::vector<JobStatus> jobs = world.scheduler.Jobs();
  EXPECT_EQ(jobs.size(), size_t{3});
  for (const JobStatus& job : jobs) {
    EXPECT(job.state == (job.priority == 0 ? JobState::kRunning : JobState::kPaused));
  }
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(low->pieces(), low_done);
  EXPECT_EQ(mid->pieces(), mid_done);
  high->LetGo();
  EXPECT(Eventually([&] { return mid->pieces() > mid_done; }));
  EXPECT_EQ(low->pieces(), low_done);
  mid->LetGo();
  EXPECT(Eventually([&] { return low->pieces() > low_done; }));
  low->LetGo();
  EXPECT(Eventually([&] { return low->ended(); }));
  EXPECT_EQ(world.record.text(), std::string("low+ mid+ high+ high- mid- low-"));
  EXPECT(low->paused() >= 19);
  EXPECT_EQ(low->runs(), 1);
  EXPECT_EQ(world.overlaps.load(), 0);
  EXPECT(world.scheduler.Jobs().empty());
}

TEST("equals share by slices, at ends of pieces only, and four of them at the most") {
  World world(milliseconds(5));
  std::vector<std::shared_ptr<Worker>> jobs;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    jobs.push_back(Add(world, name, 1, static_cast<SessionId>(jobs.size() + 1)));
  }
  EXPECT(Eventually([&] { return jobs[3]->betweens() >= 3; }));
  for (size_t i = 0; i < 4; ++i) {
    EXPECT(jobs[i]->betweens() >= 2 && jobs[i]->pieces() > 3);
  }
  EXPECT(!jobs[4]->begun());
  // There is room for a more urgent one all the same, and for a less urgent one none of the time.
  const auto high = Add(world, "high", 0, 10, 3);
  const auto low = Add(world, "low", 2, 11, 3);
  EXPECT(Eventually([&] { return high->ended(); }));
  EXPECT(!low->begun());
  jobs[0]->LetGo();
  EXPECT(Eventually([&] { return jobs[4]->begun(); }));
  for (const auto& job : jobs) {
    job->LetGo();
  }
  EXPECT(Eventually([&] { return low->ended(); }));
  EXPECT_EQ(world.overlaps.load(), 0);
}

TEST("a slice that a more urgent job cuts in two goes on afterwards: no equal comes between") {
  World world;
  const auto a = Add(world, "a", 1, 1);
  EXPECT(Eventually([&] { return a->begun(); }));
  const auto b = Add(world, "b", 1, 2, 1);
  const auto high = Add(world, "high", 0, 3, 1);
  EXPECT(Eventually([&] { return high->ended(); }));
  const int64_t done = a->pieces();
  EXPECT(Eventually([&] { return a->pieces() > done + 2; }));
  EXPECT(!b->begun());
  a->LetGo();
  EXPECT(Eventually([&] { return b->ended(); }));
  EXPECT_EQ(world.record.text(), std::string("a+ high+ high- a- b+ b-"));
}

TEST("who wants the session of a job in its prompt interrupts it, when more urgent, and it is run again behind") {
  World world;
  const auto low = std::make_shared<Worker>(world, "low", 3, 1);
  low->interruptible_ = true;
  EXPECT(world.scheduler.Submit(low));
  EXPECT(Eventually([&] { return low->begun(); }));
  // Paused by somebody else first, and a less urgent neighbour of its own session does nothing to it.
  const auto other = Add(world, "other", 1, 2);
  const auto equal = Add(world, "equal", 3, 1, 1);
  EXPECT(Eventually([&] { return other->begun(); }));
  const auto high = Add(world, "high", 0, 1, 2);
  EXPECT(Eventually([&] { return high->ended(); }));
  other->LetGo();
  EXPECT(Eventually([&] { return low->runs() == 2; }));
  low->LetGo();
  EXPECT(Eventually([&] { return equal->ended(); }));
  EXPECT_EQ(world.record.text(), std::string("low+ other+ low! high+ high- other- low+ low- equal+ equal-"));
}

TEST("one that decodes is waited for, and has its turn before others until then") {
  World world;
  const auto low = Add(world, "low", 3, 1);  // not interruptible
  EXPECT(Eventually([&] { return low->begun(); }));
  const auto mid = Add(world, "mid", 1, 2);
  EXPECT(Eventually([&] { return mid->begun(); }));
  const int64_t done = low->pieces();
  const auto high = Add(world, "high", 0, 1, 1);  // its session is low's
  EXPECT(Eventually([&] { return low->pieces() > done + 2; }));
  EXPECT(!high->begun());
  low->LetGo();
  EXPECT(Eventually([&] { return high->ended(); }));
  mid->LetGo();
  EXPECT(Eventually([&] { return mid->ended(); }));
  EXPECT_EQ(world.record.text(), std::string("low+ mid+ low- high+ high- mid-"));
}

TEST("model jobs stand in nobody's way") {
  World world;
  const auto a = Add(world, "a", 3, kModelJobs);
  EXPECT(Eventually([&] { return a->begun(); }));
  const auto b = Add(world, "b", 1, kModelJobs, 1);
  EXPECT(Eventually([&] { return b->ended(); }));
  EXPECT(!a->ended());
  a->LetGo();
}

TEST("a paused job that is cancelled ends at once, and the one that ran goes on") {
  World world;
  const auto low = Add(world, "low", 3, 1);
  EXPECT(Eventually([&] { return low->begun(); }));
  const auto high = Add(world, "high", 0, 2);
  EXPECT(Eventually([&] { return high->begun(); }));
  const auto waiting = Add(world, "waiting", 3, 1);
  world.scheduler.Cancel([](const Job& job) { return job.priority() == 3; });
  EXPECT(Eventually([&] { return low->ended() && waiting->ended(); }));
  EXPECT(!high->ended());
  high->LetGo();
  EXPECT(Eventually([&] { return high->ended(); }));
  EXPECT_EQ(low->runs(), 1);
  EXPECT_EQ(waiting->runs(), 0);
}

// Opens, closes: what takes no time.
class Errand : public Job {
 public:
  Errand(World& world, std::string name, SessionId session)
      : Job(-1, session, -1), world_(world), name_(std::move(name)) {}
  bool Run() override {
    world_.record.Add(name_);
    thread_ = std::this_thread::get_id();
    ended_ = true;
    return true;
  }
  void Abandon(const Status&) override {
    world_.record.Add(name_ + "?");
    ended_ = true;
  }
  World& world_;
  const std::string name_;
  std::thread::id thread_;
  std::atomic<bool> ended_{false};
};

TEST("errands are done by whoever holds the baton, in order, but not on a session that is in use") {
  World world;
  const auto idle = std::make_shared<Errand>(world, "idle", 9);
  EXPECT(world.scheduler.Submit(idle));
  EXPECT(Eventually([&] { return idle->ended_.load(); }));
  const auto low = Add(world, "low", 3, 1);
  EXPECT(Eventually([&] { return low->begun(); }));
  std::vector<std::shared_ptr<Errand>> errands;
  for (const auto& [name, session] : {std::pair("close", 1), std::pair("one", 2), std::pair("two", 3)}) {
    errands.push_back(std::make_shared<Errand>(world, name, static_cast<SessionId>(session)));
    EXPECT(world.scheduler.Submit(errands.back()));
  }
  EXPECT(Eventually([&] { return errands[2]->ended_.load(); }));
  EXPECT(!errands[0]->ended_);
  EXPECT_EQ(low->betweens(), 0);  // it was not put aside for that
  low->LetGo();
  EXPECT(Eventually([&] { return errands[0]->ended_.load(); }));
  EXPECT_EQ(world.record.text(), std::string("idle low+ one two low- close"));
  EXPECT(world.scheduler.Jobs().empty());
}

TEST("stopping ends everything: what runs, what is paused, what waits") {
  World world;
  const auto low = Add(world, "low", 3, 1);
  EXPECT(Eventually([&] { return low->begun(); }));
  const auto high = Add(world, "high", 0, 2);
  EXPECT(Eventually([&] { return high->begun(); }));
  const auto waiting = Add(world, "waiting", 3, 1);
  world.scheduler.Stop();
  world.scheduler.Join();
  EXPECT(low->ended() && high->ended() && waiting->ended());
  EXPECT(!world.scheduler.Submit(std::make_shared<Worker>(world, "late", 0, 7)));
  EXPECT(world.scheduler.Jobs().empty());
}

TEST("nothing runs before it is opened, and a scheduler that never was can go") {
  World closed;
  Scheduler scheduler;
  const auto job = std::make_shared<Worker>(closed, "job", 0, 1, 1);
  EXPECT(scheduler.Submit(job));
  std::this_thread::sleep_for(milliseconds(5));
  EXPECT(!job->begun());
}

TEST("a crowd of jobs of all priorities and sessions, cancelled at random: each ends, one at a time") {
  World world(milliseconds(1));
  std::vector<std::shared_ptr<Worker>> jobs;
  uint32_t random = 1;
  const auto next = [&](uint32_t n) {
    random = random * 1664525u + 1013904223u;
    return (random >> 8) % n;
  };
  for (int i = 0; i < 150; ++i) {
    auto job = std::make_shared<Worker>(world, "j", static_cast<int>(next(4)), 1 + next(6), 1 + next(6));
    job->interruptible_ = next(2) == 0;
    EXPECT(world.scheduler.Submit(job));
    jobs.push_back(job);
    if (next(5) == 0) {
      EXPECT(world.scheduler.Submit(std::make_shared<Errand>(world, "e", 1 + next(6))));
    }
    if (next(4) == 0) {
      const Job* victim = jobs[next(static_cast<uint32_t>(jobs.size()))].get();
      world.scheduler.Cancel([&](const Job& each) { return &each == victim; });
    }
    std::this_thread::sleep_for(std::chrono::microseconds(next(700)));
  }
  for (const auto& job : jobs) {
    EXPECT(Eventually([&] { return job->ended(); }));
  }
  EXPECT_EQ(world.overlaps.load(), 0);
  EXPECT_EQ(world.inside.load(), 0);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
