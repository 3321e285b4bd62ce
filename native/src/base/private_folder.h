// A folder of files that are one user's business: made and written for that user alone, replaced as a whole or not at
// all, and believed only where they are plain files of that user. Everything is done relative to the open folder, and
// no link is followed in it, so nobody can slip another place under it between a check and its use.
//
// On Windows (written by its documentation, not run) a new folder gets the access rights of the one that it is made in,
// which for an extension's storage are the user's, the system's and the administrators'; there are no modes. Reparse
// points stand for links.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "niwaki/status.h"

namespace niwaki {

// A file that is open for reading. Reads see the file that was opened, whatever its name stands for by now.
class PrivateFile {
 public:
  PrivateFile() = default;
  ~PrivateFile();
  PrivateFile(PrivateFile&& other) noexcept;
  PrivateFile& operator=(PrivateFile&& other) noexcept;
  PrivateFile(const PrivateFile&) = delete;
  PrivateFile& operator=(const PrivateFile&) = delete;

  // When it was opened.
  int64_t bytes() const { return bytes_; }
  // Fills `into` from `offset` on. kBadFile when the file is shorter or cannot be read. Any thread.
  Status ReadAt(int64_t offset, std::span<uint8_t> into) const;
  // The time of its last modification becomes now. Where that is not allowed it stays what it is.
  void Touch() const;

 private:
  friend class PrivateFolder;
  intptr_t handle_ = -1;
  int64_t bytes_ = 0;
};

class PrivateFolder {
 public:
  enum class EntryKind { kFile, kFolder, kOther };
  struct Entry {
    std::string name;
    EntryKind kind = EntryKind::kOther;  // links are kOther
    int64_t bytes = 0;
    int64_t modified = 0;  // nanoseconds since some day
  };
  struct Space {
    int64_t free = 0;  // bytes that this user may still write to the disk
    int64_t total = 0;
  };

  PrivateFolder() = default;
  ~PrivateFolder();
  PrivateFolder(PrivateFolder&& other) noexcept;
  PrivateFolder& operator=(PrivateFolder&& other) noexcept;
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  // `path` is UTF-8. kNotFound when there is none; kBadFile when it is a link, no folder, or another user's. Links
  // above it are followed: homes may be links.
  static Result<PrivateFolder> Open(const std::string& path);
  // The same for a folder in this one.
  Result<PrivateFolder> OpenFolder(const std::string& name) const;
  // Makes it first (mode 0700), and what is missing above it. One that is there and open to others is closed to them.
  static Result<PrivateFolder> Make(const std::string& path);

  // Names do not hold separators. All but "." and "..", in no order; those that go meanwhile are left out.
  Result<std::vector<Entry>> List() const;
  // What a name stands for. kNotFound when there is nothing.
  Result<Entry> Look(const std::string& name) const;
  // kNotFound when there is none; kBadFile when it is no plain file of this user, or one that may not be read;
  // kOutOfMemory when the system has no handle left for it, which says nothing about the file.
  Result<PrivateFile> OpenFile(const std::string& name) const;
  // Removes a file or a link, not a folder; true when it was there and is gone now. With `only`, only while the name
  // still stands for that file: another process may have put a new one there.
  bool Remove(const std::string& name, const PrivateFile* only = nullptr) const;
  bool RemoveEmptyFolder(const std::string& name) const;

  // The file holds `parts` one after another, from the moment on when this returns Ok; until then, and for ever when it
  // fails or the process is killed, what was there stays. Goes through a file called TemporaryName(name, some number)
  // in the same folder, which a killed process leaves behind. kOutOfMemory when the disk is full, kBadFile otherwise.
  Status Write(const std::string& name, std::initializer_list<std::span<const uint8_t>> parts) const;
  // NAME.16 hexadecimal digits.tmp
  static std::string TemporaryName(const std::string& name, uint64_t number);
  // The name that such a name was made of; "" for all others.
  static std::string NameOfTemporary(const std::string& temporary);
  // Removes a temporary file unless somebody, in this process or in another one, is still writing it. True when it is
  // gone now. On a file system without locks that cannot be told, and only a day's age makes it a leftover.
  bool RemoveLeftover(const std::string& temporary) const;

  Result<Space> DiskSpace() const;
  const std::string& path() const { return path_; }

 private:
  // A number that nobody else is likely to have, for a temporary file's name.
  static uint64_t Unique();
  Status Problem(StatusCode code, const std::string& name, const std::string& reason) const;

  std::string path_;
  intptr_t handle_ = -1;
};

}  // namespace niwaki
