// Workers for one engine. Work is cut into more chunks than there are threads and taken one by one, so that a thread
// which the system deschedules (an editor's machine is always busy) delays one chunk and not everybody.
//
// A ParallelFor can be paused between two chunks: its caller then waits in the middle of it, and somebody else may use
// the pool meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

namespace niwaki {

class ThreadPool {
 public:
  enum class Priority {
    kNormal,
    kLow
  };  // of the extra threads (base/thread_priority.h); the caller's is its own affair
  // `threads` counts the caller: 1 means no extra threads. 0 = a sensible number for this machine (base/cpu_count.h, at
  // most 8).
  explicit ThreadPool(int threads, Priority priority = Priority::kNormal);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  // From the next ParallelFor on only `threads` of them compute, the caller included; 0 = all. Not during a
  // ParallelFor.
  void Limit(int threads);

  // From the next ParallelFor on all threads look at `wanted` before each chunk (one relaxed load; not during the first
  // one after a pause, so that something is always done between two). When it is set they take no more, and ParallelFor
  // calls `pause`, on its caller's thread and while nobody else is inside; then it goes on with what is left. Others
  // may call ParallelFor and Limit before `pause` returns. Whether and where there are pauses makes no difference to fn
  // but for the numbers of the workers. `wanted` must stay valid until the next call; null = no pauses. Not during a
  // ParallelFor.
  void PauseWith(const std::atomic<bool>* wanted, std::function<void()> pause);

  // Calls fn(chunk, worker) once for each chunk in [0, chunks), in any order and concurrently; worker is in [0,
  // threads()). The caller computes too. Returns when all are done. Not reentrant, but for what is said of pauses; one
  // caller at a time. fn must not throw. Idle workers spin for a bounded moment (some 50 microseconds), then sleep: an
  // idle engine takes no CPU.
  void ParallelFor(int64_t chunks, const std::function<void(int64_t chunk, int worker)>& fn);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace niwaki
