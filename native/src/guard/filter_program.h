// The network filter as data: a classic BPF program over a system call's number and arguments. Made without asking the
// system anything, so that the programs of all machines can be tested on any. What is refused and why:
// docs/adr/0014-network-filter.md.
#pragma once

#include <cstdint>
#include <vector>

#include "guard/system_calls.h"

namespace niwaki {

// As the kernel's sock_filter.
struct FilterInstruction {
  uint16_t code;
  uint8_t jump_true;
  uint8_t jump_false;
  uint32_t operand;
};

// What a program says of a call: these, or kFilterError with an errno in the low 16 bits.
inline constexpr uint32_t kFilterAllow = 0x7fff0000;
inline constexpr uint32_t kFilterError = 0x00050000;
inline constexpr uint32_t kFilterKillProcess = 0x80000000;

struct FilterOptions {
  // Sockets that already listen when the filter is installed (a loopback endpoint that was bound before) go on taking
  // connections. Nothing can begin to listen in any case.
  bool accept = false;
};

std::vector<FilterInstruction> FilterProgram(Machine machine, const FilterOptions& options);

// Refuses io_uring and nothing else: what a process gets before it becomes one that never had a ring.
std::vector<FilterInstruction> RingFilterProgram(Machine machine);

}  // namespace niwaki
