// A file or a folder in the system's folder for temporary ones, removed at the end of the scope. Only tests and
// benchmarks include it.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

namespace niwaki::testing {

inline std::filesystem::path TempPath(const std::string& ending) {
  static std::atomic<int> counter{0};
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  const std::string name = "niwaki-test-" + std::to_string(now) + "-" + std::to_string(counter++) + ending;
  return std::filesystem::temp_directory_path() / std::u8string(name.begin(), name.end());
}

class TempFile {
 public:
  explicit TempFile(std::span<const uint8_t> bytes, const std::string& ending = ".gguf") : path_(TempPath(ending)) {
    std::ofstream out(path_, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  ~TempFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  std::string path() const {
    const auto text = path_.u8string();
    return {text.begin(), text.end()};
  }

 private:
  std::filesystem::path path_;
};

// A folder that is not there yet: whoever needs it makes it.
class TempFolder {
 public:
  TempFolder() : path_(TempPath("")) {}
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string text() const {
    const auto text = path_.u8string();
    return {text.begin(), text.end()};
  }

 private:
  std::filesystem::path path_;
};

}  // namespace niwaki::testing
