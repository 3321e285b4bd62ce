#include "base/timed_condition.h"

#include <thread>

#include "base/testing.h"

namespace niwaki {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

TEST("a wait ends when its time has come, and says that nothing happened") {
  std::mutex mutex;
  TimedCondition condition;
  std::unique_lock<std::mutex> lock(mutex);
  for (const int ms : {0, 1, 30}) {
    const Clock::time_point begin = Clock::now();
    EXPECT(!condition.WaitFor(lock, milliseconds(ms), [] { return false; }));
    EXPECT(Clock::now() - begin >= milliseconds(ms));
    EXPECT(lock.owns_lock());
  }
}

TEST("a wait ends at once where there is nothing to wait for, however long it might take") {
  std::mutex mutex;
  TimedCondition condition;
  std::unique_lock<std::mutex> lock(mutex);
  EXPECT(condition.WaitFor(lock, std::chrono::hours(1), [] { return true; }));
}

TEST("whoever waits is woken, alone or with all others, and only by what was waited for") {
  std::mutex mutex;
  TimedCondition condition;
  int turns = 0;
  int woken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      std::unique_lock<std::mutex> lock(mutex);
      EXPECT(condition.WaitFor(lock, std::chrono::hours(1), [&] { return turns > 0; }));
      --turns;
      ++woken;
    });
  }
  condition.NotifyAll();  // nothing has happened
  {
    const std::lock_guard<std::mutex> lock(mutex);
    turns = 1;
    condition.NotifyOne();
  }
  for (bool done = false; !done; std::this_thread::yield()) {
    const std::lock_guard<std::mutex> lock(mutex);
    done = woken == 1;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex);
    turns = 2;
    condition.NotifyAll();
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(woken, 3);
  EXPECT_EQ(turns, 0);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
