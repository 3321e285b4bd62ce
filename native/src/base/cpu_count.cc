#include "base/cpu_count.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace niwaki {
namespace {

#if defined(__linux__)

// The first line of a file, "" when there is none.
std::string Line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// "0-3,8" holds 2.
bool InList(const std::string& list, int cpu) {
  const char* at = list.c_str();
  while (*at != '\0') {
    char* end = nullptr;
    const long first = std::strtol(at, &end, 10);
    if (end == at) {
      return false;
    }
    long last = first;
    if (*end == '-') {
      at = end + 1;
      last = std::strtol(at, &end, 10);
    }
    if (first <= cpu && cpu <= last) {
      return true;
    }
    at = *end == ',' ? end + 1 : end;
  }
  return false;
}

int CoresInMask() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) {
    return static_cast<int>(std::thread::hardware_concurrency());
  }
  // Intel's processors with two kinds of cores list the fast ones here.
  const std::string fast = Line("/sys/devices/cpu_core/cpus");
  std::set<std::string> cores;  // by the list of threads that share one
  std::set<std::string> fast_cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask)) {
      continue;
    }
    std::string siblings = Line("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
    if (siblings.empty()) {
      siblings = std::to_string(cpu);
    }
    cores.insert(siblings);
    if (InList(fast, cpu)) {
      fast_cores.insert(siblings);
    }
  }
  return static_cast<int>(fast_cores.empty() ? cores.size() : fast_cores.size());
}

// Processors' worth of time that the container may use, or a large number.
int64_t Quota() {
  int64_t quota = 0;
  int64_t period = 0;
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string word;
  if (v2 >> word >> period && word != "max") {
    quota = std::strtoll(word.c_str(), nullptr, 10);
  } else {
    quota = std::strtoll(Line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").c_str(), nullptr, 10);
    period = std::strtoll(Line("/sys/fs/cgroup/cpu/cpu.cfs_period_us").c_str(), nullptr, 10);
  }
  return quota > 0 && period > 0 ? std::max<int64_t>(1, (quota + period - 1) / period) : int64_t{1} << 20;
}

#endif

}  // namespace

int UsableCores() {
#if defined(__linux__)
  const int cores = static_cast<int>(std::min<int64_t>(CoresInMask(), Quota()));
#elif defined(__APPLE__)
  int cores = 0;
  size_t size = sizeof cores;
  if (sysctlbyname("hw.perflevel0.physicalcpu", &cores, &size, nullptr, 0) != 0 &&
      sysctlbyname("hw.physicalcpu", &cores, &size, nullptr, 0) != 0) {
    cores = static_cast<int>(std::thread::hardware_concurrency());
  }
#else
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
#endif
  return std::max(1, cores);
}

}  // namespace niwaki
