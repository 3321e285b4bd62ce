#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "guard/filter_program.h"
#include "guard/network_filter.h"

namespace niwaki {
namespace {

static_assert(sizeof(FilterInstruction) == sizeof(sock_filter));
static_assert(offsetof(FilterInstruction, operand) == offsetof(sock_filter, k));

#if defined(__aarch64__)
constexpr Machine kThisMachine = Machine::kArm64;
#else
constexpr Machine kThisMachine = Machine::kX86_64;
#endif

// A family that no kernel has: "not supported" without the filter, "denied" with it, and never a socket.
constexpr int kNoFamily = 255;

constexpr char kNoFilters[] = "this system has no system-call filters (Linux 3.17 or newer has)";

std::string Errno() { return std::strerror(errno); }

// Calls `see(descriptor)` for every open one.
template <typename See>
bool EachDescriptor(See&& see) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), &closedir);
  if (folder == nullptr) {
    return false;
  }
  while (const dirent* entry = readdir(folder.get())) {
    if (entry->d_name[0] != '.' && std::atoi(entry->d_name) != dirfd(folder.get())) {
      see(std::atoi(entry->d_name));
    }
  }
  return true;
}

bool IsRing(int descriptor) {
  char target[64];
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = readlink(link.c_str(), target, sizeof target);
  return length > 0 && std::string(target, static_cast<size_t>(length)) == "anon_inode:[io_uring]";
}

int IntOption(int socket, int option, int otherwise) {
  int value = otherwise;
  socklen_t size = sizeof value;
  return getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 ? value : otherwise;
}

std::string InternetAddress(int family, const void* bytes, uint16_t port) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, bytes, text, sizeof text);
  std::string address = family == AF_INET6 ? "[" : "";
  address.append(text).append(family == AF_INET6 ? "]:" : ":");
  return address.append(std::to_string(ntohs(port)));
}

// "" when there is no name.
std::string NameOf(const sockaddr_storage& storage, socklen_t size) {
  if (storage.ss_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, &storage, sizeof in);
    return InternetAddress(AF_INET, &in.sin_addr, in.sin_port);
  }
  if (storage.ss_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in;
    std::memcpy(&in, &storage, sizeof in);
    return InternetAddress(AF_INET6, &in.sin6_addr, in.sin6_port);
  }
  constexpr size_t kPath = offsetof(sockaddr_un, sun_path);
  if (storage.ss_family == AF_UNIX && size > kPath) {
    std::string path(reinterpret_cast<const char*>(&storage) + kPath, size - kPath);
    if (path[0] == '\0') {
      path[0] = '@';
      return path;
    }
    return path.c_str();  // up to its end
  }
  return "";
}

OpenSocket Describe(int socket, int family) {
  OpenSocket found;
  found.family = family == AF_UNIX    ? SocketFamily::kUnix
                 : family == AF_INET  ? SocketFamily::kIpv4
                 : family == AF_INET6 ? SocketFamily::kIpv6
                                      : SocketFamily::kOther;
  found.listening = IntOption(socket, SO_ACCEPTCONN, 0) != 0;
  sockaddr_storage name = {};
  socklen_t size = sizeof name;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size) == 0) {
    found.address = NameOf(name, std::min<socklen_t>(size, sizeof name));
  }
  name = {};
  size = sizeof name;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&name), &size) == 0) {
    found.peer = NameOf(name, std::min<socklen_t>(size, sizeof name));
  }
  return found;
}

bool FilterWorks() {
  const int made = static_cast<int>(syscall(SYS_socket, kNoFamily, SOCK_STREAM, 0));
  const int error = errno;
  if (made >= 0) {
    close(made);
    return false;
  }
  return error == EACCES;
}

Status CannotLook() {
  return Status(StatusCode::kInternal, "what this process has open cannot be looked at: /proc/self/fd: " + Errno());
}

Result<bool> HasRings() {
  bool found = false;
  if (!EachDescriptor([&](int descriptor) { found = found || IsRing(descriptor); })) {
    return CannotLook();
  }
  return found;
}

// Puts a program on all threads.
Status Install(const std::vector<FilterInstruction>& program) {
  std::vector<sock_filter> instructions(program.size());
  std::memcpy(instructions.data(), program.data(), program.size() * sizeof(sock_filter));
  const sock_fprog filter = {static_cast<unsigned short>(instructions.size()), instructions.data()};
  // Without it only root may install filters; and a program with more privileges than ours may not be run under one.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return errno == EINVAL ? Status(StatusCode::kUnsupported, kNoFilters)
                           : Status(StatusCode::kInternal, "PR_SET_NO_NEW_PRIVS: " + Errno());
  }
  // Before Linux 5.16 a filter also slows all of a process's arithmetic down, against attacks on its own memory by code
  // that it runs for strangers. There is none in ours, and it computes all day.
  const unsigned long all_threads = SECCOMP_FILTER_FLAG_TSYNC;
  long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, all_threads | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter);
  if (result < 0 && errno == EINVAL) {  // before 4.17 it cannot be asked not to
    result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, all_threads, &filter);
  }
  if (result > 0) {
    return Status(StatusCode::kInternal, "the thread " + std::to_string(result) +
                                             " has a filter of its own, so that ours cannot be put on all");
  }
  if (result < 0) {
    return errno == ENOSYS ? Status(StatusCode::kUnsupported, kNoFilters)
                           : Status(StatusCode::kInternal, "the kernel does not take the filter: " + Errno());
  }
  return Status();
}

// Strings that end with a NUL each, as the kernel shows a process's arguments and environment.
Result<std::vector<char*>> ReadStrings(const char* path, std::string* storage) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return Status(StatusCode::kInternal, std::string(path) + ": " + Errno());
  }
  char part[4096];
  ssize_t count = 0;
  while ((count = read(file, part, sizeof part)) > 0) {
    storage->append(part, static_cast<size_t>(count));
  }
  close(file);
  if (count < 0 || (!storage->empty() && storage->back() != '\0')) {
    return Status(StatusCode::kInternal, std::string(path) + " cannot be read");
  }
  std::vector<char*> strings;
  for (size_t at = 0; at < storage->size(); at += std::strlen(storage->data() + at) + 1) {
    strings.push_back(storage->data() + at);
  }
  strings.push_back(nullptr);
  return strings;
}

// Does not return when it succeeds.
Status RunMyselfAgain() {
  std::string argument_bytes;
  std::string environment_bytes;
  auto arguments = ReadStrings("/proc/self/cmdline", &argument_bytes);
  NIWAKI_RETURN_IF_ERROR(arguments.status());
  // As it was at the start: Node has taken out what says where its channel is.
  auto environment = ReadStrings("/proc/self/environ", &environment_bytes);
  NIWAKI_RETURN_IF_ERROR(environment.status());
  char program[4096];
  const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  if (length > 0) {
    program[length] = '\0';
    execve(program, arguments.value().data(), environment.value().data());
  }
  execve("/proc/self/exe", arguments.value().data(), environment.value().data());  // its file has been replaced
  return Status(StatusCode::kInternal, "the program could not be started once more: " + Errno());
}

// What Node was given and has marked as not to be handed on: the standard descriptors, and the channel to its parent.
bool KeepInherited() {
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    (void)fcntl(standard, F_SETFD, 0);  // one that is closed stays so
  }
  std::string bytes;
  const auto environment = ReadStrings("/proc/self/environ", &bytes);
  if (!environment.ok()) {
    return false;
  }
  constexpr char kName[] = "NODE_CHANNEL_FD=";
  for (const char* entry : environment.value()) {
    if (entry != nullptr && std::strncmp(entry, kName, sizeof kName - 1) == 0) {
      return fcntl(std::atoi(entry + sizeof kName - 1), F_SETFD, 0) == 0;
    }
  }
  return true;
}

}  // namespace

Status LeaveRingsBehind() {
  const Result<bool> rings = HasRings();
  NIWAKI_RETURN_IF_ERROR(rings.status());
  if (!rings.value()) {
    return Status();
  }
  // Refused already, and yet there is one: somebody has handed it down. Once more would change nothing, for ever.
  if (syscall(kIoUringSetup, 0, nullptr) < 0 && errno == EPERM) {
    return Status(StatusCode::kInternal, "this process has inherited an io_uring, which gets past every filter");
  }
  NIWAKI_RETURN_IF_ERROR(Install(RingFilterProgram(kThisMachine)));
  if (!KeepInherited()) {
    return Status(StatusCode::kInternal, "the channel to the editor could not be kept: " + Errno());
  }
  return RunMyselfAgain();
}

Status InstallNetworkFilter() {
  const Result<bool> rings = HasRings();
  NIWAKI_RETURN_IF_ERROR(rings.status());
  if (rings.value()) {
    return Status(StatusCode::kInternal, "this process has an io_uring, which gets past every filter");
  }
  FilterOptions options;
  if (!EachDescriptor(
          [&](int descriptor) { options.accept = options.accept || IntOption(descriptor, SO_ACCEPTCONN, 0) != 0; })) {
    return CannotLook();
  }
  NIWAKI_RETURN_IF_ERROR(Install(FilterProgram(kThisMachine, options)));
  if (!FilterWorks()) {
    return Status(StatusCode::kInternal, "the system says that it has taken the filter, but does not heed it");
  }
  return Status();
}

Result<std::vector<OpenSocket>> OpenSockets() {
  std::vector<OpenSocket> found;
  const bool looked = EachDescriptor([&](int descriptor) {
    constexpr int kNone = -1;
    const int family = IntOption(descriptor, SO_DOMAIN, kNone);
    if (family != kNone) {
      found.push_back(Describe(descriptor, family));
    }
  });
  if (!looked) {
    return CannotLook();
  }
  return found;
}

}  // namespace niwaki

#endif
