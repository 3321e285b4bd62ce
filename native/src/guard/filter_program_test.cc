#include "guard/filter_program.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/testing.h"

namespace niwaki {
namespace {

struct Call {
  uint32_t number;
  std::array<uint64_t, 6> arguments = {};
  uint32_t arch = 0;  // the machine's own
};

constexpr uint32_t kBroken = 0xffffffff;

// The kernel's interpreter for what our programs consist of; kBroken for a program that it would not take.
uint32_t Run(const std::vector<FilterInstruction>& program, Machine machine, const Call& call) {
  std::array<uint8_t, 64> data = {};
  const uint32_t arch = call.arch == 0 ? CallsOf(machine).audit_arch : call.arch;
  std::memcpy(data.data(), &call.number, 4);
  std::memcpy(data.data() + 4, &arch, 4);
  std::memcpy(data.data() + 16, call.arguments.data(), 48);
  uint32_t accumulator = 0;
  for (size_t at = 0; at < program.size(); ++at) {
    const FilterInstruction& i = program[at];
    switch (i.code) {
      case 0x20:
        if (i.operand % 4 != 0 || i.operand > 60) {
          return kBroken;
        }
        std::memcpy(&accumulator, data.data() + i.operand, 4);
        break;
      case 0x54:
        accumulator &= i.operand;
        break;
      case 0x15:
        at += accumulator == i.operand ? i.jump_true : i.jump_false;
        break;
      case 0x25:
        at += accumulator > i.operand ? i.jump_true : i.jump_false;
        break;
      case 0x06:
        return i.operand;
      default:
        return kBroken;
    }
  }
  return kBroken;
}

constexpr uint32_t kDenied = kFilterError | 13;
constexpr uint32_t kNotPermitted = kFilterError | 1;
constexpr uint32_t kNoSuchCall = kFilterError | 38;
constexpr Machine kMachines[] = {Machine::kX86_64, Machine::kArm64};

TEST("no socket of any family is made, and none connected, bound or made to listen") {
  for (const Machine machine : kMachines) {
    const auto program = FilterProgram(machine, {});
    const SystemCalls& calls = CallsOf(machine);
    // unix, inet, inet6, netlink, packet, alg, vsock, xdp, and none at all
    for (const uint64_t family : {1, 2, 10, 16, 17, 38, 40, 44, 255}) {
      for (const uint64_t type : {1, 2, 3, 5, 1 | 0x80000}) {
        EXPECT_EQ(Run(program, machine, {calls.socket, {family, type}}), kDenied);
      }
    }
    for (const uint32_t call : {calls.connect, calls.bind, calls.listen, calls.accept, calls.accept4}) {
      EXPECT_EQ(Run(program, machine, {call, {3}}), kDenied);
    }
  }
}

TEST("what listened before goes on accepting where that was asked for, and nothing else changes") {
  for (const Machine machine : kMachines) {
    const auto without = FilterProgram(machine, {});
    const auto with = FilterProgram(machine, {.accept = true});
    const SystemCalls& calls = CallsOf(machine);
    for (uint32_t number = 0; number < 1000; ++number) {
      const uint32_t expected = number == calls.accept || number == calls.accept4
                                    ? kFilterAllow
                                    : Run(without, machine, {number, {2, 1, 0, 0, 1}});
      EXPECT_EQ(Run(with, machine, {number, {2, 1, 0, 0, 1}}), expected);
    }
  }
}

TEST("pairs are made of stream sockets of the family unix alone") {
  for (const Machine machine : kMachines) {
    const auto program = FilterProgram(machine, {});
    const uint32_t pair = CallsOf(machine).socketpair;
    EXPECT_EQ(Run(program, machine, {pair, {1, 1}}), kFilterAllow);
    EXPECT_EQ(Run(program, machine, {pair, {1, 1 | 0x80000 | 0x800}}), kFilterAllow);  // close on exec, without waiting
    EXPECT_EQ(Run(program, machine, {pair, {1, 2}}), kDenied);                         // datagrams go to any name
    EXPECT_EQ(Run(program, machine, {pair, {1, 5}}), kDenied);
    EXPECT_EQ(Run(program, machine, {pair, {2, 1}}), kDenied);
    EXPECT_EQ(Run(program, machine, {pair, {30, 1}}), kDenied);  // TIPC has pairs, too
    // The kernel takes the lower half of each: a filter that compared 64 bits could be told another story.
    constexpr uint64_t kHigh = uint64_t{1} << 32;
    EXPECT_EQ(Run(program, machine, {pair, {kHigh | 1, kHigh | 1}}), kFilterAllow);
    EXPECT_EQ(Run(program, machine, {pair, {kHigh | 2, 1}}), kDenied);
  }
}

TEST("what is open is sent to its peer, and to no other address") {
  for (const Machine machine : kMachines) {
    const auto program = FilterProgram(machine, {});
    const SystemCalls& calls = CallsOf(machine);
    EXPECT_EQ(Run(program, machine, {calls.sendto, {3, 4096, 10, 0, 0, 0}}), kFilterAllow);
    EXPECT_EQ(Run(program, machine, {calls.sendto, {3, 4096, 10, 0, 4096, 16}}), kDenied);
    EXPECT_EQ(Run(program, machine, {calls.sendto, {3, 4096, 10, 0, uint64_t{1} << 32, 16}}), kDenied);
    constexpr uint64_t kFastOpen = 0x20000000;
    EXPECT_EQ(Run(program, machine, {calls.sendto, {3, 4096, 10, kFastOpen, 4096, 16}}), kDenied);
    EXPECT_EQ(Run(program, machine, {calls.sendmsg, {3}}), kDenied);
    EXPECT_EQ(Run(program, machine, {calls.sendmmsg, {3}}), kDenied);
  }
}

TEST("the ways round are shut: rings, others' descriptors and memory, keys, mounts, typing into a terminal") {
  for (const Machine machine : kMachines) {
    const auto program = FilterProgram(machine, {});
    const SystemCalls& calls = CallsOf(machine);
    for (const uint32_t call :
         {kIoUringSetup, kIoUringEnter, kIoUringRegister, kPidfdGetfd, calls.ptrace, calls.process_vm_writev, calls.bpf,
          calls.add_key, calls.request_key, calls.keyctl, calls.mount, kOpenTree, kMoveMount, kFsopen, kFsconfig,
          kFsmount, kFspick, kMountSetattr, kOpenTreeAttr}) {
      EXPECT_EQ(Run(program, machine, {call}), kNotPermitted);
    }
    EXPECT_EQ(Run(program, machine, {calls.ioctl, {0, 0x5412, 1}}), kNotPermitted);
    EXPECT_EQ(Run(program, machine, {calls.ioctl, {0, (uint64_t{7} << 32) | 0x5412, 1}}), kNotPermitted);
    EXPECT_EQ(Run(program, machine, {calls.ioctl, {0, 0x541c, 1}}), kNotPermitted);
    EXPECT_EQ(Run(program, machine, {calls.ioctl, {0, 0x5401, 1}}), kFilterAllow);  // TCGETS: is it a terminal?
  }
}

TEST("other interfaces of the kernel are not to be used, and calls newer than the filter do not exist") {
  constexpr uint32_t kI386 = 0x40000003;
  constexpr uint32_t kArm32 = 0x40000028;
  for (const Machine machine : kMachines) {
    const auto program = FilterProgram(machine, {});
    for (const uint32_t arch : {kI386, kArm32, CallsOf(machine).audit_arch ^ 1}) {
      for (const uint32_t number : {0u, 1u, 102u /* socketcall */, 359u}) {
        EXPECT_EQ(Run(program, machine, {number, {}, arch}), kFilterKillProcess);
      }
    }
    constexpr uint32_t kX32 = 0x40000000;
    for (const uint32_t number : {kNewestKnown + 1, kX32, kX32 | 41, 0xffffffffu}) {
      EXPECT_EQ(Run(program, machine, {number}), kNoSuchCall);
    }
  }
}

TEST("everything else is allowed, and a filter against rings refuses nothing but those") {
  for (const Machine machine : kMachines) {
    const auto program = FilterProgram(machine, {});
    const auto rings = RingFilterProgram(machine);
    int allowed = 0;
    for (uint32_t number = 0; number <= kNewestKnown; ++number) {
      allowed += Run(program, machine, {number}) == kFilterAllow ? 1 : 0;
      const bool ring = number >= kIoUringSetup && number <= kIoUringRegister;
      EXPECT_EQ(Run(rings, machine, {number}), ring ? kNotPermitted : kFilterAllow);
    }
    // 9 calls of sockets (a pair of no family among them; a send without an address is none) and 19 ways round.
    EXPECT_EQ(static_cast<int>(kNewestKnown) + 1 - allowed, 9 + 19);
    EXPECT(program.size() < 200);
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
