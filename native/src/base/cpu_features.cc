#include "base/cpu_features.h"

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace niwaki {

#if defined(__x86_64__) || defined(_M_X64)
namespace {

void Cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4]) {
#if defined(_MSC_VER)
  int regs[4];
  __cpuidex(regs, static_cast<int>(leaf), static_cast<int>(sub));
  for (int i = 0; i < 4; ++i) {
    out[i] = static_cast<uint32_t>(regs[i]);
  }
#else
  out[0] = out[1] = out[2] = out[3] = 0;
  __get_cpuid_count(leaf, sub, &out[0], &out[1], &out[2], &out[3]);
#endif
}

uint64_t Xcr0() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  uint32_t low;
  uint32_t high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
#endif
}

// Linux gives a process AMX's 8 kB of registers only when it asks; all of its threads may use them from then on.
bool AskForTiles() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

}  // namespace

CpuFeatures DetectCpu() {
  CpuFeatures features;
  uint32_t leaf1[4];
  uint32_t leaf7[4];
  Cpuid(1, 0, leaf1);
  Cpuid(7, 0, leaf7);
  const bool osxsave = ((leaf1[2] >> 27) & 1) != 0;
  const bool f16c = ((leaf1[2] >> 29) & 1) != 0;
  const bool fma = ((leaf1[2] >> 12) & 1) != 0;
  const bool avx2 = ((leaf7[1] >> 5) & 1) != 0;
  features.avx2 = osxsave && f16c && fma && avx2 && (Xcr0() & 6) == 6;
  const auto bit = [](uint32_t word, int at) { return ((word >> at) & 1) != 0; };
  const bool avx512 = bit(leaf7[1], 16) && bit(leaf7[1], 30) && bit(leaf7[1], 31);
  // Besides the registers of AVX: opmasks, the upper halves of zmm0-15, zmm16-31.
  features.avx512vnni = features.avx2 && avx512 && bit(leaf7[2], 1) && bit(leaf7[2], 11) && (Xcr0() & 0xe6) == 0xe6;
  // Besides all that: the tiles' configuration and data.
  const bool tiles = bit(leaf7[3], 24) && bit(leaf7[3], 25) && (Xcr0() & 0x60000) == 0x60000;
  features.amx = features.avx512vnni && tiles && AskForTiles();
  return features;
}
#else
CpuFeatures DetectCpu() { return {}; }
#endif

}  // namespace niwaki
