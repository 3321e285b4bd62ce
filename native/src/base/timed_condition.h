// A condition variable that is waited for with a limit. std::condition_variable::wait_for is one where it is what it
// says; where GCC's library has it call pthread_cond_clockwait (glibc 2.30), releases would not run on the systems that
// they are made for (docs/adr/0013), and its older form waits by a clock that somebody may set.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__GLIBC__) || defined(__linux__)
#define NIWAKI_PTHREAD_CONDITION 1
#include <pthread.h>
#endif

namespace niwaki {

class TimedCondition {
 public:
#if defined(NIWAKI_PTHREAD_CONDITION)
  TimedCondition();
  ~TimedCondition();
#else
  TimedCondition() = default;
#endif
  TimedCondition(const TimedCondition&) = delete;
  TimedCondition& operator=(const TimedCondition&) = delete;

  void NotifyOne();
  void NotifyAll();

  // Until `over()` or, by a clock that nobody sets, for `most`, a day at the longest; returns what `over()` says at the
  // end. Under the lock.
  template <typename Predicate>
  bool WaitFor(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds most, Predicate over) {
    const std::chrono::steady_clock::time_point end =
        std::chrono::steady_clock::now() +
        std::clamp<std::chrono::milliseconds>(most, std::chrono::hours(0), std::chrono::hours(24));
    while (!over()) {
      if (!WaitUntil(lock, end)) {
        return over();
      }
    }
    return true;
  }

 private:
  // False: the time has come.
  bool WaitUntil(std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point end);

#if defined(NIWAKI_PTHREAD_CONDITION)
  pthread_cond_t condition_;
#else
  std::condition_variable condition_;
#endif
};

}  // namespace niwaki
