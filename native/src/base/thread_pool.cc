#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

#include "base/cpu_count.h"
#include "base/thread_priority.h"

namespace niwaki {
namespace {

using Work = std::function<void(int64_t, int)>;
using Clock = std::chrono::steady_clock;

// A model's rounds follow each other within a few microseconds, so a short spin saves nearly all system calls; longer,
// and an editor's other processes would feel it.
constexpr std::chrono::microseconds kSpin{50};
constexpr int kMostThreads = 8;
constexpr int kMostSeats = 64;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
  __asm__ volatile("isb");
#endif
}

// Whether `done` came true within the bounded spin.
template <typename Done>
bool Spin(Done done) {
  for (int i = 0; i < 32; ++i) {
    if (done()) {
      return true;
    }
    Pause();
  }
  const Clock::time_point until = Clock::now() + kSpin;
  do {
    for (int i = 0; i < 16; ++i) {
      if (done()) {
        return true;
      }
      Pause();
    }
  } while (Clock::now() < until);
  return false;
}

#if defined(__linux__)
int CurrentCpu() { return sched_getcpu(); }
// Makes the system move this thread off the processors in `taken`, and lets it choose freely again.
void MoveAway(const cpu_set_t& taken) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    return;
  }
  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed) && !CPU_ISSET(cpu, &taken)) {
      CPU_SET(cpu, &wanted);
    }
  }
  if (CPU_COUNT(&wanted) > 0 && sched_setaffinity(0, sizeof wanted, &wanted) == 0) {
    sched_setaffinity(0, sizeof allowed, &allowed);
  }
}
#endif

// The gate: bits 0..15 count the workers inside the current round, bit 16 says whether it lets more in, the rest is the
// round's number. A worker enters by one compare-and-swap that fails when the round has closed meanwhile, so the caller
// waits for those who are inside and for nobody else: a thread that the system has put aside between two chunks' rounds
// holds nobody up.
constexpr uint64_t kInside = 0xffff;
constexpr uint64_t kOpen = 0x10000;
constexpr uint64_t kRound = 0x20000;
uint64_t RoundOf(uint64_t gate) { return gate / kRound; }

const std::atomic<bool> kNever{false};

}  // namespace

struct ThreadPool::Impl {
  std::vector<std::thread> workers;
  alignas(64) std::atomic<uint64_t> gate{0};
  // Each thread has a range of neighbouring chunks, takes them in order, and then helps the others with theirs: what it
  // reads is one stream, and the same part of a small model stays in the same core's cache from round to round.
  struct alignas(64) Range {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };
  std::vector<Range> ranges;
  alignas(64) std::atomic<int> sleeping{0};  // workers that wait for `wake`
  std::atomic<bool> caller_sleeps{false};
  // Written by the caller while the gate is closed and nobody is inside; read by workers inside.
  int takers = 0;  // threads that have a range
  const Work* work = nullptr;
  const std::atomic<bool>* pause_wanted = &kNever;
  // Somebody has seen a pause wanted in this round and gone: there may be chunks that nobody has taken.
  std::atomic<bool> left_early{false};
  std::function<void()> pause;  // the caller's only
  std::atomic<int> limit{0};    // threads that may take part, the caller included; changes under the mutex

  // Where each thread was last seen. Beside a busy neighbour the system may put two of ours on one processor, where
  // they wait for each other in turns, and leave them there: its loads look even.
  std::atomic<int> seats[kMostSeats];  // -1 = nowhere

  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable enlist;  // workers that the limit keeps out wait here
  std::condition_variable done;
  bool stop = false;  // under the mutex

  // `sure`: takes one chunk whether a pause is wanted or not.
  void Take(int worker, bool sure = false) {
    const int count = takers;
    for (int i = 0; i < count; ++i) {
      Range& range = ranges[static_cast<size_t>((worker + i) % count)];
      for (;;) {
        if (!sure && pause_wanted->load(std::memory_order_relaxed)) {
          left_early.store(true, std::memory_order_relaxed);  // Leave, or the caller's own order, publishes it
          return;
        }
        const int64_t chunk = range.next.fetch_add(1, std::memory_order_relaxed);
        if (chunk >= range.end) {
          break;
        }
        (*work)(chunk, worker);
        sure = false;
      }
    }
  }

  // Lets the workers in, takes part, and waits for those who are inside. The ranges are set.
  void Round(bool sure) {
#if defined(__linux__)
    seats[0].store(CurrentCpu(), std::memory_order_relaxed);
#endif
    const uint64_t round = RoundOf(gate.load(std::memory_order_relaxed)) + 1;
    gate.store(round * kRound + kOpen);
    if (sleeping.load() > 0) {
      std::lock_guard<std::mutex> lock(mutex);
      wake.notify_all();
    }
    Take(0, sure);
    if ((gate.fetch_and(~kOpen) & kInside) == 0 || Spin([&] { return Empty(); })) {
      return;
    }
    std::unique_lock<std::mutex> lock(mutex);
    caller_sleeps.store(true);
    done.wait(lock, [&] { return (gate.load() & kInside) == 0; });
    caller_sleeps.store(false);
  }

  // Waits for a round other than `seen`. False when the pool ends.
  bool Await(uint64_t seen) {
    if (Spin([&] { return RoundOf(gate.load(std::memory_order_acquire)) != seen; })) {
      return true;
    }
    std::unique_lock<std::mutex> lock(mutex);
    // Sequentially consistent with ParallelFor: either it sees this sleeper, or the sleeper sees its round.
    sleeping.fetch_add(1);
    wake.wait(lock, [&] { return stop || RoundOf(gate.load()) != seen; });
    sleeping.fetch_sub(1);
    return !stop;
  }

  bool Enter(uint64_t* seen) {
    uint64_t now = gate.load(std::memory_order_acquire);
    *seen = RoundOf(now);
    while ((now & kOpen) != 0 && RoundOf(now) == *seen) {
      if (gate.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
        return true;
      }
    }
    return false;  // came too late
  }

  void Leave() {
    // Sequentially consistent with the caller's wait: either it sees the count, or its sleep is seen here.
    const uint64_t before = gate.fetch_sub(1);
    if ((before & kInside) == 1 && caller_sleeps.load()) {
      std::lock_guard<std::mutex> lock(mutex);
      done.notify_one();
    }
  }

  void Sit(int thread) {
#if defined(__linux__)
    if (thread >= kMostSeats) {
      return;
    }
    const int here = CurrentCpu();
    seats[thread].store(here, std::memory_order_relaxed);
    bool shared = false;
    for (int other = 0; other < thread; ++other) {
      shared = shared || seats[other].load(std::memory_order_relaxed) == here;
    }
    if (shared) {
      cpu_set_t taken;
      CPU_ZERO(&taken);
      for (int other = 0; other < std::min<int>(limit.load(), kMostSeats); ++other) {
        const int cpu = seats[other].load(std::memory_order_relaxed);
        if (cpu >= 0 && cpu < CPU_SETSIZE) {
          CPU_SET(cpu, &taken);
        }
      }
      MoveAway(taken);
      seats[thread].store(CurrentCpu(), std::memory_order_relaxed);
    }
#else
    (void)thread;
#endif
  }

  void Run(int worker) {
    uint64_t seen = 0;
    while (Await(seen)) {
      Sit(worker);
      if (!Enter(&seen)) {
        continue;
      }
      const bool wanted = worker < limit;
      if (wanted) {
        Take(worker);
      }
      Leave();
      if (!wanted) {
        if (worker < kMostSeats) {
          seats[worker].store(-1);
        }
        std::unique_lock<std::mutex> lock(mutex);
        enlist.wait(lock, [&] { return stop || worker < limit; });
      }
    }
  }

  bool Empty() const { return (gate.load(std::memory_order_acquire) & kInside) == 0; }
};

ThreadPool::ThreadPool(int threads, Priority priority) : impl_(std::make_unique<Impl>()) {
  const int wanted = threads > 0 ? threads : std::min(kMostThreads, UsableCores());
  impl_->limit = wanted;
  impl_->ranges = std::vector<Impl::Range>(static_cast<size_t>(wanted));
  for (std::atomic<int>& seat : impl_->seats) {
    seat.store(-1);
  }
  for (int worker = 1; worker < wanted; ++worker) {
    impl_->workers.emplace_back([this, worker, priority] {
      if (priority == Priority::kLow) {
        LowerThisThread();
      }
      impl_->Run(worker);
    });
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(impl_->mutex);
    impl_->stop = true;
    impl_->gate.fetch_add(kRound);  // spinning workers look up
  }
  impl_->wake.notify_all();
  impl_->enlist.notify_all();
  for (std::thread& worker : impl_->workers) {
    worker.join();
  }
}

int ThreadPool::threads() const { return static_cast<int>(impl_->workers.size()) + 1; }

void ThreadPool::Limit(int threads) {
  std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->limit = threads > 0 ? std::min(threads, this->threads()) : this->threads();
  impl_->enlist.notify_all();
}

void ThreadPool::PauseWith(const std::atomic<bool>* wanted, std::function<void()> pause) {
  impl_->pause_wanted = wanted != nullptr ? wanted : &kNever;
  impl_->pause = std::move(pause);
}

void ThreadPool::ParallelFor(int64_t chunks, const std::function<void(int64_t, int)>& fn) {
  Impl& pool = *impl_;
  if (pool.workers.empty() || pool.limit == 1 || chunks <= 1) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      if (pool.pause_wanted->load(std::memory_order_relaxed)) {
        pool.pause();
      }
      fn(chunk, 0);
    }
    return;
  }
  const int takers = pool.limit.load(std::memory_order_relaxed);
  std::vector<std::pair<int64_t, int64_t>> left;  // of each taker's range, where a pause was wanted
  for (int i = 0; i < takers; ++i) {
    Impl::Range& range = pool.ranges[static_cast<size_t>(i)];
    range.next.store(chunks * i / takers, std::memory_order_relaxed);
    range.end = chunks * (i + 1) / takers;
  }
  for (bool sure = false;; sure = true) {
    pool.takers = takers;
    pool.work = &fn;
    pool.Round(sure);
    if (!pool.left_early.load(std::memory_order_relaxed)) {
      return;
    }
    pool.left_early.store(false, std::memory_order_relaxed);
    left.clear();
    int64_t rest = 0;
    for (int i = 0; i < takers; ++i) {
      const Impl::Range& range = pool.ranges[static_cast<size_t>(i)];
      left.emplace_back(std::min(range.next.load(std::memory_order_relaxed), range.end), range.end);
      rest += left.back().second - left.back().first;
    }
    if (rest == 0) {
      return;  // the round was over: the next one pauses
    }
    pool.pause();  // others may use the pool before it returns, and set another limit: the ranges stay as many
    for (int i = 0; i < takers; ++i) {
      Impl::Range& range = pool.ranges[static_cast<size_t>(i)];
      range.next.store(left[static_cast<size_t>(i)].first, std::memory_order_relaxed);
      range.end = left[static_cast<size_t>(i)].second;
    }
  }
}

}  // namespace niwaki
