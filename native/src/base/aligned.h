// Aligned memory that may be large, without exceptions: a failed allocation is an empty buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#if defined(_WIN32)
#include <malloc.h>  // _aligned_malloc
#elif defined(__linux__)
#include <sys/mman.h>
#endif

namespace niwaki {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  // 64-byte aligned; from 4 MB on aligned for huge pages, which the system is asked to use. Contents are undefined.
  // bytes() is 0 afterwards when there is not enough memory.
  explicit AlignedBuffer(size_t bytes) {
    constexpr size_t kHuge = size_t{2} << 20;
    const size_t alignment = bytes >= 2 * kHuge ? kHuge : 64;
    const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
#if defined(_WIN32)
    data_ = static_cast<uint8_t*>(_aligned_malloc(rounded, alignment));
#else
    data_ = static_cast<uint8_t*>(std::aligned_alloc(alignment, rounded));
#endif
    bytes_ = data_ != nullptr ? bytes : 0;
#if defined(__linux__)
    if (data_ != nullptr && alignment == kHuge) {
      madvise(data_, bytes / kHuge * kHuge, MADV_HUGEPAGE);  // the rest of a huge page would be memory that nobody uses
    }
#endif
  }
  ~AlignedBuffer() {
#if defined(_WIN32)
    _aligned_free(data_);
#else
    std::free(data_);
#endif
  }
  AlignedBuffer(AlignedBuffer&& other) noexcept { *this = std::move(other); }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;

  size_t bytes() const { return bytes_; }
  uint8_t* data() const { return data_; }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace niwaki
