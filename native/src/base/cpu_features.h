// What this CPU can do, as far as the kernel tables care.
#pragma once

namespace niwaki {

struct CpuFeatures {
  bool avx2 = false;  // AVX2 and F16C, and an operating system that saves the wide registers
};
CpuFeatures DetectCpu();

}  // namespace niwaki
