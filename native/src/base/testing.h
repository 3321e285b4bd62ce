// The tests' own small harness: TEST("name") { EXPECT(...); } and one NIWAKI_TEST_MAIN() a file. Prints one line a
// failure and a last line "N passed, N failed" that the test runner adds up. Only *_test.cc files include it.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace niwaki::testing {

// ThreadSanitizer makes a program ten times as slow: of many like cases a test takes each kStride-th there. Seven has no divisor in common
// with the lengths of the loops, so that where they are nested all values of each still come.
#if defined(__SANITIZE_THREAD__)
inline constexpr int kStride = 7;
#else
inline constexpr int kStride = 1;
#endif

struct Case {
  const char* name;
  void (*run)();
};
inline std::vector<Case>& Cases() {
  static std::vector<Case> cases;
  return cases;
}
inline int& Failures() {
  static int failures = 0;
  return failures;
}
inline bool Register(const char* name, void (*run)()) {
  Cases().push_back({name, run});
  return true;
}
inline void Fail(const char* file, int line, const std::string& what) {
  std::printf("    %s:%d: %s\n", file, line, what.c_str());
  ++Failures();
}
template <typename T>
std::string Show(const T& value) {
  std::ostringstream out;
  if constexpr (requires { out << value; }) {
    out << value;
  } else {
    out << "(value)";
  }
  return out.str();
}
// Runs all cases, or those whose name contains argv[1].
inline int RunAll(int argc, char** argv) {
  const std::string filter = argc > 1 ? argv[1] : "";
  int passed = 0;
  int failed = 0;
  for (const Case& c : Cases()) {
    if (std::string(c.name).find(filter) == std::string::npos) {
      continue;
    }
    Failures() = 0;
    c.run();
    const bool ok = Failures() == 0;
    std::printf("  %s %s\n", ok ? "ok  " : "FAIL", c.name);
    std::fflush(stdout);
    (ok ? passed : failed) += 1;
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace niwaki::testing

#define NIWAKI_TEST_JOIN2(a, b) a##b
#define NIWAKI_TEST_JOIN(a, b) NIWAKI_TEST_JOIN2(a, b)
#define TEST(name)                                                           \
  static void NIWAKI_TEST_JOIN(test_, __LINE__)();                           \
  static const bool NIWAKI_TEST_JOIN(registered_, __LINE__) =                \
      ::niwaki::testing::Register(name, &NIWAKI_TEST_JOIN(test_, __LINE__)); \
  static void NIWAKI_TEST_JOIN(test_, __LINE__)()
#define EXPECT(condition)                                                  \
  do {                                                                     \
    if (!(condition)) {                                                    \
      ::niwaki::testing::Fail(__FILE__, __LINE__, "expected " #condition); \
    }                                                                      \
  } while (false)
// Both sides are copied: they may be parts of temporaries.
#define EXPECT_EQ(a, b)                                                                                          \
  do {                                                                                                           \
    const auto niwaki_a_ = (a);                                                                                  \
    const auto niwaki_b_ = (b);                                                                                  \
    if (!(niwaki_a_ == niwaki_b_)) {                                                                             \
      ::niwaki::testing::Fail(__FILE__, __LINE__,                                                                \
                              "expected " #a " == " #b ", got " + ::niwaki::testing::Show(niwaki_a_) + " and " + \
                                  ::niwaki::testing::Show(niwaki_b_));                                           \
    }                                                                                                            \
  } while (false)
#define EXPECT_NEAR(a, b, tolerance)                                                                                \
  do {                                                                                                              \
    const double niwaki_a_ = (a);                                                                                   \
    const double niwaki_b_ = (b);                                                                                   \
    if (!(std::fabs(niwaki_a_ - niwaki_b_) <= (tolerance))) {                                                       \
      ::niwaki::testing::Fail(__FILE__, __LINE__,                                                                   \
                              #a " = " + std::to_string(niwaki_a_) + " and " #b " = " + std::to_string(niwaki_b_) + \
                                  " differ by more than " + std::to_string(tolerance));                             \
    }                                                                                                               \
  } while (false)
// Ends the case when a Status or Result is not ok.
#define ASSERT_OK(expr)                                                                            \
  do {                                                                                             \
    const auto& niwaki_s_ = (expr);                                                                \
    if (!niwaki_s_.ok()) {                                                                         \
      ::niwaki::testing::Fail(__FILE__, __LINE__, #expr ": " + ::niwaki::testing::Why(niwaki_s_)); \
      return;                                                                                      \
    }                                                                                              \
  } while (false)
#define NIWAKI_TEST_MAIN() \
  int main(int argc, char** argv) { return ::niwaki::testing::RunAll(argc, argv); }

#include "niwaki/status.h"
namespace niwaki::testing {
inline std::string Why(const Status& status) { return status.message(); }
template <typename T>
std::string Why(const Result<T>& result) {
  return result.status().message();
}
}  // namespace niwaki::testing
