// By the documentation of the Windows API; not run so far.
#if defined(_WIN32)

#if !defined(NOMINMAX)
#define NOMINMAX
#endif
#include <windows.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/private_folder.h"

namespace niwaki {
namespace {

std::filesystem::path PathOf(const std::string& utf8) {
  return std::filesystem::path(std::u8string(utf8.begin(), utf8.end()));
}
std::string Utf8(const wchar_t* wide) {
  const std::u8string text = std::filesystem::path(wide).u8string();
  return {text.begin(), text.end()};
}
std::string SystemError() { return "system error " + std::to_string(GetLastError()); }
bool IsFull() { return GetLastError() == ERROR_DISK_FULL || GetLastError() == ERROR_HANDLE_DISK_FULL; }

HANDLE Handle(intptr_t handle) { return reinterpret_cast<HANDLE>(handle); }
int64_t Number(DWORD high, DWORD low) { return static_cast<int64_t>(uint64_t{high} << 32 | low); }

PrivateFolder::Entry EntryOf(const WIN32_FIND_DATAW& found) {
  const bool link = (found.dwFileAttributes & (FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DEVICE)) != 0;
  const bool folder = (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
  const auto kind = link     ? PrivateFolder::EntryKind::kOther
                    : folder ? PrivateFolder::EntryKind::kFolder
                             : PrivateFolder::EntryKind::kFile;
  // Times are counted in steps of 100 ns.
  return {Utf8(found.cFileName), kind, Number(found.nFileSizeHigh, found.nFileSizeLow),
          Number(found.ftLastWriteTime.dwHighDateTime, found.ftLastWriteTime.dwLowDateTime) * 100};
}

}  // namespace

PrivateFile::~PrivateFile() {
  if (handle_ != -1) {
    CloseHandle(Handle(handle_));
  }
}

Status PrivateFile::ReadAt(int64_t offset, std::span<uint8_t> into) const {
  for (size_t done = 0; done < into.size();) {
    const uint64_t at = static_cast<uint64_t>(offset) + done;
    OVERLAPPED where = {};
    where.Offset = static_cast<DWORD>(at);
    where.OffsetHigh = static_cast<DWORD>(at >> 32);
    DWORD count = 0;
    const DWORD wanted = static_cast<DWORD>(std::min<size_t>(into.size() - done, size_t{64} << 20));
    if (!ReadFile(Handle(handle_), into.data() + done, wanted, &count, &where) || count == 0) {
      return Status(StatusCode::kBadFile, "the file cannot be read, or has become shorter: " + SystemError());
    }
    done += count;
  }
  return Status();
}

void PrivateFile::Touch() const {
  FILETIME now;
  GetSystemTimeAsFileTime(&now);
  SetFileTime(Handle(handle_), nullptr, nullptr, &now);
}

PrivateFolder::~PrivateFolder() = default;

Result<PrivateFolder> PrivateFolder::Open(const std::string& path) {
  const DWORD attributes = GetFileAttributesW(PathOf(path).c_str());
  if (attributes == INVALID_FILE_ATTRIBUTES) {
    return Status(StatusCode::kNotFound, "\"" + path + "\": " + SystemError());
  }
  if ((attributes & FILE_ATTRIBUTE_DIRECTORY) == 0 || (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0) {
    return Status(StatusCode::kBadFile, "\"" + path + "\": it is not a folder; remove it, or choose another place");
  }
  PrivateFolder folder;
  folder.path_ = path;
  return folder;
}

Result<PrivateFolder> PrivateFolder::OpenFolder(const std::string& name) const { return Open(path_ + "/" + name); }

Result<PrivateFolder> PrivateFolder::Make(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(PathOf(path), error);
  if (error) {
    return Status(StatusCode::kBadFile, "cannot make the folder \"" + path + "\": " + error.message());
  }
  return Open(path);
}

Result<std::vector<PrivateFolder::Entry>> PrivateFolder::List() const {
  std::vector<Entry> entries;
  WIN32_FIND_DATAW found;
  const HANDLE search = FindFirstFileW(PathOf(path_ + "/*").c_str(), &found);
  if (search == INVALID_HANDLE_VALUE) {
    return Problem(StatusCode::kBadFile, "", "cannot be listed: " + SystemError());
  }
  do {
    Entry entry = EntryOf(found);
    if (entry.name != "." && entry.name != "..") {
      entries.push_back(std::move(entry));
    }
  } while (FindNextFileW(search, &found));
  FindClose(search);
  return entries;
}

Result<PrivateFolder::Entry> PrivateFolder::Look(const std::string& name) const {
  WIN32_FIND_DATAW found;
  const HANDLE search = FindFirstFileW(PathOf(path_ + "/" + name).c_str(), &found);
  if (search == INVALID_HANDLE_VALUE) {
    return Problem(StatusCode::kNotFound, name, SystemError());
  }
  FindClose(search);
  return EntryOf(found);
}

Result<PrivateFile> PrivateFolder::OpenFile(const std::string& name) const {
  const HANDLE handle =
      CreateFileW(PathOf(path_ + "/" + name).c_str(), GENERIC_READ | FILE_WRITE_ATTRIBUTES,
                  FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT, nullptr);
  if (handle == INVALID_HANDLE_VALUE) {
    const bool absent = GetLastError() == ERROR_FILE_NOT_FOUND || GetLastError() == ERROR_PATH_NOT_FOUND;
    return Problem(absent ? StatusCode::kNotFound : StatusCode::kBadFile, name, SystemError());
  }
  PrivateFile file;
  file.handle_ = reinterpret_cast<intptr_t>(handle);
  BY_HANDLE_FILE_INFORMATION info;
  if (GetFileType(handle) != FILE_TYPE_DISK || !GetFileInformationByHandle(handle, &info) ||
      (info.dwFileAttributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT)) != 0) {
    return Problem(StatusCode::kBadFile, name, "it is not a plain file");
  }
  file.bytes_ = Number(info.nFileSizeHigh, info.nFileSizeLow);
  return file;
}

bool PrivateFolder::Remove(const std::string& name, const PrivateFile*) const {
  return DeleteFileW(PathOf(path_ + "/" + name).c_str()) != 0;
}

bool PrivateFolder::RemoveEmptyFolder(const std::string& name) const {
  return RemoveDirectoryW(PathOf(path_ + "/" + name).c_str()) != 0;
}

Status PrivateFolder::Write(const std::string& name, std::initializer_list<std::span<const uint8_t>> parts) const {
  const std::string temporary = TemporaryName(name, Unique());
  const std::filesystem::path from = PathOf(path_ + "/" + temporary);
  // Shared with nobody: until it is closed it cannot be removed by others.
  const HANDLE handle =
      CreateFileW(from.c_str(), GENERIC_WRITE, 0, nullptr, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr);
  bool written = handle != INVALID_HANDLE_VALUE;
  for (const std::span<const uint8_t> part : parts) {
    for (size_t done = 0; written && done < part.size();) {
      DWORD count = 0;
      const DWORD wanted = static_cast<DWORD>(std::min<size_t>(part.size() - done, size_t{64} << 20));
      written = WriteFile(handle, part.data() + done, wanted, &count, nullptr) && count > 0;
      done += count;
    }
  }
  written = written && FlushFileBuffers(handle);
  Status status;
  if (!written) {
    status = Problem(IsFull() ? StatusCode::kOutOfMemory : StatusCode::kBadFile, name,
                     "cannot be written: " + SystemError());
  }
  if (handle != INVALID_HANDLE_VALUE) {
    CloseHandle(handle);
  }
  if (written && !MoveFileExW(from.c_str(), PathOf(path_ + "/" + name).c_str(), MOVEFILE_REPLACE_EXISTING)) {
    status = Problem(StatusCode::kBadFile, name, "cannot be written: " + SystemError());
  }
  if (!status.ok()) {
    DeleteFileW(from.c_str());
  }
  return status;
}

bool PrivateFolder::RemoveLeftover(const std::string& temporary) const { return Remove(temporary); }

Result<PrivateFolder::Space> PrivateFolder::DiskSpace() const {
  ULARGE_INTEGER free;
  ULARGE_INTEGER total;
  if (!GetDiskFreeSpaceExW(PathOf(path_).c_str(), &free, &total, nullptr)) {
    return Problem(StatusCode::kBadFile, "", "the disk does not say how full it is: " + SystemError());
  }
  return Space{static_cast<int64_t>(free.QuadPart), static_cast<int64_t>(total.QuadPart)};
}

}  // namespace niwaki

#endif
