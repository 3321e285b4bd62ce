#include "guard/filter_program.h"

#include <cstddef>
#include <utility>

namespace niwaki {
namespace {

// Classic BPF: a 32-bit accumulator, jumps forward.
constexpr uint16_t kLoad = 0x20;         // BPF_LD | BPF_W | BPF_ABS
constexpr uint16_t kJumpEqual = 0x15;    // BPF_JMP | BPF_JEQ | BPF_K
constexpr uint16_t kJumpGreater = 0x25;  // BPF_JMP | BPF_JGT | BPF_K
constexpr uint16_t kAnd = 0x54;          // BPF_ALU | BPF_AND | BPF_K
constexpr uint16_t kReturn = 0x06;       // BPF_RET | BPF_K
// Offsets in seccomp_data: int nr, u32 arch, u64 instruction_pointer, u64 args[6]; both machines are little-endian.
constexpr uint32_t kNumber = 0;
constexpr uint32_t kArch = 4;
constexpr uint32_t Low(uint32_t argument) { return 16 + 8 * argument; }
constexpr uint32_t High(uint32_t argument) { return Low(argument) + 4; }

// Linux's numbers, written out like those of the calls: the program is data of another machine, too.
constexpr uint32_t kNotPermitted = 1;      // EPERM
constexpr uint32_t kAccessDenied = 13;     // EACCES
constexpr uint32_t kNoSuchCall = 38;       // ENOSYS
constexpr uint32_t kUnix = 1;              // AF_UNIX
constexpr uint32_t kStream = 1;            // SOCK_STREAM
constexpr uint32_t kSocketTypeMask = 0xf;  // without SOCK_CLOEXEC and SOCK_NONBLOCK
constexpr uint32_t kFakeInput = 0x5412;    // TIOCSTI
constexpr uint32_t kConsole = 0x541c;      // TIOCLINUX, which can paste

class Builder {
 public:
  void Load(uint32_t offset) { Add(kLoad, 0, 0, offset); }
  void Return(uint32_t what) { Add(kReturn, 0, 0, what); }
  void Error(uint32_t error) { Return(kFilterError | error); }
  // The next instruction only where the accumulator is (or is not) `value`.
  void IfEqual(uint32_t value) { Add(kJumpEqual, 0, 1, value); }
  void UnlessEqual(uint32_t value) { Add(kJumpEqual, 1, 0, value); }
  void IfGreater(uint32_t value) { Add(kJumpGreater, 0, 1, value); }
  void And(uint32_t mask) { Add(kAnd, 0, 0, mask); }
  // The call's number is in the accumulator, before and after.
  void Refuse(uint32_t call, uint32_t error) {
    IfEqual(call);
    Error(error);
  }
  // Body of a call whose arguments matter; it must end every path with a return.
  template <typename Body>
  void Only(uint32_t call, Body&& body) {
    const size_t jump = program_.size();
    IfEqual(call);
    body();
    program_[jump].jump_false = static_cast<uint8_t>(program_.size() - jump - 1);
  }
  std::vector<FilterInstruction> Take() { return std::move(program_); }

 private:
  void Add(uint16_t code, uint8_t jump_true, uint8_t jump_false, uint32_t operand) {
    program_.push_back({code, jump_true, jump_false, operand});
  }
  std::vector<FilterInstruction> program_;
};

// Leaves the call's number in the accumulator.
void Begin(Builder& to, const SystemCalls& calls) {
  // The 32-bit interface has other numbers, and one call for all of sockets. Nothing of ours comes that way.
  to.Load(kArch);
  to.UnlessEqual(calls.audit_arch);
  to.Return(kFilterKillProcess);
  to.Load(kNumber);
}

// No socket of any family is made or connected. Not of AF_UNIX either: behind such a socket may be somebody who speaks
// to the network for others (a resolver, D-Bus, a container daemon, an ssh agent). Pairs stay, for they lead nowhere: a
// process talks to its children through them. Not as datagrams, which can be sent to any name.
void RefuseSockets(Builder& to, const SystemCalls& calls, const FilterOptions& options) {
  for (const uint32_t call : {calls.socket, calls.connect, calls.bind, calls.listen}) {
    to.Refuse(call, kAccessDenied);
  }
  if (!options.accept) {
    to.Refuse(calls.accept, kAccessDenied);
    to.Refuse(calls.accept4, kAccessDenied);
  }
  to.Only(calls.socketpair, [&] {
    to.Load(Low(0));
    to.UnlessEqual(kUnix);
    to.Error(kAccessDenied);
    to.Load(Low(1));
    to.And(kSocketTypeMask);
    to.UnlessEqual(kStream);
    to.Error(kAccessDenied);
    to.Return(kFilterAllow);
  });
  // What was inherited may be sent to its peer (send, write) and to nobody else. These two have the address where a
  // filter cannot look.
  to.Refuse(calls.sendmsg, kAccessDenied);
  to.Refuse(calls.sendmmsg, kAccessDenied);
  to.Only(calls.sendto, [&] {
    to.Load(Low(4));
    to.UnlessEqual(0);
    to.Error(kAccessDenied);
    to.Load(High(4));
    to.UnlessEqual(0);
    to.Error(kAccessDenied);
    to.Return(kFilterAllow);
  });
}

// What a ring does is not asked of filters.
void RefuseRings(Builder& to) {
  for (const uint32_t call : {kIoUringSetup, kIoUringEnter, kIoUringRegister}) {
    to.Refuse(call, kNotPermitted);
  }
}

// Ways round: other processes' sockets can be taken, and other processes made to speak; the kernel itself resolves
// names for keys and connects to mount a network file system.
void RefuseWaysRound(Builder& to, const SystemCalls& calls) {
  for (const uint32_t call :
       {kPidfdGetfd, calls.ptrace, calls.process_vm_writev, calls.bpf, calls.add_key, calls.request_key, calls.keyctl,
        calls.mount, kOpenTree, kMoveMount, kFsopen, kFsconfig, kFsmount, kFspick, kMountSetattr, kOpenTreeAttr}) {
    to.Refuse(call, kNotPermitted);
  }
  // Typing into the terminal's shell.
  to.Only(calls.ioctl, [&] {
    to.Load(Low(1));
    to.IfEqual(kFakeInput);
    to.Error(kNotPermitted);
    to.IfEqual(kConsole);
    to.Error(kNotPermitted);
    to.Return(kFilterAllow);
  });
}

}  // namespace

std::vector<FilterInstruction> FilterProgram(Machine machine, const FilterOptions& options) {
  const SystemCalls& calls = CallsOf(machine);
  Builder to;
  Begin(to, calls);
  // "The kernel does not have it", which programs are ready to hear. The numbers of x86-64's x32 are above, too.
  to.IfGreater(kNewestKnown);
  to.Error(kNoSuchCall);
  RefuseSockets(to, calls, options);
  RefuseRings(to);
  RefuseWaysRound(to, calls);
  to.Return(kFilterAllow);
  return to.Take();
}

std::vector<FilterInstruction> RingFilterProgram(Machine machine) {
  Builder to;
  Begin(to, CallsOf(machine));
  RefuseRings(to);
  to.Return(kFilterAllow);
  return to.Take();
}

}  // namespace niwaki
