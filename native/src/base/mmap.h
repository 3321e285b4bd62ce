// A read-only memory map of a file.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "niwaki/status.h"

namespace niwaki {

class MappedFile {
 public:
  MappedFile() = default;
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // kNotFound / kBadFile with the path and the system's reason; an empty file is kBadFile. Paths are UTF-8.
  static Result<MappedFile> Open(const std::string& path);
  std::span<const uint8_t> bytes() const { return {data_, size_}; }
  // madvise(DONTNEED) on the whole pages inside: they are read from the file again when touched.
  void Forget(std::span<const uint8_t> part) const;

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
#if defined(_WIN32)
  void* mapping_ = nullptr;
#endif
};

}  // namespace niwaki
