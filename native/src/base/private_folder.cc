// What is the same on all systems.
#include "base/private_folder.h"

#include <atomic>
#include <chrono>
#include <utility>

namespace niwaki {
namespace {

constexpr size_t kDigits = 16;
constexpr char kEnding[] = ".tmp";
constexpr size_t kEndingBytes = sizeof kEnding - 1;

}  // namespace

PrivateFile::PrivateFile(PrivateFile&& other) noexcept { *this = std::move(other); }

PrivateFile& PrivateFile::operator=(PrivateFile&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

PrivateFolder::PrivateFolder(PrivateFolder&& other) noexcept { *this = std::move(other); }

PrivateFolder& PrivateFolder::operator=(PrivateFolder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(handle_, other.handle_);
  return *this;
}

std::string PrivateFolder::TemporaryName(const std::string& name, uint64_t number) {
  std::string out = name + '.';
  for (int shift = 60; shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[(number >> shift) & 15];
  }
  return out + kEnding;
}

std::string PrivateFolder::NameOfTemporary(const std::string& temporary) {
  const size_t tail = 1 + kDigits + kEndingBytes;
  if (temporary.size() <= tail) {
    return "";
  }
  const std::string end = temporary.substr(temporary.size() - tail);
  if (end[0] != '.' || end.substr(1 + kDigits) != kEnding ||
      end.substr(1, kDigits).find_first_not_of("0123456789abcdef") != std::string::npos) {
    return "";
  }
  return temporary.substr(0, temporary.size() - tail);
}

Status PrivateFolder::Problem(StatusCode code, const std::string& name, const std::string& reason) const {
  return Status(code, "\"" + path_ + "/" + name + "\": " + reason);
}

uint64_t PrivateFolder::Unique() {
  static std::atomic<uint64_t> counter{0};
  // The address differs from process to process. Whoever gets the same number all the same finds the file there and
  // takes another one.
  uint64_t z = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) +
               reinterpret_cast<uintptr_t>(&counter) + 0x9e3779b97f4a7c15ull * ++counter;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;  // splitmix64 (Steele et al. 2014)
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

}  // namespace niwaki
