// Memory straight from the system, for what is large and goes back: a C library keeps what it is given back, so a
// process that has once held much would go on holding it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace niwaki {

// A mapping of its own. The system gives memory as it is touched.
class SystemMemory {
 public:
  // Bytes of a page of the system's, the least that can be given back.
  static size_t PageBytes();

  SystemMemory() = default;
  // Zeros, aligned to PageBytes() at least; from 4 MB on aligned for huge pages, which the system is asked to use.
  // bytes() is 0 afterwards when there is not enough memory.
  explicit SystemMemory(size_t bytes);
  ~SystemMemory();
  SystemMemory(SystemMemory&& other) noexcept { *this = std::move(other); }
  SystemMemory& operator=(SystemMemory&& other) noexcept {
    std::swap(mapping_, other.mapping_);
    std::swap(mapped_, other.mapped_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  SystemMemory(const SystemMemory&) = delete;
  SystemMemory& operator=(const SystemMemory&) = delete;

  size_t bytes() const { return bytes_; }
  uint8_t* data() const { return data_; }

  // Gives the whole pages of the system's in [begin, begin + bytes), a part of this, back; their contents are lost, and
  // they may be written to again afterwards, which costs the system's page faults. False when they could not be given
  // back: then they are as they were.
  bool Discard(uint8_t* begin, size_t bytes);

 private:
  void* mapping_ = nullptr;
  size_t mapped_ = 0;
  uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace niwaki
