#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace niwaki {
namespace {

using Work = std::function<void(int64_t, int)>;

// CPUs that this process may use: the affinity mask, and the container's quota where there is one (cgroup v2).
int AvailableCpus() {
  int cpus = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    cpus = CPU_COUNT(&set);
  }
  std::ifstream quota_file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  int64_t period = 0;
  if (quota_file >> quota >> period && quota != "max" && period > 0) {
    const int64_t limit = std::strtoll(quota.c_str(), nullptr, 10);
    cpus = std::min<int>(cpus, static_cast<int>(std::max<int64_t>(1, (limit + period - 1) / period)));
  }
#endif
  return std::max(1, cpus);
}

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

// One round of work at a time. `round` counts rounds; a worker that saw round n waits for n + 1. `next` hands out
// chunks; `busy` is the number of workers inside the current round: the caller leaves when all chunks are taken and
// nobody is inside.
struct ThreadPool::Impl {
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable done;
  std::atomic<uint64_t> round{0};
  std::atomic<int64_t> next{0};
  std::atomic<int> busy{0};
  int64_t chunks = 0;
  const Work* work = nullptr;
  bool open = false;  // a round accepts workers (under the mutex)
  bool stop = false;
  int sleeping = 0;
  int limit = 0;  // threads that may take part, the caller included (under the mutex)

  void Take(int worker) {
    const int64_t total = chunks;
    for (int64_t chunk = next.fetch_add(1); chunk < total; chunk = next.fetch_add(1)) {
      (*work)(chunk, worker);
    }
  }

  void Run(int worker) {
    uint64_t seen = 0;
    for (;;) {
      const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(20);
      while (round.load(std::memory_order_acquire) == seen && std::chrono::steady_clock::now() < until) {
        Pause();
      }
      {
        std::unique_lock<std::mutex> lock(mutex);
        ++sleeping;
        wake.wait(lock, [&] { return stop || round.load(std::memory_order_relaxed) != seen; });
        --sleeping;
        if (stop) {
          return;
        }
        seen = round.load(std::memory_order_relaxed);
        if (!open || worker >= limit) {
          continue;  // came too late: the round is over; or is not wanted
        }
        busy.fetch_add(1);
      }
      Take(worker);
      if (busy.fetch_sub(1) == 1) {
        std::lock_guard<std::mutex> lock(mutex);
        done.notify_one();
      }
    }
  }
};

ThreadPool::ThreadPool(int threads) : impl_(std::make_unique<Impl>()) {
  const int wanted = threads > 0 ? threads : std::min(8, AvailableCpus());
  impl_->limit = wanted;
  for (int worker = 1; worker < wanted; ++worker) {
    impl_->workers.emplace_back([this, worker] { impl_->Run(worker); });
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->wake.notify_all();
  for (std::thread& worker : impl_->workers) {
    worker.join();
  }
}

int ThreadPool::threads() const { return static_cast<int>(impl_->workers.size()) + 1; }

void ThreadPool::Limit(int threads) {
  std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->limit = threads > 0 ? std::min(threads, this->threads()) : this->threads();
}

void ThreadPool::ParallelFor(int64_t chunks, const std::function<void(int64_t, int)>& fn) {
  Impl& pool = *impl_;
  if (pool.workers.empty() || pool.limit == 1 || chunks <= 1) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      fn(chunk, 0);
    }
    return;
  }
  bool sleepers;
  {
    std::lock_guard<std::mutex> lock(pool.mutex);
    pool.chunks = chunks;
    pool.work = &fn;
    pool.next.store(0);
    pool.open = true;
    pool.round.fetch_add(1, std::memory_order_release);
    sleepers = pool.sleeping > 0;
  }
  if (sleepers) {
    pool.wake.notify_all();
  }
  pool.Take(0);
  // Workers that are inside finish their last chunk; a short spin catches the common case without a system call.
  {
    std::unique_lock<std::mutex> lock(pool.mutex);
    pool.open = false;
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(20);
  while (pool.busy.load(std::memory_order_acquire) != 0 && std::chrono::steady_clock::now() < until) {
    Pause();
  }
  std::unique_lock<std::mutex> lock(pool.mutex);
  pool.done.wait(lock, [&] { return pool.busy.load() == 0; });
}

}  // namespace niwaki
