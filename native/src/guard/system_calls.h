// Numbers of the system calls that the filter knows, as the kernel's stable interface has them for each machine. They
// are written out, because headers of an old system, on which the releases are built, do not name the newer ones.
#pragma once

#include <cstdint>

namespace niwaki {

// The machines that a filter can be made for.
enum class Machine { kX86_64, kArm64 };

struct SystemCalls {
  // AUDIT_ARCH_*: which system-call interface a call came in by.
  uint32_t audit_arch;
  // Sockets.
  uint32_t socket, socketpair, connect, bind, listen, accept, accept4, sendto, sendmsg, sendmmsg;
  // Other processes.
  uint32_t ptrace, process_vm_writev;
  // The kernel does the talking.
  uint32_t bpf, add_key, request_key, keyctl, mount;
  uint32_t ioctl;
};

inline constexpr SystemCalls kX86_64Calls = {
    .audit_arch = 0xC000003E,
    .socket = 41,
    .socketpair = 53,
    .connect = 42,
    .bind = 49,
    .listen = 50,
    .accept = 43,
    .accept4 = 288,
    .sendto = 44,
    .sendmsg = 46,
    .sendmmsg = 307,
    .ptrace = 101,
    .process_vm_writev = 311,
    .bpf = 321,
    .add_key = 248,
    .request_key = 249,
    .keyctl = 250,
    .mount = 165,
    .ioctl = 16,
};

inline constexpr SystemCalls kArm64Calls = {
    .audit_arch = 0xC00000B7,
    .socket = 198,
    .socketpair = 199,
    .connect = 203,
    .bind = 200,
    .listen = 201,
    .accept = 202,
    .accept4 = 242,
    .sendto = 206,
    .sendmsg = 211,
    .sendmmsg = 269,
    .ptrace = 117,
    .process_vm_writev = 271,
    .bpf = 280,
    .add_key = 217,
    .request_key = 218,
    .keyctl = 219,
    .mount = 40,
    .ioctl = 29,
};

// From 424 on the numbers are the same everywhere.
inline constexpr uint32_t kIoUringSetup = 425;
inline constexpr uint32_t kIoUringEnter = 426;
inline constexpr uint32_t kIoUringRegister = 427;
inline constexpr uint32_t kOpenTree = 428;
inline constexpr uint32_t kMoveMount = 429;
inline constexpr uint32_t kFsopen = 430;
inline constexpr uint32_t kFsconfig = 431;
inline constexpr uint32_t kFsmount = 432;
inline constexpr uint32_t kFspick = 433;
inline constexpr uint32_t kPidfdGetfd = 438;
inline constexpr uint32_t kMountSetattr = 442;
inline constexpr uint32_t kOpenTreeAttr = 467;
// The newest that was looked at (file_setattr, Linux 6.17). What comes later may be another way to the network.
inline constexpr uint32_t kNewestKnown = 469;

inline constexpr const SystemCalls& CallsOf(Machine machine) {
  return machine == Machine::kArm64 ? kArm64Calls : kX86_64Calls;
}

}  // namespace niwaki
