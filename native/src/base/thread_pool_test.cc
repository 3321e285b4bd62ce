// The pool of workers: every chunk once, also under contention, in tiny rounds and around its destruction.
#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#if defined(__linux__)
#include <time.h>
#endif

#include "base/testing.h"

namespace niwaki {
namespace {

TEST("every chunk is done exactly once, by workers that exist, before the call returns") {
  for (const int threads : {1, 2, 3, 5, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const int64_t chunks : {0, 1, 2, 3, 7, 64, 1000}) {
      std::vector<std::atomic<int>> done(static_cast<size_t>(chunks));
      std::atomic<int> strange{0};
      pool.ParallelFor(chunks, [&](int64_t chunk, int worker) {
        strange += chunk < 0 || chunk >= chunks || worker < 0 || worker >= threads ? 1 : 0;
        done[static_cast<size_t>(chunk)].fetch_add(1);
      });
      EXPECT_EQ(strange.load(), 0);
      for (const std::atomic<int>& count : done) {
        EXPECT_EQ(count.load(), 1);
      }
    }
  }
}

TEST("a worker's number belongs to one thread at a time") {
  ThreadPool pool(4);
  std::atomic<int> inside[4] = {};
  std::atomic<int> clashes{0};
  for (int round = 0; round < 50; ++round) {
    pool.ParallelFor(64, [&](int64_t, int worker) {
      clashes += inside[worker].fetch_add(1) != 0 ? 1 : 0;
      inside[worker].fetch_sub(1);
    });
  }
  EXPECT_EQ(clashes.load(), 0);
}

TEST("a limit keeps workers out, and lets them in again") {
  ThreadPool pool(4);
  for (const int limit : {2, 1, 3, 0, 9}) {
    pool.Limit(limit);
    const int most = limit == 0 ? 4 : std::min(limit, 4);
    std::atomic<int> strange{0};
    std::atomic<int> seen{0};
    for (int round = 0; round < 20; ++round) {
      pool.ParallelFor(64, [&](int64_t, int worker) {
        strange += worker >= most ? 1 : 0;
        seen += 1;
      });
    }
    EXPECT_EQ(strange.load(), 0);
    EXPECT_EQ(seen.load(), 20 * 64);
  }
}

TEST("plain writes of the workers are visible to the caller, round after round") {
  ThreadPool pool(3);
  std::vector<int64_t> values(257, 0);  // plain integers on purpose: the pool must order the accesses
  for (int64_t round = 1; round <= 20000; ++round) {
    pool.ParallelFor(5, [&](int64_t chunk, int) { values[static_cast<size_t>(chunk * 50)] += round; });
    if (values[200] != round * (round + 1) / 2) {
      EXPECT_EQ(values[200], round * (round + 1) / 2);
      return;
    }
  }
}

TEST("rounds of every length with pauses between them, so that workers are awake, asleep and late") {
  ThreadPool pool(4);
  std::atomic<int64_t> total{0};
  int64_t want = 0;
  for (int round = 0; round < 600; ++round) {
    const int64_t chunks = 1 + round % 9;
    want += chunks;
    pool.ParallelFor(chunks, [&](int64_t chunk, int) {
      if (chunk == 0 && round % 5 == 0) {
        std::this_thread::yield();
      }
      total.fetch_add(1);
    });
    EXPECT_EQ(total.load(), want);
    if (round % 20 == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(round));
    }
  }
}

TEST("all workers take part in long work") {
  ThreadPool pool(3);
  std::atomic<int> seen[3] = {};
  // Each chunk waits until all three threads hold one (or five seconds are over).
  std::atomic<int> waiting{0};
  pool.ParallelFor(3, [&](int64_t, int worker) {
    seen[worker] = 1;
    waiting.fetch_add(1);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (waiting.load() < 3 && std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
    }
  });
  EXPECT_EQ(seen[0] + seen[1] + seen[2], 3);
}

TEST("pools come and go, used or not") {
  for (int i = 0; i < 100; ++i) {
    ThreadPool pool(1 + i % 4);
    if (i % 3 != 0) {
      std::atomic<int> count{0};
      pool.ParallelFor(i % 7, [&](int64_t, int) { ++count; });
      EXPECT_EQ(count.load(), i % 7);
    }
  }
}

TEST("two pools in two threads do not disturb each other") {
  std::atomic<int64_t> sums[2] = {};
  const auto work = [&](int index) {
    ThreadPool pool(2);
    for (int round = 0; round < 500; ++round) {
      pool.ParallelFor(4, [&](int64_t, int) { sums[index].fetch_add(1); });
    }
  };
  std::thread other(work, 0);
  work(1);
  other.join();
  EXPECT_EQ(sums[0].load(), int64_t{2000});
  EXPECT_EQ(sums[1].load(), int64_t{2000});
}

// A pool whose rounds are paused wherever they can be.
struct Paused {
  explicit Paused(int threads) : pool(threads) {
    pool.PauseWith(&wanted, [this] {
      ++pauses;
      wanted = false;
      if (meanwhile) {
        meanwhile();
      }
      wanted = true;
    });
    wanted = true;
  }
  ThreadPool pool;
  std::atomic<bool> wanted{false};
  std::function<void()> meanwhile;  // on the caller's thread, in every pause
  int pauses = 0;
};

TEST("a round that is paused wherever it can be does every chunk once, and others use the pool in its pauses") {
  for (const int threads : {1, 2, 3, 8}) {
    Paused paused(threads);
    std::atomic<int> others{0};
    int64_t wanted_others = 0;
    paused.meanwhile = [&] {
      paused.pool.Limit(paused.pauses % 4);
      paused.pool.ParallelFor(paused.pauses % 7, [&](int64_t, int worker) { others += worker < threads ? 1 : 0; });
      wanted_others += paused.pauses % 7;
      paused.pool.Limit(0);
    };
    for (const int64_t chunks : {1, 2, 9, 64, 300}) {
      paused.pauses = 0;
      std::vector<std::atomic<int>> done(static_cast<size_t>(chunks));
      paused.pool.ParallelFor(chunks, [&](int64_t chunk, int) { done[static_cast<size_t>(chunk)].fetch_add(1); });
      for (const std::atomic<int>& count : done) {
        EXPECT_EQ(count.load(), 1);
      }
      EXPECT(paused.pauses >= 1 && paused.pauses <= chunks);
      if (threads == 1) {
        EXPECT_EQ(static_cast<int64_t>(paused.pauses), chunks);  // before each
      }
    }
    EXPECT_EQ(static_cast<int64_t>(others.load()), wanted_others);
  }
}

TEST("a pause comes at any moment, from another thread, and nothing is lost") {
  ThreadPool pool(3);
  std::atomic<bool> wanted{false};
  int64_t pauses = 0;
  pool.PauseWith(&wanted, [&] {
    ++pauses;
    wanted = false;
  });
  std::atomic<bool> stop{false};
  std::thread asker([&] {
    while (!stop) {
      wanted = true;
      std::this_thread::yield();
    }
  });
  std::vector<int64_t> values(64, 0);  // plain integers on purpose
  for (int64_t round = 1; round <= 3000 || (pauses < 100 && round < 1'000'000); ++round) {
    pool.ParallelFor(64, [&](int64_t chunk, int) { values[static_cast<size_t>(chunk)] += round; });
    for (const int64_t value : values) {
      if (value != round * (round + 1) / 2) {
        EXPECT_EQ(value, round * (round + 1) / 2);
        round = 1'000'000;
        break;
      }
    }
  }
  stop = true;
  asker.join();
  EXPECT(pauses > 0);
  pool.PauseWith(nullptr, nullptr);
  wanted = true;
  const int64_t before = pauses;
  pool.ParallelFor(64, [](int64_t, int) {});
  EXPECT_EQ(pauses, before);
}

TEST("the default number of threads is sensible") {
  const ThreadPool pool(0);
  EXPECT(pool.threads() >= 1 && pool.threads() <= 8);
}

#if defined(__linux__)
TEST("an idle pool takes no processor time") {
  ThreadPool pool(4);
  pool.ParallelFor(100, [](int64_t, int) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the workers' short spin is over
  const auto used = [] {
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
  };
  const double before = used();
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  const double after = used();
  std::printf("    an idle pool of four used %.3f ms of processor time in 150 ms\n", after - before);
  EXPECT(after - before < 15);
}
#endif

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
