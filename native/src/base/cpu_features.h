// What this CPU can do, as far as the kernel tables care.
#pragma once

namespace niwaki {

struct CpuFeatures {
  bool avx512vnni = false;  // AVX-512 F, BW, VL, VBMI and VNNI, and an operating system that saves their registers
  bool amx = false;         // those, AMX tiles with int8, and an operating system that grants them
  bool avx2 = false;        // AVX2, FMA and F16C, and an operating system that saves the wide registers
};
CpuFeatures DetectCpu();

}  // namespace niwaki
