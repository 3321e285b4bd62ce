// The AMX instructions that the table "amx" uses, as bytes: the releases' compiler (GCC 10) and its assembler are older
// than AMX, and other compilers' intrinsics do not say that they read and write memory. All of them get the same code
// from this.
//
// Tiles are literal numbers 0 to 7. Addresses lie in rax and strides in rcx, so that the operands' bytes are constants.
#pragma once

#include <cstdint>

// VEX.128.{none,66,F3,F2}.0F38.W0: C4 E2, then inverted vvvv and the prefix, then the opcode, ModRM and SIB.

// tilezero tmm[c]
#define NIWAKI_TILE_ZERO(c) __asm__ volatile(".byte 0xc4, 0xe2, 0x7b, 0x49, 0xc0 + 8 * %c0" : : "i"(c))

// tileloadd tmm[tile], [rax + rcx]
#define NIWAKI_TILE_LOAD(tile, pointer, stride)                                              \
  __asm__ volatile(".byte 0xc4, 0xe2, 0x7b, 0x4b, 0x04 + 8 * %c2, 0x08"                      \
                   :                                                                         \
                   : "a"(static_cast<const void*>(pointer)), "c"(int64_t{stride}), "i"(tile) \
                   : "memory")

// tilestored [rax + rcx], tmm[tile]
#define NIWAKI_TILE_STORE(tile, pointer, stride)                                       \
  __asm__ volatile(".byte 0xc4, 0xe2, 0x7a, 0x4b, 0x04 + 8 * %c2, 0x08"                \
                   :                                                                   \
                   : "a"(static_cast<void*>(pointer)), "c"(int64_t{stride}), "i"(tile) \
                   : "memory")

// tdpbssd tmm[c], tmm[a], tmm[b]: adds products of signed bytes to 32-bit sums
#define NIWAKI_TILE_DOT(c, a, b) \
  __asm__ volatile(".byte 0xc4, 0xe2, 0x03 + 8 * (15 - %c2), 0x5e, 0xc0 + 8 * %c0 + %c1" : : "i"(c), "i"(a), "i"(b))

// ldtilecfg [rax]: `config` points at 64 bytes
#define NIWAKI_TILE_CONFIGURE(config) \
  __asm__ volatile(".byte 0xc4, 0xe2, 0x78, 0x49, 0x00" : : "a"(static_cast<const void*>(config)) : "memory")

// tilerelease
#define NIWAKI_TILE_RELEASE() __asm__ volatile(".byte 0xc4, 0xe2, 0x78, 0x49, 0xc0" : : : "memory")
