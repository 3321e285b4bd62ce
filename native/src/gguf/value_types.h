// Ids of GGUF metadata values, for the two files that read them.
#pragma once

#include <cstdint>
#include <cstring>

namespace niwaki {

enum ValueType : uint32_t {
  kU8 = 0,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32v,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64,
};

template <typename T>
inline T ReadAt(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof value);  // little-endian hosts only: GGUF carries no flag for its byte order
  return value;
}

}  // namespace niwaki
