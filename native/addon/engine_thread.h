// The engine thread of one loaded model. It owns the niwaki::Engine and its Sessions, takes jobs out of a priority
// queue and is the only thread that evaluates anything. Knows nothing of JavaScript.
//
// A job of higher priority pre-empts a running one where that loses nothing: while it evaluates its prompt
// (Session::Sync keeps what is finished). The pre-empted job goes back to the head of its own priority.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "niwaki/engine.h"

namespace niwaki::addon {

using SessionId = uint32_t;
// What jobs carry that belong to no session but to the model.
constexpr SessionId kModelJobs = 0;

class EngineThread;

class Job {
 public:
  // Lower `priority` runs first. `id` is the caller's name for the job within its session.
  Job(int priority, SessionId session, int64_t id) : priority_(priority), session_(session), id_(id) {}
  virtual ~Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // On the engine thread. False: pre-empted before it was done, to be run again later.
  virtual bool Run(EngineThread& thread) = 0;
  // Called instead of Run, on any thread, when the job was cancelled before its turn came.
  virtual void Abandon(const Status& why) = 0;

  int priority() const { return priority_; }
  SessionId session() const { return session_; }
  int64_t id() const { return id_; }
  bool cancelled() const { return cancelled_.load(); }
  // Any thread.
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
  // What the engine polls: set by Cancel and by pre-emption.
  const CancelFlag& interrupt() const { return interrupt_; }

 private:
  friend class EngineThread;

  const int priority_;
  const SessionId session_;
  const int64_t id_;
  uint64_t order_ = 0;        // place in the queue, guarded by EngineThread::mutex_
  bool preemptible_ = false;  // guarded by EngineThread::mutex_
  std::atomic<bool> cancelled_{false};
  CancelFlag interrupt_{false};
};

class EngineThread {
 public:
  // Called on the engine thread once: with the engine, or with the reason why there is none.
  using LoadedCallback = std::function<void(const Status&, std::shared_ptr<Engine>)>;

  // Starts the thread, which loads the model first.
  static std::shared_ptr<EngineThread> Start(LoadOptions options, LoadedCallback loaded);
  ~EngineThread();
  EngineThread(const EngineThread&) = delete;
  EngineThread& operator=(const EngineThread&) = delete;

  // Any thread. False when the thread is stopping: the job will never run and Abandon is not called.
  bool Submit(std::shared_ptr<Job> job);
  // A running job ends as soon as the engine notices; a waiting one is abandoned at once, on this thread.
  void CancelJob(SessionId session, int64_t id);
  void CancelSession(SessionId session);
  // Cancels everything (loading too), frees sessions and engine, ends the thread. `stopped` (may be null) is called
  // when the memory is free: on the engine thread, or at once when that was the case already.
  void Stop(std::function<void()> stopped);
  // Waits for the end of the thread, which Stop has set in motion.
  void Join();
  // The thread has nothing left to do; Join will not wait.
  bool finished() const { return finished_.load(); }
  // Any thread: what the sessions' caches hold.
  int64_t kv_bytes() const { return kv_bytes_.load(); }
  SessionId NewSessionId() { return next_session_.fetch_add(1); }

  // For jobs, on the engine thread.
  Engine& engine() { return *engine_; }
  Session* FindSession(SessionId id);
  void AddSession(SessionId id, std::unique_ptr<Session> session) { sessions_[id] = std::move(session); }
  void RemoveSession(SessionId id) {
    sessions_.erase(id);
    CountKv();
  }
  // Brings kv_bytes up to date.
  void CountKv();
  // Says whether the running job may be interrupted in favour of one of higher priority.
  void SetPreemptible(Job& job, bool preemptible);

 private:
  using QueueKey = std::pair<int, uint64_t>;  // priority, order

  EngineThread() = default;
  void Main(const LoadOptions& options, const LoadedCallback& loaded);
  void Load(const LoadOptions& options, const LoadedCallback& loaded);
  void Loop();
  void RunJob(const std::shared_ptr<Job>& job);
  // Takes the waiting jobs out for which `chosen` says so and cancels the running one likewise.
  std::vector<std::shared_ptr<Job>> CancelWhere(const std::function<bool(const Job&)>& chosen);

  std::thread thread_;
  std::shared_ptr<Engine> engine_;                                    // engine thread only
  std::unordered_map<SessionId, std::unique_ptr<Session>> sessions_;  // engine thread only; destroyed before engine_
  std::atomic<SessionId> next_session_{1};
  std::atomic<int64_t> kv_bytes_{0};
  CancelFlag load_cancel_{false};
  std::atomic<bool> finished_{false};

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::map<QueueKey, std::shared_ptr<Job>> queue_;
  std::shared_ptr<Job> running_;
  uint64_t next_order_ = 0;
  bool stopping_ = false;
  bool freed_ = false;
  std::vector<std::function<void()>> stopped_callbacks_;
};

}  // namespace niwaki::addon
