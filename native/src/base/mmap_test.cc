// Mapped files: contents, paths, refusals.
#include "base/mmap.h"

#include <algorithm>

#include "base/temp_file_testing.h"
#include "base/testing.h"

namespace niwaki {
namespace {

using testing::TempFile;

std::vector<uint8_t> Pattern(size_t n) {
  std::vector<uint8_t> out(n);
  for (size_t i = 0; i < n; ++i) {
    out[i] = static_cast<uint8_t>(i * 7 + i / 251);
  }
  return out;
}

bool Same(std::span<const uint8_t> a, const std::vector<uint8_t>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

TEST("a file's bytes, also under a name that is not ASCII") {
  for (const size_t size : {size_t{1}, size_t{4096}, size_t{100001}}) {
    const std::vector<uint8_t> bytes = Pattern(size);
    const TempFile file(bytes, " é日 🎉.gguf");
    const Result<MappedFile> map = MappedFile::Open(file.path());
    ASSERT_OK(map);
    EXPECT(Same(map.value().bytes(), bytes));
  }
}

TEST("forgotten parts are read again when they are touched") {
  const std::vector<uint8_t> bytes = Pattern(300000);
  const TempFile file(bytes);
  const Result<MappedFile> map = MappedFile::Open(file.path());
  ASSERT_OK(map);
  const std::span<const uint8_t> all = map.value().bytes();
  for (const auto& [begin, size] : {std::pair<size_t, size_t>{0, 300000}, {1, 8191}, {5000, 10}, {299999, 1}, {7, 0}}) {
    map.value().Forget(all.subspan(begin, size));
    EXPECT(Same(all, bytes));
  }
}

TEST("moving keeps the bytes and empties nothing else") {
  const std::vector<uint8_t> bytes = Pattern(5000);
  const std::vector<uint8_t> other_bytes = Pattern(77);
  const TempFile file(bytes);
  const TempFile other_file(other_bytes);
  Result<MappedFile> opened = MappedFile::Open(file.path());
  ASSERT_OK(opened);
  MappedFile map = std::move(opened.value());
  EXPECT(Same(map.bytes(), bytes));
  Result<MappedFile> other = MappedFile::Open(other_file.path());
  ASSERT_OK(other);
  map = std::move(other.value());
  EXPECT(Same(map.bytes(), other_bytes));
}

TEST("what cannot be mapped is refused, with the path and a reason") {
  const auto check = [](const std::string& path, StatusCode code) {
    const Result<MappedFile> map = MappedFile::Open(path);
    EXPECT(map.status().code() == code);
    EXPECT(map.status().message().find(path) != std::string::npos);
    EXPECT(map.status().message().size() > path.size() + 20);
  };
  const TempFile file(Pattern(10));
  check(file.path() + ".absent", StatusCode::kNotFound);
  check(file.path() + "/below", StatusCode::kNotFound);
  const std::string removed = TempFile(Pattern(3)).path();
  check(removed, StatusCode::kNotFound);
  const TempFile empty({});
  check(empty.path(), StatusCode::kBadFile);
#if !defined(_WIN32)
  check(std::filesystem::temp_directory_path().string(), StatusCode::kBadFile);
  check("/dev/null", StatusCode::kBadFile);
#endif
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
