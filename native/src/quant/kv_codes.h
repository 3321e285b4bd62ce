// Keys and values as codes, and how a page of them lies in memory. A vector of head_size values, rotated so that its
// elements look Gaussian, is stored as one fp16 scale and an index a value into a codebook of small integers: value =
// scale * integer. The codebooks are Lloyd-Max quantisers of a coordinate of a random point on the sphere (TurboQuant,
// arXiv 2504.19874, section 3.1), rounded to integers of 7 bits, so that a dot product with integers of 7 bits needs no
// more than 16 bits for two neighbours (pmaddubsw) and every kernel table computes the same sums.
#pragma once

#include <cstdint>

namespace niwaki {

// Magnitudes in rising order; codebook entry i of 2n is -magnitude[n - 1 - i] for i < n, magnitude[i - n] from there
// on.
inline constexpr int32_t kCodes4[8] = {3, 9, 15, 22, 29, 38, 48, 63};
inline constexpr int32_t kCodes3[4] = {7, 22, 39, 63};
// What one integer step stands for, in root mean squares of the vector, before the vector's own scale is chosen.
inline constexpr float kCodeUnit4 = 2.7f / 63;
inline constexpr float kCodeUnit3 = 2.1519f / 63;
// 8 bits are uniform: integers -127 .. 127, the largest magnitude of the vector is 127.
inline constexpr int32_t kCodeMost8 = 127;

inline constexpr int64_t kCodePageTokens = 128;
// Tokens (of keys) or elements (of values) that a product takes side by side, a lane of 32 bits each.
inline constexpr int64_t kCodeLanes = 16;
// A slice is 64 codes: 16 lanes of 4 neighbours, which are elements 4s..4s+3 of 16 keys, or tokens 4s..4s+3 of 16
// elements of the values. Slices of a stream follow each other; packed they are
//   8 bits: 64 bytes a slice (keys plus 128, values as signed bytes);
//   4 bits: 64 bytes for two slices, the first in the low halves of the bytes;
//   3 bits: 192 bytes for eight: twice 64 bytes with the low two bits of four slices each, then 64 bytes whose bit s is
//           the highest bit of slice s.
inline constexpr int64_t kCodeSlice = 64;
// A stream's length, in slices, is a multiple of this in every format.
inline constexpr int64_t kSliceGroup = 8;

// Bytes of `slices` slices.
constexpr int64_t StreamBytes(int bits, int64_t slices) { return slices * kCodeSlice * bits / 8; }
// Packs indices [slices][64] (0 .. 2^bits - 1; 8 bits: any byte).
void PackSlices(int bits, const uint8_t* indices, int64_t slices, uint8_t* stream);

// One page of one layer and kv head: key codes [128 / 16 blocks of tokens][head_size / 4 slices], 128 fp16 scales of
// keys, value codes [head_size / 16 blocks of elements][128 / 4 slices], 128 fp16 scales of values.
struct CodePageLayout {
  int key_bits;
  int value_bits;
  int64_t head_size;  // a multiple of 32

  constexpr int64_t key_stream() const { return StreamBytes(key_bits, head_size / 4); }
  constexpr int64_t value_stream() const { return StreamBytes(value_bits, kCodePageTokens / 4); }
  constexpr int64_t key_scales() const { return kCodePageTokens / kCodeLanes * key_stream(); }
  constexpr int64_t values() const { return key_scales() + kCodePageTokens * 2; }
  constexpr int64_t value_scales() const { return values() + head_size / kCodeLanes * value_stream(); }
  constexpr int64_t bytes() const { return value_scales() + kCodePageTokens * 2; }
};

// Packs a page from indices [128, head_size] of keys and of values and their scales.
void PackCodePage(const CodePageLayout& layout, const uint8_t* keys, const uint16_t* key_scales, const uint8_t* values,
                  const uint16_t* value_scales, uint8_t* page);
// The integer that an index stands for.
int32_t CodeInteger(int bits, uint8_t index);
// Integers of token `token`, [head_size], as packed in a page: for references and tests.
void UnpackKey(const CodePageLayout& layout, const uint8_t* page, int64_t token, int32_t* out);
void UnpackValue(const CodePageLayout& layout, const uint8_t* page, int64_t token, int32_t* out);

}  // namespace niwaki
