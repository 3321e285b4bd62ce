#include "base/thread_priority.h"

#if defined(_WIN32)
#if !defined(NOMINMAX)
#define NOMINMAX
#endif
#include <windows.h>
#elif defined(__APPLE__)
#include <pthread/qos.h>
#elif defined(__linux__)
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#endif

namespace niwaki {

void LowerThisThread() {
#if defined(_WIN32)
  SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_LOWEST);
#elif defined(__APPLE__)
  pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0);
#elif defined(__linux__)
  // On Linux 0 is the calling thread, whatever POSIX says of processes. Not lower still: a keystroke has to wait until
  // the piece of work in hand is done, and on a busy machine that must not take for ever.
  constexpr int kSteps = 10;
  constexpr int kLowest = 19;
  errno = 0;
  const int now = getpriority(PRIO_PROCESS, 0);
  if (errno == 0) {
    (void)setpriority(PRIO_PROCESS, 0, std::min(kLowest, now + kSteps));
  }
#endif
}

}  // namespace niwaki
