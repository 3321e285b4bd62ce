#if !defined(_WIN32)

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/private_folder.h"

namespace niwaki {
namespace {

constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr time_t kDaySeconds = 86400;

int Handle(intptr_t handle) { return static_cast<int>(handle); }

// A failure that says nothing about the file.
bool IsShortage(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }
bool IsFull(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

int64_t Modified(const struct stat& info) {
#if defined(__APPLE__)
  const struct timespec& time = info.st_mtimespec;
#else
  const struct timespec& time = info.st_mtim;
#endif
  return static_cast<int64_t>(time.tv_sec) * 1000000000 + static_cast<int64_t>(time.tv_nsec);
}

PrivateFolder::Entry EntryOf(const std::string& name, const struct stat& info) {
  const auto kind = S_ISREG(info.st_mode)   ? PrivateFolder::EntryKind::kFile
                    : S_ISDIR(info.st_mode) ? PrivateFolder::EntryKind::kFolder
                                            : PrivateFolder::EntryKind::kOther;
  return {name, kind, static_cast<int64_t>(info.st_size), Modified(info)};
}

// Takes the folder `name` below `parent`; `path` is for people.
Status TakeFolder(int parent, const std::string& name, const std::string& path, intptr_t* handle) {
  const int opened = openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (opened < 0) {
    const int error = errno;
    const StatusCode code = error == ENOENT     ? StatusCode::kNotFound
                            : IsShortage(error) ? StatusCode::kOutOfMemory
                                                : StatusCode::kBadFile;
    const bool foreign = error == ELOOP || error == ENOTDIR;
    return Status(code, "\"" + path + "\": " + (foreign ? "it is not a folder" : std::strerror(error)) +
                            "; remove it, or choose another place");
  }
  struct stat info;
  if (fstat(opened, &info) != 0 || info.st_uid != geteuid()) {
    close(opened);
    return Status(StatusCode::kBadFile, "\"" + path + "\": the folder belongs to another user; choose another place");
  }
  *handle = opened;
  return Status();
}

// The number of bytes written; less than asked for with errno set.
size_t WriteAll(int handle, std::span<const uint8_t> bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = write(handle, bytes.data() + done, std::min(bytes.size() - done, size_t{1} << 30));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      break;
    }
    done += static_cast<size_t>(count);
  }
  return done;
}

// Whoever writes a temporary file holds this lock until it has its final name. The system takes it back from a process
// that dies.
bool Lock(int handle, bool wait) {
  int result = 0;
  do {
    result = flock(handle, LOCK_EX | (wait ? 0 : LOCK_NB));
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

}  // namespace

PrivateFile::~PrivateFile() {
  if (handle_ >= 0) {
    close(Handle(handle_));
  }
}

Status PrivateFile::ReadAt(int64_t offset, std::span<uint8_t> into) const {
  for (size_t done = 0; done < into.size();) {
    const ssize_t count = pread(Handle(handle_), into.data() + done, std::min(into.size() - done, size_t{1} << 30),
                                static_cast<off_t>(offset + static_cast<int64_t>(done)));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return Status(StatusCode::kBadFile, std::string("the file cannot be read: ") + std::strerror(errno));
    }
    if (count == 0) {
      return Status(StatusCode::kBadFile, "the file has become shorter while it was being read");
    }
    done += static_cast<size_t>(count);
  }
  return Status();
}

void PrivateFile::Touch() const {
  struct timespec times[2] = {};
  times[0].tv_nsec = UTIME_OMIT;  // of the last access
  times[1].tv_nsec = UTIME_NOW;
  static_cast<void>(futimens(Handle(handle_), times));
}

PrivateFolder::~PrivateFolder() {
  if (handle_ >= 0) {
    close(Handle(handle_));
  }
}

Result<PrivateFolder> PrivateFolder::Open(const std::string& path) {
  PrivateFolder folder;
  folder.path_ = path;
  // A trailing separator would follow a link.
  const size_t end = path.find_last_not_of('/');
  const std::string name = end == std::string::npos ? path : path.substr(0, end + 1);
  NIWAKI_RETURN_IF_ERROR(TakeFolder(AT_FDCWD, name, path, &folder.handle_));
  return folder;
}

Result<PrivateFolder> PrivateFolder::OpenFolder(const std::string& name) const {
  PrivateFolder folder;
  folder.path_ = path_ + "/" + name;
  NIWAKI_RETURN_IF_ERROR(TakeFolder(Handle(handle_), name, folder.path_, &folder.handle_));
  return folder;
}

Result<PrivateFolder> PrivateFolder::Make(const std::string& path) {
  for (size_t at = path.find_first_not_of('/'); at != std::string::npos && at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string part = path.substr(0, end);
    const int error = mkdir(part.c_str(), kFolderMode) == 0 ? 0 : errno;
    // On a file system that is read only, and where one may not write, what is there already may still be right.
    struct stat info;
    if (error != 0 && error != EEXIST && stat(part.c_str(), &info) != 0) {
      const StatusCode code = IsFull(error) ? StatusCode::kOutOfMemory : StatusCode::kBadFile;
      return Status(code, "cannot make the folder \"" + part + "\": " + std::strerror(error));
    }
    at = path.find_first_not_of('/', end);
  }
  Result<PrivateFolder> folder = Open(path);
  if (folder.ok()) {
    const int handle = Handle(folder.value().handle_);
    struct stat info;
    if (fstat(handle, &info) == 0 && (info.st_mode & 07777) != kFolderMode) {
      static_cast<void>(fchmod(handle, kFolderMode));  // file systems without modes refuse
    }
  }
  return folder;
}

Result<std::vector<PrivateFolder::Entry>> PrivateFolder::List() const {
  // A handle of its own: a second listing would go on where this one ended.
  const int again = openat(Handle(handle_), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = again < 0 ? nullptr : fdopendir(again);
  if (stream == nullptr) {
    const Status status = Problem(StatusCode::kBadFile, "", std::string("cannot be listed: ") + std::strerror(errno));
    if (again >= 0) {
      close(again);
    }
    return status;
  }
  std::vector<Entry> entries;
  while (const dirent* entry = readdir(stream)) {
    const std::string name = entry->d_name;
    struct stat info;
    if (name != "." && name != ".." && fstatat(again, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
      entries.push_back(EntryOf(name, info));
    }
  }
  closedir(stream);
  return entries;
}

Result<PrivateFolder::Entry> PrivateFolder::Look(const std::string& name) const {
  struct stat info;
  if (fstatat(Handle(handle_), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return Problem(errno == ENOENT ? StatusCode::kNotFound : StatusCode::kBadFile, name, std::strerror(errno));
  }
  return EntryOf(name, info);
}

Result<PrivateFile> PrivateFolder::OpenFile(const std::string& name) const {
  // Non-blocking: opening a pipe that nobody writes to would wait for ever.
  const int handle = openat(Handle(handle_), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (handle < 0) {
    const int error = errno;
    const StatusCode code = error == ENOENT     ? StatusCode::kNotFound
                            : IsShortage(error) ? StatusCode::kOutOfMemory
                                                : StatusCode::kBadFile;
    return Problem(code, name, error == ELOOP ? "it is a link" : std::strerror(error));
  }
  PrivateFile file;
  file.handle_ = handle;
  struct stat info;
  if (fstat(handle, &info) != 0 || !S_ISREG(info.st_mode)) {
    return Problem(StatusCode::kBadFile, name, "it is not a plain file");
  }
  if (info.st_uid != geteuid()) {
    return Problem(StatusCode::kBadFile, name, "it belongs to another user");
  }
  file.bytes_ = static_cast<int64_t>(info.st_size);
  return file;
}

bool PrivateFolder::Remove(const std::string& name, const PrivateFile* only) const {
  if (only != nullptr) {
    struct stat now;
    struct stat opened;
    if (fstatat(Handle(handle_), name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0 ||
        fstat(Handle(only->handle_), &opened) != 0 || now.st_ino != opened.st_ino || now.st_dev != opened.st_dev) {
      return false;
    }
  }
  return unlinkat(Handle(handle_), name.c_str(), 0) == 0;
}

bool PrivateFolder::RemoveEmptyFolder(const std::string& name) const {
  return unlinkat(Handle(handle_), name.c_str(), AT_REMOVEDIR) == 0;
}

Status PrivateFolder::Write(const std::string& name, std::initializer_list<std::span<const uint8_t>> parts) const {
  const int folder = Handle(handle_);
  std::string temporary;
  int handle = -1;
  for (int tries = 0; handle < 0; ++tries) {
    temporary = TemporaryName(name, Unique());
    handle = openat(folder, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode);
    if (handle >= 0) {
      // Where the file system has no locks, the file is taken for a leftover only when it is old.
      static_cast<void>(Lock(handle, true));
      struct stat info;
      if (fstat(handle, &info) == 0 && info.st_nlink > 0) {
        break;
      }
      close(handle);  // somebody took it for a leftover before it was locked
      handle = -1;
    } else if (errno != EEXIST) {
      const StatusCode code = IsFull(errno) || IsShortage(errno) ? StatusCode::kOutOfMemory : StatusCode::kBadFile;
      return Problem(code, name, std::string("cannot be written: ") + std::strerror(errno));
    }
    if (tries >= 100) {
      return Problem(StatusCode::kBadFile, name, "cannot be written: other programs keep removing the file");
    }
  }
  int error = 0;
  for (const std::span<const uint8_t> part : parts) {
    if (error == 0 && WriteAll(handle, part) != part.size()) {
      error = errno != 0 ? errno : EIO;
    }
  }
  // The data are on the disk before the name is: after a power failure a name does not stand for an empty file. When
  // the name itself is on the disk is left to the system.
  if (error == 0 && fsync(handle) != 0) {
    error = errno;
  }
  if (error == 0 && renameat(folder, temporary.c_str(), folder, name.c_str()) != 0) {
    error = errno;
  }
  if (error != 0) {
    unlinkat(folder, temporary.c_str(), 0);
  }
  close(handle);
  if (error != 0) {
    return Problem(IsFull(error) ? StatusCode::kOutOfMemory : StatusCode::kBadFile, name,
                   std::string("cannot be written: ") + std::strerror(error));
  }
  return Status();
}

bool PrivateFolder::RemoveLeftover(const std::string& temporary) const {
  const int folder = Handle(handle_);
  // For writing, too: over a network, locks of others' files want that.
  const int handle = openat(folder, temporary.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (handle < 0) {
    return false;
  }
  struct stat info;
  const bool file = fstat(handle, &info) == 0 && S_ISREG(info.st_mode);
  const bool locked = file && Lock(handle, false);
  // Where the file system has no locks: nobody writes a file for a day.
  const bool old = file && !locked && errno != EWOULDBLOCK && time(nullptr) - info.st_mtime > kDaySeconds;
  const bool dead = locked || old;
  // A writer that has finished since then has renamed it, and there is nothing to remove; one that has just made it
  // finds, once it has the lock, that the file has no name any more, and makes another.
  const bool removed = dead && unlinkat(folder, temporary.c_str(), 0) == 0;
  close(handle);
  return removed;
}

Result<PrivateFolder::Space> PrivateFolder::DiskSpace() const {
  struct statvfs info;
  if (fstatvfs(Handle(handle_), &info) != 0) {
    return Problem(StatusCode::kBadFile, "",
                   std::string("the disk does not say how full it is: ") + std::strerror(errno));
  }
  const int64_t unit = static_cast<int64_t>(info.f_frsize);
  return Space{static_cast<int64_t>(info.f_bavail) * unit, static_cast<int64_t>(info.f_blocks) * unit};
}

}  // namespace niwaki

#endif
