#include "schedule/scheduler.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <new>
#include <system_error>
#include <utility>

namespace niwaki {
namespace {

using Clock = std::chrono::steady_clock;

Status Cancelled() { return Status(StatusCode::kCancelled, "The request was cancelled."); }

// False: to be run again.
bool RunJob(Job& job) {
  try {
    return job.Run();
  } catch (const std::bad_alloc&) {
    job.Abandon(Status(StatusCode::kOutOfMemory,
                       "There is not enough memory for this request. Close other programs or shorten it."));
  } catch (...) {
    job.Abandon(Status(StatusCode::kInternal, "The engine failed in an unforeseen way. Please report this."));
  }
  return true;
}

}  // namespace

const char* JobStateName(JobState state) {
  switch (state) {
    case JobState::kRunning:
      return "running";
    case JobState::kPaused:
      return "paused";
    case JobState::kWaiting:
      return "waiting";
  }
  return "waiting";
}

Scheduler::Scheduler(std::chrono::milliseconds slice) : slice_(slice) { AddSeat(); }

Scheduler::~Scheduler() {
  Stop();
  Join();
}

void Scheduler::Open() {
  const Lock lock(mutex_);
  open_ = true;
  Settle();
}

bool Scheduler::Submit(std::shared_ptr<Job> job) {
  const Lock lock(mutex_);
  if (stopping_) {
    return false;
  }
  job->turn_ = next_turn_++;
  queue_.push_back(std::move(job));
  Settle();
  return true;
}

void Scheduler::Cancel(const std::function<bool(const Job&)>& chosen) {
  std::vector<std::shared_ptr<Job>> taken;
  {
    const Lock lock(mutex_);
    const auto waiting = std::stable_partition(queue_.begin(), queue_.end(),
                                               [&](const std::shared_ptr<Job>& job) { return !chosen(*job); });
    taken.assign(std::make_move_iterator(waiting), std::make_move_iterator(queue_.end()));
    queue_.erase(waiting, queue_.end());
    for (const std::shared_ptr<Job>& job : taken) {
      job->Cancel();
    }
    for (const std::shared_ptr<Job>& job : started_) {
      if (chosen(*job)) {
        job->Cancel();
      }
    }
    Settle();
  }
  for (const std::shared_ptr<Job>& job : taken) {
    job->Abandon(Cancelled());
  }
}

void Scheduler::Reconsider() {
  const Lock lock(mutex_);
  Settle();
}

void Scheduler::Stop() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  Cancel([](const Job&) { return true; });
  changed_.notify_all();
}

void Scheduler::Join() {
  std::vector<std::unique_ptr<Seat>> seats;
  {
    Lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ && started_.empty(); });
    ending_ = true;
    for (const std::unique_ptr<Seat>& seat : seats_) {
      seat->wake.notify_one();
    }
    seats.swap(seats_);
  }
  for (const std::unique_ptr<Seat>& seat : seats) {
    seat->thread.join();
  }
}

std::vector<JobStatus> Scheduler::Jobs() const {
  const Lock lock(mutex_);
  std::vector<JobStatus> all;
  const auto add = [&](const Job& job, JobState state) {
    if (!job.errand()) {
      all.push_back({job.session_, job.id_, job.priority_, state, job.done_.load(std::memory_order_relaxed),
                     job.total_.load(std::memory_order_relaxed), job.decoded_.load(std::memory_order_relaxed)});
    }
  };
  for (const std::shared_ptr<Job>& job : started_) {
    add(*job, job.get() == running_ ? JobState::kRunning : JobState::kPaused);
  }
  for (const std::shared_ptr<Job>& job : queue_) {
    add(*job, JobState::kWaiting);
  }
  return all;
}

void Scheduler::SetInterruptible(Job& job, bool interruptible) {
  const Lock lock(mutex_);
  job.interruptible_ = interruptible;
  Settle();
}

// -------------------------------------------------------------------------------------------------------------
// choosing

// A smaller number comes first. A started job that keeps a more urgent one from its session is as urgent as that one.
int Scheduler::Urgency(const Job& job) const {
  if (job.cancelled()) {
    return std::numeric_limits<int>::min();
  }
  int urgency = job.priority_;
  if (job.started_ && job.session_ != kModelJobs) {
    for (const std::shared_ptr<Job>& other : queue_) {
      if (other->session_ == job.session_) {
        urgency = std::min(urgency, other->priority_);
      }
    }
  }
  return urgency;
}

bool Scheduler::Before(const Job& a, const Job& b) const {
  return std::pair(Urgency(a), a.turn_) < std::pair(Urgency(b), b.turn_);
}

bool Scheduler::MayStart(const Job& job) const {
  int equals = 0;
  for (const std::shared_ptr<Job>& other : started_) {
    if (job.session_ != kModelJobs && other->session_ == job.session_) {
      return false;
    }
    equals += other->priority_ == job.priority_ ? 1 : 0;
  }
  return equals < kMostOfAPriority;
}

Job* Scheduler::Next(bool with_errands) const {
  Job* best = nullptr;
  for (const std::shared_ptr<Job>& job : started_) {
    if (job.get() != running_ && (best == nullptr || Before(*job, *best))) {
      best = job.get();
    }
  }
  for (const std::shared_ptr<Job>& job : queue_) {
    if ((with_errands || !job->errand()) && MayStart(*job) && (best == nullptr || Before(*job, *best))) {
      best = job.get();
    }
  }
  return best;
}

void Scheduler::Settle() {
  if (!open_) {
    return;
  }
  for (const std::shared_ptr<Job>& job : started_) {
    if (job->interruptible_ && !job->cancelled() && Urgency(*job) < job->priority_) {
      job->interrupt_.store(true);
    }
  }
  if (running_ == nullptr) {
    PassOn();
  }
  company_.store(!queue_.empty() || started_.size() > 1, std::memory_order_relaxed);
  const Job* next = running_ == nullptr ? nullptr : Next(true);
  wanted.store(next != nullptr && (next->errand() || Urgency(*next) < Urgency(*running_)));
}

// ------------------------------------------------------------------------------------------------------------ the
// baton

void Scheduler::PassOn() {
  Job* next = Next(true);
  if (next == nullptr) {
    return;
  }
  const bool waits = std::none_of(started_.begin(), started_.end(), [&](const auto& job) { return job.get() == next; });
  if (waits && !Start(*next)) {
    // The system gives no more threads. There is at least one; whoever has it is paused, and goes on.
    next = nullptr;
    for (const std::shared_ptr<Job>& job : started_) {
      next = next == nullptr || Before(*job, *next) ? job.get() : next;
    }
    if (next == nullptr) {
      return;
    }
  }
  running_ = next;
  next->since_ = Clock::now();
  next->turn_came_.notify_one();
}

std::shared_ptr<Job> Scheduler::TakeFromQueue(const Job& job) {
  const auto found = std::find_if(queue_.begin(), queue_.end(), [&](const auto& each) { return each.get() == &job; });
  std::shared_ptr<Job> taken = std::move(*found);
  queue_.erase(found);
  return taken;
}

bool Scheduler::Start(Job& job) {
  if (free_seats_.empty()) {
    try {
      AddSeat();
    } catch (const std::system_error&) {
      return false;
    }
  }
  Seat& seat = *free_seats_.back();
  free_seats_.pop_back();
  seat.job = TakeFromQueue(job);
  job.started_ = true;
  started_.push_back(seat.job);
  seat.wake.notify_one();
  return true;
}

void Scheduler::AddSeat() {
  seats_.reserve(seats_.size() + 1);
  free_seats_.reserve(seats_.size() + 1);
  auto seat = std::make_unique<Seat>();
  seat->thread = std::thread([this, sits = seat.get()] { Sit(*sits); });
  free_seats_.push_back(seat.get());
  seats_.push_back(std::move(seat));
}

void Scheduler::Sit(Seat& seat) {
  Lock lock(mutex_);
  for (;;) {
    seat.wake.wait(lock, [&] { return ending_ || seat.job != nullptr; });
    if (seat.job == nullptr) {
      return;
    }
    lock.unlock();
    const bool done = RunJob(*seat.job);
    lock.lock();
    End(lock, seat, done);
  }
}

void Scheduler::End(Lock& lock, Seat& seat, bool done) {
  const std::shared_ptr<Job> job = std::move(seat.job);
  seat.job = nullptr;
  job->started_ = false;
  job->interruptible_ = false;
  job->used_ = Clock::duration(0);
  started_.erase(std::find(started_.begin(), started_.end(), job));
  free_seats_.push_back(&seat);  // the last one is the next: this thread is awake
  running_ = nullptr;
  const bool abandon = !done && (stopping_ || job->cancelled());
  if (!done && !abandon) {
    queue_.push_back(job);  // its turn is still the earliest
  }
  Settle();
  if (abandon) {
    lock.unlock();
    job->Abandon(Cancelled());
    lock.lock();
  }
  if (stopping_ && started_.empty()) {
    changed_.notify_all();
  }
}

void Scheduler::RunErrands(Lock& lock) {
  for (;;) {
    const auto found =
        std::find_if(queue_.begin(), queue_.end(), [&](const auto& job) { return job->errand() && MayStart(*job); });
    if (found == queue_.end()) {
      return;
    }
    const std::shared_ptr<Job> errand = std::move(*found);
    queue_.erase(found);
    lock.unlock();
    (void)RunJob(*errand);
    lock.lock();
  }
}

void Scheduler::GiveUp(Lock& lock, Job& job) {
  const Clock::time_point begin = Clock::now();
  job.used_ += begin - job.since_;
  running_ = nullptr;
  Settle();  // may choose this one again
  job.turn_came_.wait(lock, [&] { return running_ == &job; });
  job.paused_ += Clock::now() - begin;
}

bool Scheduler::LookUp() {
  Lock lock(mutex_);
  RunErrands(lock);
  Settle();
  const Job* next = Next(false);
  return next != nullptr && Urgency(*next) < Urgency(*running_);
}

void Scheduler::Pause() {
  Lock lock(mutex_);
  GiveUp(lock, *running_);
}

bool Scheduler::Between() {
  if (!company_.load(std::memory_order_relaxed)) {
    return false;
  }
  Lock lock(mutex_);
  RunErrands(lock);
  Settle();
  Job& job = *running_;
  const Job* next = Next(false);
  if (next == nullptr || Urgency(*next) > Urgency(job)) {
    return false;
  }
  if (Urgency(*next) == Urgency(job)) {
    if (job.used_ + (Clock::now() - job.since_) < slice_) {
      return false;
    }
    job.turn_ = next_turn_++;
    GiveUp(lock, job);
    job.used_ = Clock::duration(0);
    return true;
  }
  GiveUp(lock, job);
  return true;
}

}  // namespace niwaki
