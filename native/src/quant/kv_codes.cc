#include "quant/kv_codes.h"

#include <cstring>

namespace niwaki {
namespace {

uint8_t IndexAt(int bits, const uint8_t* stream, int64_t slice, int64_t lane) {
  if (bits == 8) {
    return stream[slice * kCodeSlice + lane];
  }
  if (bits == 4) {
    return static_cast<uint8_t>((stream[slice / 2 * kCodeSlice + lane] >> (slice % 2 * 4)) & 15);
  }
  const uint8_t* group = stream + slice / 8 * (3 * kCodeSlice);
  const int64_t s = slice % 8;
  const int low = (group[s / 4 * kCodeSlice + lane] >> (s % 4 * 2)) & 3;
  const int high = (group[2 * kCodeSlice + lane] >> s) & 1;
  return static_cast<uint8_t>(low | (high << 2));
}

}  // namespace

void PackSlices(int bits, const uint8_t* indices, int64_t slices, uint8_t* stream) {
  if (bits == 8) {
    std::memcpy(stream, indices, static_cast<size_t>(slices * kCodeSlice));
    return;
  }
  if (bits == 4) {
    for (int64_t s = 0; s < slices; s += 2, indices += 2 * kCodeSlice, stream += kCodeSlice) {
      for (int64_t i = 0; i < kCodeSlice; ++i) {
        stream[i] = static_cast<uint8_t>(indices[i] | (indices[kCodeSlice + i] << 4));
      }
    }
    return;
  }
  for (int64_t s = 0; s < slices; s += 8, indices += 8 * kCodeSlice, stream += 3 * kCodeSlice) {
    for (int64_t i = 0; i < kCodeSlice; ++i) {
      unsigned low[2] = {0, 0};
      unsigned high = 0;
      for (int64_t k = 0; k < 8; ++k) {
        const unsigned index = indices[k * kCodeSlice + i];
        low[k / 4] |= (index & 3) << (k % 4 * 2);
        high |= (index >> 2) << k;
      }
      stream[i] = static_cast<uint8_t>(low[0]);
      stream[kCodeSlice + i] = static_cast<uint8_t>(low[1]);
      stream[2 * kCodeSlice + i] = static_cast<uint8_t>(high);
    }
  }
}

void PackCodePage(const CodePageLayout& layout, const uint8_t* keys, const uint16_t* key_scales, const uint8_t* values,
                  const uint16_t* value_scales, uint8_t* page) {
  constexpr int64_t kMostSlices = 64;  // head_size 256
  const int64_t size = layout.head_size;
  uint8_t slices[kMostSlices * kCodeSlice];
  for (int64_t block = 0; block < kCodePageTokens / kCodeLanes; ++block) {
    for (int64_t lane = 0; lane < kCodeLanes; ++lane) {
      const uint8_t* from = keys + (block * kCodeLanes + lane) * size;
      for (int64_t s = 0; s < size / 4; ++s) {
        std::memcpy(slices + s * kCodeSlice + lane * 4, from + s * 4, 4);
      }
    }
    if (layout.key_bits == 8) {
      for (int64_t i = 0; i < size / 4 * kCodeSlice; ++i) {
        slices[i] ^= 0x80;  // signed to biased
      }
    }
    PackSlices(layout.key_bits, slices, size / 4, page + block * layout.key_stream());
  }
  std::memcpy(page + layout.key_scales(), key_scales, kCodePageTokens * 2);
  for (int64_t block = 0; block < size / kCodeLanes; ++block) {
    for (int64_t token = 0; token < kCodePageTokens; ++token) {
      const uint8_t* from = values + token * size + block * kCodeLanes;
      uint8_t* to = slices + token / 4 * kCodeSlice + token % 4;
      for (int64_t lane = 0; lane < kCodeLanes; ++lane) {
        to[lane * 4] = from[lane];
      }
    }
    PackSlices(layout.value_bits, slices, kCodePageTokens / 4, page + layout.values() + block * layout.value_stream());
  }
  std::memcpy(page + layout.value_scales(), value_scales, kCodePageTokens * 2);
}

int32_t CodeInteger(int bits, uint8_t index) {
  if (bits == 8) {
    return static_cast<int8_t>(index);
  }
  const int32_t half = 1 << (bits - 1);
  const int32_t* magnitude = bits == 4 ? kCodes4 : kCodes3;
  return index >= half ? magnitude[index - half] : -magnitude[half - 1 - index];
}

void UnpackKey(const CodePageLayout& layout, const uint8_t* page, int64_t token, int32_t* out) {
  const uint8_t* stream = page + token / kCodeLanes * layout.key_stream();
  for (int64_t i = 0; i < layout.head_size; ++i) {
    uint8_t index = IndexAt(layout.key_bits, stream, i / 4, token % kCodeLanes * 4 + i % 4);
    if (layout.key_bits == 8) {
      index ^= 0x80;
    }
    out[i] = CodeInteger(layout.key_bits, index);
  }
}

void UnpackValue(const CodePageLayout& layout, const uint8_t* page, int64_t token, int32_t* out) {
  for (int64_t i = 0; i < layout.head_size; ++i) {
    const uint8_t* stream = page + layout.values() + i / kCodeLanes * layout.value_stream();
    out[i] =
        CodeInteger(layout.value_bits, IndexAt(layout.value_bits, stream, token / 4, i % kCodeLanes * 4 + token % 4));
  }
}

}  // namespace niwaki
