// Work in the background: the same results, by threads that the system puts behind everybody else's.
#include <algorithm>
#include <stdexcept>

#include "engine/engine_testing.h"

#if defined(__linux__)
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <map>
#endif

namespace niwaki {
namespace {

using testing::Copy;
using testing::LoadNano;
using testing::SameBits;

std::vector<TokenId> Tokens(size_t count) {
  std::vector<TokenId> tokens(count);
  for (size_t i = 0; i < count; ++i) {
    tokens[i] = static_cast<TokenId>(i * 37 % 5000 + 10);
  }
  return tokens;
}

TEST("results are the same bits, before, in and after the background") {
  const std::unique_ptr<Engine> engine = LoadNano("", 3);
  if (engine == nullptr) {
    return;
  }
  const std::vector<TokenId> tokens = Tokens(200);
  std::vector<std::vector<float>> logits;
  const auto evaluate = [&] {
    const Result<std::unique_ptr<Session>> session = engine->NewSession(256);
    EXPECT(session.ok() && session.value()->Sync(tokens, nullptr, nullptr).ok());
    logits.push_back(Copy(session.value()->logits()));
  };
  evaluate();
  engine->InBackground(evaluate);
  engine->LimitThreads(1);
  engine->InBackground(evaluate);
  engine->LimitThreads(0);
  engine->InBackground(evaluate);
  evaluate();
  EXPECT_EQ(logits.size(), size_t{5});
  for (const std::vector<float>& each : logits) {
    EXPECT(SameBits(each, logits.front()));
  }
}

TEST("what the work throws comes out, and the engine goes on") {
  const std::unique_ptr<Engine> engine = LoadNano("", 2);
  if (engine == nullptr) {
    return;
  }
  std::string caught;
  try {
    engine->InBackground([] { throw std::runtime_error("thrown inside"); });
  } catch (const std::runtime_error& error) {
    caught = error.what();
  }
  EXPECT_EQ(caught, std::string("thrown inside"));
  const Result<std::unique_ptr<Session>> session = engine->NewSession(64);
  ASSERT_OK(session);
  ASSERT_OK(session.value()->Sync(Tokens(20), nullptr, nullptr));
}

#if defined(__linux__)
// This process's threads: nice value, and nanoseconds on a processor.
struct Thread {
  int nice = 0;
  int64_t ns = 0;
};
std::map<int, Thread> Threads() {
  std::map<int, Thread> threads;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    const int id = std::stoi(entry.path().filename().string());
    Thread& thread = threads[id];
    thread.nice = getpriority(PRIO_PROCESS, static_cast<id_t>(id));
    std::ifstream(entry.path() / "schedstat") >> thread.ns;
  }
  return threads;
}

TEST("all computing in the background is done by threads of lower priority, and none of it elsewhere") {
  const std::unique_ptr<Engine> engine = LoadNano("", 2);
  if (engine == nullptr) {
    return;
  }
  const Result<std::unique_ptr<Session>> session = engine->NewSession(0);
  ASSERT_OK(session);
  const int own = getpriority(PRIO_PROCESS, 0);
  const int lowered = std::min(19, own + 10);
  int64_t by_lowered = 0;
  int64_t by_others = 0;
  int lowered_threads = 0;
  const auto measure = [&](const std::vector<TokenId>& tokens) {
    const std::map<int, Thread> before = Threads();
    ASSERT_OK(session.value()->Sync(tokens, nullptr, nullptr));
    by_lowered = by_others = lowered_threads = 0;
    for (const auto& [id, thread] : Threads()) {
      const auto found = before.find(id);
      const int64_t ns = thread.ns - (found == before.end() ? 0 : found->second.ns);
      (thread.nice == lowered ? by_lowered : by_others) += ns;
      lowered_threads += thread.nice == lowered ? 1 : 0;
      EXPECT(thread.nice == lowered || thread.nice == own);
    }
  };
  std::vector<TokenId> tokens = Tokens(1500);
  measure(tokens);
  EXPECT_EQ(lowered_threads, 0);
  if (by_others == 0) {
    std::printf("    this system does not tell how long threads ran\n");
  }
  tokens.front() = 9;  // nothing of it is cached
  engine->InBackground([&] { measure(tokens); });
  std::printf("    in the background: %.1f ms by lowered threads, %.1f ms by others\n",
              static_cast<double>(by_lowered) / 1e6, static_cast<double>(by_others) / 1e6);
  EXPECT_EQ(lowered_threads, 2);
  EXPECT(by_others <= by_lowered / 20);
  tokens.front() = 8;
  measure(tokens);
  EXPECT_EQ(lowered_threads, 1);  // the worker, which waits
  EXPECT(by_lowered <= by_others / 20);
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), own);
}
#endif

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
