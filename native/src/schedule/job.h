// A piece of work that waits for its turn to compute.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>

#include "niwaki/engine.h"

namespace niwaki {

using SessionId = uint32_t;
// What jobs carry that belong to no session but to the model.
constexpr SessionId kModelJobs = 0;

class Job {
 public:
  // Lower `priority` runs first. One below zero is an errand: it takes no time worth mentioning and computes nothing.
  // `id` is the caller's name for the job within its session.
  Job(int priority, SessionId session, int64_t id) : priority_(priority), session_(session), id_(id) {}
  virtual ~Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // On a thread that is the job's until this returns. False: interrupted before it was done, to be run again later (not
  // for errands).
  virtual bool Run() = 0;
  // Called instead of Run, or in the place of what it would have said where it returned false or threw: on any thread.
  virtual void Abandon(const Status& why) = 0;

  int priority() const { return priority_; }
  bool errand() const { return priority_ < 0; }
  SessionId session() const { return session_; }
  int64_t id() const { return id_; }
  bool cancelled() const { return cancelled_.load(); }
  // Any thread. Whoever uses it instead of Scheduler::Cancel calls Scheduler::Reconsider: a paused job ends no sooner
  // than its turn comes otherwise.
  void Cancel() {
    cancelled_.store(true);
    interrupt_.store(true);
  }

 protected:
  // To be called before each use of `interrupt`. The order of the two stores in Cancel makes sure that no cancel is
  // lost: either this sees `cancelled_`, or the engine sees `interrupt_`.
  bool ArmInterrupt() {
    interrupt_.store(false);
    return !cancelled();
  }
  // What the engine polls: set by Cancel, and where a more urgent job wants the same session.
  const CancelFlag& interrupt() const { return interrupt_; }
  // For Scheduler::Jobs. The job's own thread.
  void SetProgress(int64_t done, int64_t total) {
    total_.store(total, std::memory_order_relaxed);
    done_.store(done, std::memory_order_relaxed);
  }
  void CountDecoded() { decoded_.fetch_add(1, std::memory_order_relaxed); }
  // Milliseconds for which others computed in the middle of this job, all runs together. The job's own thread.
  double paused_ms() const { return std::chrono::duration<double, std::milli>(paused_).count(); }

 private:
  friend class Scheduler;
  using Clock = std::chrono::steady_clock;

  const int priority_;
  const SessionId session_;
  const int64_t id_;
  std::atomic<bool> cancelled_{false};
  CancelFlag interrupt_{false};
  std::atomic<int64_t> done_{0};
  std::atomic<int64_t> total_{0};
  std::atomic<int64_t> decoded_{0};

  // The Scheduler's, guarded by its mutex.
  uint64_t turn_ = 0;  // among jobs of equal priority the smallest is next
  bool started_ = false;
  bool interruptible_ = false;  // in favour of a more urgent job that wants the same session
  Clock::time_point since_{};   // when it began, or went on, to compute
  Clock::duration used_{0};     // of its time slice, before `since_`
  Clock::duration paused_{0};
  std::condition_variable turn_came_;
};

enum class JobState { kRunning, kPaused, kWaiting };
const char* JobStateName(JobState state);

struct JobStatus {
  SessionId session = kModelJobs;
  int64_t id = 0;
  int priority = 0;
  JobState state = JobState::kWaiting;
  int64_t done = 0;  // of its prompt's tokens, those that are in the cache
  int64_t total = 0;
  int64_t decoded = 0;  // tokens
};

}  // namespace niwaki
