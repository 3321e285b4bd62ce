// The filter itself, each time in a child process: nobody can take it off again.
#include "guard/network_filter.h"

#if defined(__linux__)
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include "base/testing.h"

namespace niwaki {
namespace {

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))

// Runs `body` in a child with the filter. "" = it returned "" there; otherwise what it returned, or how the child died.
std::string InChild(const std::function<std::string()>& body, bool filtered = true) {
  int pipes[2];
  if (pipe(pipes) != 0) {
    return "no pipe";
  }
  const pid_t child = fork();
  if (child == 0) {
    std::string result;
    if (filtered) {
      const Status status = InstallNetworkFilter();
      result = status.ok() ? body() : "not installed: " + status.message();
    } else {
      result = body();
    }
    (void)!write(pipes[1], result.data(), result.size());
    _exit(0);
  }
  close(pipes[1]);
  std::string said;
  char part[512];
  for (ssize_t count = 0; (count = read(pipes[0], part, sizeof part)) > 0;) {
    said.append(part, static_cast<size_t>(count));
  }
  close(pipes[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? "killed by " + std::to_string(WTERMSIG(status)) : said;
}

// "" when the call failed with this error.
std::string Fails(const char* what, long result, int error) {
  if (result >= 0) {
    return std::string(what) + " succeeded";
  }
  return errno == error ? "" : std::string(what) + ": " + std::strerror(errno);
}

std::string First(std::initializer_list<std::string> all) {
  for (const std::string& one : all) {
    if (!one.empty()) {
      return one;
    }
  }
  return "";
}

std::string NoSocket() {
  for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, 38 /* AF_ALG */, 40 /* AF_VSOCK */}) {
    const std::string wrong = Fails("socket", socket(family, SOCK_STREAM, 0), EACCES);
    if (!wrong.empty()) {
      return wrong + ", family " + std::to_string(family);
    }
  }
  return Fails("a socket for datagrams", socket(AF_INET, SOCK_DGRAM, 0), EACCES);
}

TEST("without the filter a child makes sockets: the tests below can fail") {
  EXPECT_EQ(InChild(NoSocket, false), "socket succeeded, family 2");
}

TEST("a process with the filter makes no socket, and pairs still work") {
  EXPECT_EQ(
      InChild([] {
        int pair[2];
        char byte = 0;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 || write(pair[0], "x", 1) != 1 ||
            send(pair[0], "y", 1, 0) != 1 || read(pair[1], &byte, 1) != 1 || byte != 'x') {
          return std::string("a pair does not work");
        }
        int other[2];
        return First({NoSocket(), Fails("a pair for datagrams", socketpair(AF_UNIX, SOCK_DGRAM, 0, other), EACCES)});
      }),
      "");
}

TEST("threads from before and from after have it, and processes that they start") {
  EXPECT_EQ(InChild(
                [] {
                  std::atomic<bool> go = false;
                  std::string before;
                  std::thread old([&] {
                    while (!go) {
                      std::this_thread::yield();
                    }
                    before = NoSocket();
                  });
                  const Status status = InstallNetworkFilter();
                  go = true;
                  old.join();
                  std::string after;
                  std::thread([&] { after = NoSocket(); }).join();
                  const std::string child = InChild(NoSocket, false);
                  return First({status.message(), before, after, child});
                },
                false),
            "");
}

TEST("a program that is run has it, too") {
  EXPECT_EQ(InChild([] {
              // bash's own /dev/tcp; where there is no bash this fails for want of it, which is no success either.
              const int status = std::system("exec 2>/dev/null; bash -c 'exec 3<>/dev/tcp/127.0.0.1/1 || exit 7'");
              const int seccomp = std::system("grep -q '^Seccomp:.*2' /proc/self/status");
              return std::string(status == 0 ? "a program connected" : seccomp != 0 ? "it has no filter" : "");
            }),
            "");
}

TEST("sockets from before are not connected, bound, or used for other addresses") {
  EXPECT_EQ(
      InChild(
          [] {
            sockaddr_in address = {};
            address.sin_family = AF_INET;
            address.sin_port = htons(9);
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            const auto* to = reinterpret_cast<const sockaddr*>(&address);
            const int tcp = socket(AF_INET, SOCK_STREAM, 0);
            const int udp = socket(AF_INET, SOCK_DGRAM, 0);
            iovec part = {&address, 1};
            msghdr message = {};
            message.msg_name = &address;
            message.msg_namelen = sizeof address;
            message.msg_iov = &part;
            message.msg_iovlen = 1;
            const Status status = InstallNetworkFilter();
            return First({status.message(), Fails("connect", connect(tcp, to, sizeof address), EACCES),
                          Fails("bind", bind(tcp, to, sizeof address), EACCES), Fails("listen", listen(tcp, 1), EACCES),
                          Fails("fast open", sendto(tcp, "x", 1, MSG_FASTOPEN, to, sizeof address), EACCES),
                          Fails("sendto", sendto(udp, "x", 1, 0, to, sizeof address), EACCES),
                          Fails("sendmsg", sendmsg(udp, &message, 0), EACCES),
                          Fails("accept", accept(tcp, nullptr, nullptr), EACCES)});
          },
          false),
      "");
}

TEST("a socket that listened before goes on accepting, and is named") {
  EXPECT_EQ(InChild(
                [] {
                  sockaddr_in address = {};
                  address.sin_family = AF_INET;
                  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
                  socklen_t size = sizeof address;
                  const int listening = socket(AF_INET, SOCK_STREAM, 0);
                  auto* name = reinterpret_cast<sockaddr*>(&address);
                  if (bind(listening, name, size) != 0 || listen(listening, 1) != 0 ||
                      getsockname(listening, name, &size) != 0) {
                    return std::string("no loopback here");
                  }
                  const pid_t caller = fork();  // without the filter
                  if (caller == 0) {
                    const int out = socket(AF_INET, SOCK_STREAM, 0);
                    _exit(connect(out, name, size) == 0 ? 0 : 1);
                  }
                  const Status status = InstallNetworkFilter();
                  const int accepted = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
                  int how = 0;
                  waitpid(caller, &how, 0);
                  const auto open = OpenSockets();
                  const std::string wanted = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
                  bool named = false;
                  if (open.ok()) {
                    for (const OpenSocket& one : open.value()) {
                      named = named || (one.listening && one.family == SocketFamily::kIpv4 && one.address == wanted);
                    }
                  }
                  return First({status.message(), accepted < 0 ? "nothing was accepted" : "",
                                how == 0 ? "" : "no connection", named ? "" : "it is not listed", NoSocket()});
                },
                false),
            "");
}

TEST("the ways round are shut in the kernel, too") {
  EXPECT_EQ(
      InChild([] {
        return First({
            Fails("io_uring_setup", syscall(425, 4, nullptr), EPERM),
            Fails("io_uring_enter", syscall(426, 0, 0, 0, 0, nullptr, 0), EPERM),
            Fails("pidfd_getfd", syscall(438, 0, 0, 0), EPERM),
            Fails("ptrace", syscall(SYS_ptrace, 0, 0, 0, 0), EPERM),
            Fails("process_vm_writev", syscall(SYS_process_vm_writev, getpid(), nullptr, 0, nullptr, 0, 0), EPERM),
            Fails("request_key", syscall(SYS_request_key, "dns_resolver", "example.invalid", nullptr, 0), EPERM),
            Fails("a call that came later", syscall(470), ENOSYS),
        });
      }),
      "");
}

TEST("a second filter changes nothing, and there are no rings to leave behind") {
  EXPECT_EQ(InChild([] {
              const Status rings = LeaveRingsBehind();
              const Status again = InstallNetworkFilter();
              return First({rings.message(), again.message(), NoSocket()});
            }),
            "");
}

TEST("a ring from before is not overlooked") {
  EXPECT_EQ(InChild(
                [] {
                  char parameters[120] = {};
                  if (syscall(425, 4, parameters) < 0) {
                    return std::string();  // this kernel gives nobody a ring
                  }
                  const Status status = InstallNetworkFilter();
                  return std::string(status.message().find("io_uring") != std::string::npos ? "" : "it was overlooked");
                },
                false),
            "");
}

#if defined(__x86_64__)
TEST("the 32-bit interface ends the process") {
  const auto socketcall = [] {
    long result = 102;
    __asm__ volatile("int $0x80" : "+a"(result) : "b"(1L), "c"(0L) : "memory");
    return "socketcall returned " + std::to_string(result);
  };
  // Where the kernel has no such interface, it takes the instruction for a fault, with or without a filter.
  const std::string fault = "killed by " + std::to_string(SIGSEGV);
  const bool is_there = InChild(socketcall, false) != fault;
  EXPECT_EQ(InChild(socketcall), is_there ? "killed by " + std::to_string(SIGSYS) : fault);
}
#endif

#else

TEST("elsewhere the filter is said not to exist") {
  EXPECT(InstallNetworkFilter().code() == StatusCode::kUnsupported);
  EXPECT(OpenSockets().status().code() == StatusCode::kUnsupported);
}

#endif

}  // namespace
}  // namespace niwaki

int main(int argc, char** argv) {
#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
  // Emulators of a processor have no system-call filters.
  if (niwaki::InChild(
          [] {
            return std::string(niwaki::InstallNetworkFilter().code() == niwaki::StatusCode::kUnsupported ? "no" : "");
          },
          false) == "no") {
    std::printf("skipped: this system has no system-call filters\n");
    return 77;
  }
#endif
  return niwaki::testing::RunAll(argc, argv);
}
