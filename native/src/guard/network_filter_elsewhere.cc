#if !defined(__linux__) || !(defined(__x86_64__) || defined(__aarch64__))

#include "guard/network_filter.h"

namespace niwaki {

Status LeaveRingsBehind() { return Status(); }

Status InstallNetworkFilter() {
  return Status(StatusCode::kUnsupported, "Niwaki has a filter for Linux on x86-64 and 64-bit ARM only");
}

Result<std::vector<OpenSocket>> OpenSockets() {
  return Status(StatusCode::kUnsupported, "open sockets are listed on Linux only");
}

}  // namespace niwaki

#endif
