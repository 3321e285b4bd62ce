// How many threads suit this machine.
#pragma once

namespace niwaki {

// Cores that this process may compute on: physical cores (two threads of one core share what these kernels need), the
// fast ones where a processor has two kinds, within the affinity mask, and the container's share of processor time
// (cgroup v1 and v2) where there is one. At least 1.
int UsableCores();

}  // namespace niwaki
