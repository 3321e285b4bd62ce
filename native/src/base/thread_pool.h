// Workers for one engine. Work is cut into more chunks than there are threads and taken one by one, so that a thread
// which the system deschedules (an editor's machine is always busy) delays one chunk and not everybody.
#pragma once

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

  // Calls fn(chunk, worker) once for each chunk in [0, chunks), in any order and concurrently; worker is in [0,
  // threads()). The caller computes too. Returns when all are done. Not reentrant; one caller at a time. fn must not
  // throw. Idle workers spin for a bounded moment (some 50 microseconds), then sleep: an idle engine takes no CPU.
  void ParallelFor(int64_t chunks, const std::function<void(int64_t chunk, int worker)>& fn);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace niwaki
