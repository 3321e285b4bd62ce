// The engine of one loaded model: its niwaki::Engine, its Sessions, and the jobs that want to compute on them. One
// thread loads it and frees it again; jobs have threads of their own, of which one at a time holds the baton
// (schedule/scheduler.h says who). Knows nothing of JavaScript.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "job.h"
#include "niwaki/engine.h"
#include "schedule/scheduler.h"

namespace niwaki::addon {

class EngineThread : public std::enable_shared_from_this<EngineThread> {
 public:
  // Called on the engine thread once: with the engine, or with the reason why there is none.
  using LoadedCallback = std::function<void(const Status&, std::shared_ptr<Engine>)>;

  // Starts the thread, which loads the model first.
  static std::shared_ptr<EngineThread> Start(LoadOptions options, LoadedCallback loaded);
  ~EngineThread();
  EngineThread(const EngineThread&) = delete;
  EngineThread& operator=(const EngineThread&) = delete;

  // Any thread. False when the model is being freed: the job will never run and Abandon is not called.
  bool Submit(std::shared_ptr<EngineJob> job);
  // A running or paused job ends as soon as the engine notices; a waiting one is abandoned at once, on this thread.
  void CancelJob(SessionId session, int64_t id);
  void CancelSession(SessionId session);
  // A job's Cancel was called.
  void Reconsider() { scheduler_.Reconsider(); }
  // Cancels everything (loading too), frees sessions and engine, ends the threads. `stopped` (may be null) is called
  // when the memory is free: on the engine thread, or at once when that was the case already.
  void Stop(std::function<void()> stopped);
  // Waits for the end of the threads, which Stop has set in motion.
  void Join();
  // The threads have nothing left to do; Join will not wait.
  bool finished() const { return finished_.load(); }
  // Any thread: as of the last CountKv.
  KvCounters kv_counters() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return kv_counters_;
  }
  // Any thread.
  std::vector<JobStatus> Jobs() const { return scheduler_.Jobs(); }
  SessionId NewSessionId() { return next_session_.fetch_add(1); }

  // For jobs that hold the baton.
  Engine& engine() { return *engine_; }
  Session* FindSession(SessionId id);
  void AddSession(SessionId id, std::unique_ptr<Session> session) { sessions_[id] = std::move(session); }
  void RemoveSession(SessionId id) {
    sessions_.erase(id);
    CountKv();
  }
  // Brings kv_counters up to date.
  void CountKv();
  // Says whether the job may be interrupted in favour of a more urgent one that wants its session.
  void SetInterruptible(Job& job, bool interruptible) { scheduler_.SetInterruptible(job, interruptible); }

 private:
  EngineThread() = default;
  void Main(const LoadOptions& options, const LoadedCallback& loaded);
  void Load(const LoadOptions& options, const LoadedCallback& loaded);

  std::thread thread_;
  std::shared_ptr<Engine> engine_;                                    // whoever holds the baton
  std::unordered_map<SessionId, std::unique_ptr<Session>> sessions_;  // likewise; destroyed before engine_
  std::atomic<SessionId> next_session_{kModelJobs + 1};
  CancelFlag load_cancel_{false};
  std::atomic<bool> finished_{false};
  Scheduler scheduler_;

  std::mutex mutex_;
  // Guarded by mutex_.
  bool freed_ = false;
  KvCounters kv_counters_;
  std::vector<std::function<void()>> stopped_callbacks_;
};

}  // namespace niwaki::addon
