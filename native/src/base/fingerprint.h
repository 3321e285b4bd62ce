// A name for a piece of data, of 128 bits: two FNV-1a hashes (Fowler, Noll and Vo) that start apart and take the bytes
// in different steps. It tells files apart that are different by accident; nothing about security rests on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace niwaki {

class Fingerprint {
 public:
  void Add(const void* data, size_t bytes) {
    const uint8_t* p = static_cast<const uint8_t*>(data);
    for (size_t i = 0; i < bytes; ++i) {
      a_ = (a_ ^ p[i]) * kPrime;
      b_ = (b_ ^ (p[i] + i)) * kPrime;
    }
    b_ ^= b_ >> 29;
  }
  void Add(std::string_view text) {
    const uint64_t size = text.size();
    Add(&size, sizeof size);  // so that neighbouring texts do not run into each other
    Add(text.data(), text.size());
  }
  void Add(int64_t number) { Add(&number, sizeof number); }
  // 32 hexadecimal digits.
  std::string Hex() const {
    std::string out;
    for (const uint64_t half : {a_, b_}) {
      for (int shift = 60; shift >= 0; shift -= 4) {
        out += "0123456789abcdef"[(half >> shift) & 15];
      }
    }
    return out;
  }

 private:
  static constexpr uint64_t kPrime = 0x100000001b3ull;
  uint64_t a_ = 0xcbf29ce484222325ull;
  uint64_t b_ = 0x9ae16a3b2f90404full;
};

}  // namespace niwaki
