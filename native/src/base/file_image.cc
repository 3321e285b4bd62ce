#include "base/file_image.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#if defined(_WIN32)
#if !defined(NOMINMAX)
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace niwaki {
namespace {

constexpr size_t kFileAlignment = 64;

Status FileError(StatusCode code, const std::string& path, const std::string& reason) {
  return Status(code, "cannot read \"" + path + "\": " + reason);
}

Status Changed(const std::string& path) {
  return FileError(StatusCode::kBadFile, path,
                   "the file changed while it was being read; wait until its download or copy is complete and load it "
                   "again");
}

#if defined(_WIN32)
std::string SystemError() { return "system error " + std::to_string(GetLastError()); }
#else
std::string SystemError() { return std::strerror(errno); }
#endif

}  // namespace

FileImage::FileImage(FileImage&& other) noexcept { *this = std::move(other); }

FileImage& FileImage::operator=(FileImage&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(files_, other.files_);
  return *this;
}

std::span<const uint8_t> FileImage::file(size_t index) const {
  return bytes().subspan(files_[index].begin, static_cast<size_t>(files_[index].stamp.size));
}

int64_t FileImage::file_bytes() const {
  int64_t sum = 0;
  for (const File& file : files_) {
    sum += file.stamp.size;
  }
  return sum;
}

Result<FileImage> FileImage::Open(const std::vector<std::string>& paths) {
  FileImage image;
  for (const std::string& path : paths) {
    File file;
    NIWAKI_RETURN_IF_ERROR(OpenOne(path, &file));
    file.begin = (image.size_ + kFileAlignment - 1) / kFileAlignment * kFileAlignment;
    image.size_ = file.begin + static_cast<size_t>(file.stamp.size);
    image.files_.push_back(std::move(file));
  }
  NIWAKI_RETURN_IF_ERROR(image.Reserve());
  return image;
}

const FileImage::File& FileImage::FileAt(size_t offset) const {
  const auto after = std::find_if(files_.begin(), files_.end(), [&](const File& f) { return f.begin > offset; });
  return *(after - 1);
}

Status FileImage::Unchanged() const {
  for (const File& file : files_) {
    Stamp now;
    if (!Look(file.handle, &now) || now != file.stamp) {
      return Changed(file.path);
    }
  }
  return Status();
}

#if defined(_WIN32)

FileImage::~FileImage() {
  if (data_ != nullptr) {
    VirtualFree(data_, 0, MEM_RELEASE);
  }
  for (const File& file : files_) {
    CloseHandle(reinterpret_cast<HANDLE>(file.handle));
  }
}

bool FileImage::Look(intptr_t handle, Stamp* stamp) {
  BY_HANDLE_FILE_INFORMATION info;
  if (!GetFileInformationByHandle(reinterpret_cast<HANDLE>(handle), &info)) {
    return false;
  }
  stamp->size = static_cast<int64_t>(info.nFileSizeHigh) << 32 | info.nFileSizeLow;
  stamp->seconds = info.ftLastWriteTime.dwHighDateTime;
  stamp->fraction = info.ftLastWriteTime.dwLowDateTime;
  return true;
}

Status FileImage::OpenOne(const std::string& path, File* file) {
  const int length = MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, nullptr, 0);
  std::wstring wide(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, wide.data(), length);
  const HANDLE handle =
      CreateFileW(wide.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) {
    return FileError(StatusCode::kNotFound, path, SystemError());
  }
  file->path = path;
  file->handle = reinterpret_cast<intptr_t>(handle);
  if (!Look(file->handle, &file->stamp) || file->stamp.size == 0) {
    CloseHandle(handle);
    return FileError(StatusCode::kBadFile, path, "the file is empty; copy or download it again");
  }
  return Status();
}

Status FileImage::Reserve() {
  data_ = static_cast<uint8_t*>(VirtualAlloc(nullptr, size_, MEM_RESERVE, PAGE_READWRITE));
  return data_ != nullptr ? Status()
                          : FileError(StatusCode::kOutOfMemory, files_.front().path,
                                      "no address space for it, " + SystemError() + "; close other programs");
}

Status FileImage::Read(std::span<const uint8_t> part) const {
  const size_t offset = static_cast<size_t>(part.data() - data_);
  if (!part.empty() && VirtualAlloc(data_ + offset, part.size(), MEM_COMMIT, PAGE_READWRITE) == nullptr) {
    return FileError(StatusCode::kOutOfMemory, FileAt(offset).path, "there is not enough memory; close other programs");
  }
  return ReadInto(part, data_ + offset);
}

Status FileImage::ReadInto(std::span<const uint8_t> part, uint8_t* into) const {
  const size_t offset = static_cast<size_t>(part.data() - data_);
  const File& file = FileAt(offset);
  for (size_t done = 0; done < part.size();) {
    const uint64_t at = offset - file.begin + done;
    OVERLAPPED where = {};
    where.Offset = static_cast<DWORD>(at);
    where.OffsetHigh = static_cast<DWORD>(at >> 32);
    DWORD count = 0;
    const DWORD wanted = static_cast<DWORD>(std::min<size_t>(part.size() - done, size_t{64} << 20));
    if (!ReadFile(reinterpret_cast<HANDLE>(file.handle), into + done, wanted, &count, &where)) {
      return GetLastError() == ERROR_HANDLE_EOF ? Changed(file.path)
                                                : FileError(StatusCode::kBadFile, file.path, SystemError());
    }
    if (count == 0) {
      return Changed(file.path);
    }
    done += count;
  }
  return Status();
}

#else

FileImage::~FileImage() {
  if (data_ != nullptr) {
    munmap(data_, size_);
  }
  for (const File& file : files_) {
    close(static_cast<int>(file.handle));
  }
}

bool FileImage::Look(intptr_t handle, Stamp* stamp) {
  struct stat info;
  if (fstat(static_cast<int>(handle), &info) != 0) {
    return false;
  }
#if defined(__APPLE__)
  const struct timespec& time = info.st_mtimespec;
#else
  const struct timespec& time = info.st_mtim;
#endif
  *stamp = {static_cast<int64_t>(info.st_size), static_cast<int64_t>(time.tv_sec), static_cast<int64_t>(time.tv_nsec)};
  return true;
}

Status FileImage::OpenOne(const std::string& path, File* file) {
  // Non-blocking: opening a pipe that nobody writes to would wait for ever. It means nothing for regular files.
  const int handle = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (handle < 0) {
    return FileError(errno == ENOENT || errno == ENOTDIR ? StatusCode::kNotFound : StatusCode::kBadFile, path,
                     SystemError() + "; choose a .gguf file that can be read");
  }
  struct stat info;
  std::string problem;
  if (fstat(handle, &info) != 0) {
    problem = SystemError();
  } else if (!S_ISREG(info.st_mode)) {
    problem = "it is not a regular file; choose a .gguf file";
  } else if (info.st_size == 0) {
    problem = "the file is empty; copy or download it again";
  }
  if (!problem.empty() || !Look(handle, &file->stamp)) {
    close(handle);
    return FileError(StatusCode::kBadFile, path, problem.empty() ? SystemError() : problem);
  }
  file->path = path;
  file->handle = handle;
  return Status();
}

Status FileImage::Reserve() {
#if defined(MAP_NORESERVE)
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#else
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#endif
  void* data = mmap(nullptr, size_, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (data == MAP_FAILED) {
    return FileError(StatusCode::kOutOfMemory, files_.front().path,
                     "no address space for it (" + SystemError() + "); close other programs or choose a smaller model");
  }
  data_ = static_cast<uint8_t*>(data);
  return Status();
}

Status FileImage::Read(std::span<const uint8_t> part) const { return ReadInto(part, data_ + (part.data() - data_)); }

Status FileImage::ReadInto(std::span<const uint8_t> part, uint8_t* into) const {
  const size_t offset = static_cast<size_t>(part.data() - data_);
  const File& file = FileAt(offset);
  for (size_t done = 0; done < part.size();) {
    // At most 1 GiB a call: some systems refuse 2 GiB and more.
    const size_t wanted = std::min(part.size() - done, size_t{1} << 30);
    const ssize_t count =
        pread(static_cast<int>(file.handle), into + done, wanted, static_cast<off_t>(offset - file.begin + done));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return FileError(StatusCode::kBadFile, file.path,
                       SystemError() + "; check the disk or the network folder that it lies on, and load it again");
    }
    if (count == 0) {
      return Changed(file.path);
    }
    done += static_cast<size_t>(count);
  }
  return Status();
}

#endif

}  // namespace niwaki
