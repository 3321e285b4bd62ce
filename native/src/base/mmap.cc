#include "base/mmap.h"

#include <cerrno>
#include <cstring>
#include <utility>

#if defined(_WIN32)
#define NOMINMAX
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace niwaki {
namespace {

Status FileError(StatusCode code, const std::string& path, const std::string& reason) {
  return Status(code, "cannot read \"" + path + "\": " + reason);
}

}  // namespace

MappedFile::MappedFile(MappedFile&& other) noexcept { *this = std::move(other); }

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
#if defined(_WIN32)
  std::swap(mapping_, other.mapping_);
#endif
  return *this;
}

#if defined(_WIN32)

MappedFile::~MappedFile() {
  if (data_ != nullptr) {
    UnmapViewOfFile(data_);
    CloseHandle(mapping_);
  }
}

Result<MappedFile> MappedFile::Open(const std::string& path) {
  const int length = MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, nullptr, 0);
  std::wstring wide(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, wide.data(), length);
  const HANDLE file =
      CreateFileW(wide.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) {
    return FileError(StatusCode::kNotFound, path, "system error " + std::to_string(GetLastError()));
  }
  LARGE_INTEGER size;
  if (!GetFileSizeEx(file, &size) || size.QuadPart == 0) {
    CloseHandle(file);
    return FileError(StatusCode::kBadFile, path, "the file is empty");
  }
  const HANDLE mapping = CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr);
  CloseHandle(file);
  void* data = mapping != nullptr ? MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0) : nullptr;
  if (data == nullptr) {
    return FileError(StatusCode::kBadFile, path, "it cannot be mapped, system error " + std::to_string(GetLastError()));
  }
  MappedFile map;
  map.data_ = static_cast<const uint8_t*>(data);
  map.size_ = static_cast<size_t>(size.QuadPart);
  map.mapping_ = mapping;
  return map;
}

void MappedFile::Forget(std::span<const uint8_t>) const {}

#else

MappedFile::~MappedFile() {
  if (data_ != nullptr) {
    munmap(const_cast<uint8_t*>(data_), size_);
  }
}

Result<MappedFile> MappedFile::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return FileError(errno == ENOENT || errno == ENOTDIR ? StatusCode::kNotFound : StatusCode::kBadFile, path,
                     std::strerror(errno));
  }
  struct stat info;
  std::string problem;
  if (fstat(fd, &info) != 0) {
    problem = std::strerror(errno);
  } else if (!S_ISREG(info.st_mode)) {
    problem = "it is not a regular file; choose a .gguf file";
  } else if (info.st_size == 0) {
    problem = "the file is empty; copy or download it again";
  }
  void* data = MAP_FAILED;
  if (problem.empty()) {
    data = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
      problem = std::string("it cannot be mapped: ") + std::strerror(errno);
    }
  }
  close(fd);
  if (!problem.empty()) {
    return FileError(StatusCode::kBadFile, path, problem);
  }
  MappedFile map;
  map.data_ = static_cast<const uint8_t*>(data);
  map.size_ = static_cast<size_t>(info.st_size);
  return map;
}

void MappedFile::Forget(std::span<const uint8_t> part) const {
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(part.data()) + page - 1) / page * page;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(part.data()) + part.size()) / page * page;
  if (end > begin) {
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
}

#endif

}  // namespace niwaki
