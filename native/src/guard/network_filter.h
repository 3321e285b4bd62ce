// Shuts a process, and all that it starts, off from the network: a system-call filter on all its threads that nobody
// can take off again. Linux on x86-64 and 64-bit ARM; elsewhere nothing is done, and said so.
#pragma once

#include <string>
#include <vector>

#include "niwaki/status.h"

namespace niwaki {

// A ring (io_uring) gets past every filter, and newer versions of Node keep one for each event loop and abort when it
// stops working. Where this process has any, it becomes the same program once more (execve: the same process id,
// arguments, environment and inherited descriptors), under a filter that refuses rings: then it does not return. So it
// is called first, before anything has been read from a channel. Ok = there are no rings here; otherwise the reason why
// they are still there.
Status LeaveRingsBehind();

// Ok = from now on no thread of this process and no child of it can make, connect or address a socket. kUnsupported:
// this system has no such filters. Any other error: it has, and yet the filter is not (or not on all threads); the
// message says why and what to do. Nothing changes then but that the process can gain no more privileges. Sockets that
// are open already stay open (OpenSockets); those that listen go on accepting.
Status InstallNetworkFilter();

enum class SocketFamily { kUnix, kIpv4, kIpv6, kOther };

struct OpenSocket {
  SocketFamily family;
  bool listening;
  // "127.0.0.1:6019", a path, "@name" of an abstract one; "" = it has no name of its own.
  std::string address;
  // Of the other end, where it has one with a name.
  std::string peer;
};

// The sockets that this process has open now. kUnsupported where the system does not show them.
Result<std::vector<OpenSocket>> OpenSockets();

}  // namespace niwaki
