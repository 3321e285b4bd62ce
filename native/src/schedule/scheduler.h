// Decides who computes. Every job that has been started has a thread of its own, and exactly one of them holds the
// baton: it alone touches the engine and its sessions. Knows nothing of what jobs do.
//
// * A more urgent job gets the baton at once: whoever holds it is paused before its next piece of work, well under a
//   millisecond away, and goes on with its stack as it left it. Nothing is lost or computed twice.
// * Equals share: when one has had the baton for a time slice, and another one waits, it hands over at the next chunk's
//   or token's end. At the most kMostOfAPriority jobs of one priority are started; others wait, first come first
//   served. So there is always room for a more urgent one, and since a slice never ends in the middle of a chunk, at
//   most one job of each priority is paused there and needs activations of its own.
// * A job whose session another one uses that has been started is not started beside it. When it is more urgent and the
//   other one is in its prompt (SetInterruptible), the other is interrupted: what it has finished stays cached, and it
//   goes back to the head of its own priority. When the other one decodes already, the new one waits until it has
//   ended; the other has its priority until then, too.
// * A job that has been cancelled gets the baton before all others, so that it ends soon also when it was paused.
// * Errands (Job::errand: opening and closing sessions) are done by whoever holds the baton, between two pieces of its
//   work, on its thread; when nobody does, they are jobs like others.
//
// Waiting for the holder's piece of work: a background job's workers are behind everybody else on a busy machine, and
// the one piece that each has in hand may take a few time slices of the system's. They are ten nice values down and not
// at the bottom for that reason (base/thread_priority.h).
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "niwaki/pause.h"
#include "schedule/job.h"

namespace niwaki {

class Scheduler final : public Pauser {
 public:
  static constexpr int kMostOfAPriority = 4;

  // No job runs before Open. Throws std::system_error when no thread can be made.
  explicit Scheduler(std::chrono::milliseconds slice = std::chrono::milliseconds(200));
  ~Scheduler() override;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // All of these: any thread.
  void Open();
  // False when it is stopping: the job will never run and Abandon is not called.
  bool Submit(std::shared_ptr<Job> job);
  // Cancels the jobs for which `chosen` says so (called under a lock). Those that have been started end as soon as the
  // engine notices; those that wait are abandoned at once, on this thread.
  void Cancel(const std::function<bool(const Job&)>& chosen);
  // A job's Cancel was called.
  void Reconsider();
  // Cancels everything and takes nothing more.
  void Stop();
  // Waits until Stop was called and all jobs have ended, and ends the threads. Not on a job's thread.
  void Join();
  // Those that run, are paused or wait, errands left out: the started ones first, each in the order of submission.
  std::vector<JobStatus> Jobs() const;

  // For a job that holds the baton: whether it may be interrupted in favour of one that wants its session.
  void SetInterruptible(Job& job, bool interruptible);

  // Pauser: on the thread of the job that holds the baton.
  bool LookUp() override;
  void Pause() override;
  bool Between() override;

 private:
  using Lock = std::unique_lock<std::mutex>;
  // A thread for started jobs, one after the other.
  struct Seat {
    std::thread thread;
    std::condition_variable wake;
    std::shared_ptr<Job> job;  // null: nobody sits there
  };

  // All under mutex_.
  int Urgency(const Job& job) const;
  bool MayStart(const Job& job) const;
  // Who should compute next, of those who do not; null = nobody. `with_errands`: of which those are that wait.
  Job* Next(bool with_errands) const;
  bool Before(const Job& a, const Job& b) const;
  // To be called after whatever has changed: interrupts, gives the baton away where nobody has it, sets `wanted`.
  void Settle();
  void PassOn();
  bool Start(Job& job);
  std::shared_ptr<Job> TakeFromQueue(const Job& job);
  void RunErrands(Lock& lock);
  void GiveUp(Lock& lock, Job& job);

  void AddSeat();
  void Sit(Seat& seat);
  void End(Lock& lock, Seat& seat, bool done);

  const std::chrono::steady_clock::duration slice_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // for Join
  std::vector<std::shared_ptr<Job>> queue_;
  std::vector<std::shared_ptr<Job>> started_;
  Job* running_ = nullptr;  // who holds the baton; one of started_
  std::vector<std::unique_ptr<Seat>> seats_;
  std::vector<Seat*> free_seats_;
  std::atomic<bool> company_{false};  // there are jobs besides the one that runs
  uint64_t next_turn_ = 0;
  bool open_ = false;
  bool stopping_ = false;
  bool ending_ = false;
};

}  // namespace niwaki
