#include "base/timed_condition.h"

#if defined(NIWAKI_PTHREAD_CONDITION)
#include <time.h>
#endif

namespace niwaki {

#if defined(NIWAKI_PTHREAD_CONDITION)

// Neither can fail with a clock that every Linux has.
TimedCondition::TimedCondition() {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&condition_, &attributes);
  pthread_condattr_destroy(&attributes);
}

TimedCondition::~TimedCondition() { pthread_cond_destroy(&condition_); }

void TimedCondition::NotifyOne() { pthread_cond_signal(&condition_); }
void TimedCondition::NotifyAll() { pthread_cond_broadcast(&condition_); }

bool TimedCondition::WaitUntil(std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point end) {
  // steady_clock is CLOCK_MONOTONIC on Linux, with either C++ library.
  const auto since = end.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  timespec until{};
  until.tv_sec = static_cast<time_t>(seconds.count());
  until.tv_nsec = static_cast<long>(std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count());
  return pthread_cond_timedwait(&condition_, lock.mutex()->native_handle(), &until) == 0;
}

#else

void TimedCondition::NotifyOne() { condition_.notify_one(); }
void TimedCondition::NotifyAll() { condition_.notify_all(); }

bool TimedCondition::WaitUntil(std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point end) {
  return condition_.wait_until(lock, end) != std::cv_status::timeout;
}

#endif

}  // namespace niwaki
