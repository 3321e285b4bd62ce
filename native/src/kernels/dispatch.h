// Which kernel table runs: the best one that the CPU supports and that NIWAKI_CPU (a cap: "generic", "avx2") allows.
#pragma once

#include <string_view>

#include "kernels/kernel_table.h"
#include "niwaki/engine.h"  // KernelTableInfo
#include "niwaki/status.h"

namespace niwaki {

// The table of that name ("" = best). kNotFound for an unknown name, kUnsupported when this CPU or NIWAKI_CPU rules it
// out; the message lists what can be had. "oracle" is available everywhere, but only by name.
Result<const KernelTable*> FindKernelTable(std::string_view name);

// Compares every function of the table with plain references on fixed small inputs. For SelfTest() and the tests.
Status CheckKernelTable(const KernelTable& table);

}  // namespace niwaki
