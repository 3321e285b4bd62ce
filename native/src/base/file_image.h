// The bytes of one file, or of several one after another, at fixed addresses: address space is set aside for all of
// them, and parts of it are filled by ordinary reads when they are asked for. Not a memory map: touching a map of a
// file that somebody truncates kills the process (SIGBUS); here a file that shrinks or changes is a Status.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "niwaki/status.h"

namespace niwaki {

class FileImage {
 public:
  FileImage() = default;
  ~FileImage();
  FileImage(FileImage&& other) noexcept;
  FileImage& operator=(FileImage&& other) noexcept;
  FileImage(const FileImage&) = delete;
  FileImage& operator=(const FileImage&) = delete;

  // kNotFound / kBadFile with the path and the system's reason; an empty file is kBadFile. Paths are UTF-8. The files
  // stay open until the end.
  static Result<FileImage> Open(const std::vector<std::string>& paths);

  // All files, each from a multiple of 64 bytes on. Defined only where Read() was called.
  std::span<const uint8_t> bytes() const { return {data_, size_}; }
  size_t files() const { return files_.size(); }
  std::span<const uint8_t> file(size_t index) const;
  const std::string& path(size_t index) const { return files_[index].path; }
  // Of the file that this byte of bytes() belongs to.
  const std::string& PathOf(const uint8_t* byte) const { return FileAt(static_cast<size_t>(byte - data_)).path; }
  // Sum of the files' sizes.
  int64_t file_bytes() const;

  // Fills a part of bytes() that lies within one file. kBadFile when the file has become shorter or cannot be read.
  Status Read(std::span<const uint8_t> part) const;
  // The same into other memory of that size; bytes() stay as they are. Any thread.
  Status ReadInto(std::span<const uint8_t> part, uint8_t* into) const;
  // kBadFile when a file's size or time of modification is not what it was when it was opened.
  Status Unchanged() const;

 private:
  struct Stamp {
    int64_t size = 0;
    int64_t seconds = 0;
    int64_t fraction = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct File {
    std::string path;
    intptr_t handle = -1;
    size_t begin = 0;  // in the image
    Stamp stamp;
  };
  static Status OpenOne(const std::string& path, File* file);
  static bool Look(intptr_t handle, Stamp* stamp);
  // The file that holds the byte at `offset` of the image.
  const File& FileAt(size_t offset) const;
  Status Reserve();

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  std::vector<File> files_;
};

}  // namespace niwaki
