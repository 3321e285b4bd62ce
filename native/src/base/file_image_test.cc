// Files as images in memory: contents, paths, refusals, and files that change while they are read.
#include "base/file_image.h"

#include <algorithm>

#include "base/temp_file_testing.h"
#include "base/testing.h"

namespace niwaki {
namespace {

using testing::TempFile;

std::vector<uint8_t> Pattern(size_t n, size_t step = 7) {
  std::vector<uint8_t> out(n);
  for (size_t i = 0; i < n; ++i) {
    out[i] = static_cast<uint8_t>(i * step + i / 251);
  }
  return out;
}

bool Same(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

TEST("a file's bytes, also under a name that is not ASCII") {
  for (const size_t size : {size_t{1}, size_t{4096}, size_t{100001}}) {
    const std::vector<uint8_t> bytes = Pattern(size);
    const TempFile file(bytes, " é日 🎉.gguf");
    const Result<FileImage> image = FileImage::Open({file.path()});
    ASSERT_OK(image);
    EXPECT_EQ(image.value().file_bytes(), static_cast<int64_t>(size));
    ASSERT_OK(image.value().Read(image.value().bytes()));
    EXPECT(Same(image.value().bytes(), bytes));
    ASSERT_OK(image.value().Unchanged());
  }
}

TEST("several files one after another") {
  const std::vector<std::vector<uint8_t>> contents = {Pattern(100), Pattern(5000, 3), Pattern(1, 9)};
  const TempFile a(contents[0]);
  const TempFile b(contents[1]);
  const TempFile c(contents[2]);
  const Result<FileImage> image = FileImage::Open({a.path(), b.path(), c.path()});
  ASSERT_OK(image);
  EXPECT_EQ(image.value().files(), size_t{3});
  EXPECT_EQ(image.value().file_bytes(), int64_t{5101});
  for (const size_t i : {size_t{1}, size_t{2}, size_t{0}}) {
    ASSERT_OK(image.value().Read(image.value().file(i)));
    EXPECT(Same(image.value().file(i), contents[i]));
  }
  const std::span<const uint8_t> inside = image.value().file(1).subspan(4000, 1000);
  ASSERT_OK(image.value().Read(inside));
  EXPECT(Same(inside, std::span(contents[1]).subspan(4000, 1000)));
}

TEST("parts are read into other memory, across nothing but what was asked for") {
  const std::vector<uint8_t> first = Pattern(1000);
  const std::vector<uint8_t> second = Pattern(300000, 3);
  const TempFile a(first);
  const TempFile b(second);
  const Result<FileImage> image = FileImage::Open({a.path(), b.path()});
  ASSERT_OK(image);
  for (const auto& [begin, size] : {std::pair<size_t, size_t>{0, 300000}, {1, 8191}, {5000, 10}, {299999, 1}, {7, 0}}) {
    std::vector<uint8_t> into(size + 2, 0xee);
    ASSERT_OK(image.value().ReadInto(image.value().file(1).subspan(begin, size), into.data() + 1));
    EXPECT(Same(std::span(into).subspan(1, size), std::span(second).subspan(begin, size)));
    EXPECT(into.front() == 0xee && into.back() == 0xee);
  }
}

TEST("moving keeps the bytes and empties nothing else") {
  const std::vector<uint8_t> bytes = Pattern(5000);
  const TempFile file(bytes);
  const TempFile other_file(Pattern(77));
  Result<FileImage> opened = FileImage::Open({file.path()});
  ASSERT_OK(opened);
  FileImage image = std::move(opened.value());
  ASSERT_OK(image.Read(image.bytes()));
  EXPECT(Same(image.bytes(), bytes));
  Result<FileImage> other = FileImage::Open({other_file.path()});
  ASSERT_OK(other);
  image = std::move(other.value());
  ASSERT_OK(image.Read(image.bytes()));
  EXPECT(Same(image.bytes(), Pattern(77)));
}

TEST("a file that shrinks, grows or is written to is noticed; one that is replaced keeps its bytes") {
  const std::vector<uint8_t> bytes = Pattern(100000);
  const auto noticed = [&](const Status& status, const std::string& path) {
    EXPECT(status.code() == StatusCode::kBadFile);
    EXPECT(status.message().find("changed while it was being read") != std::string::npos);
    EXPECT(status.message().find(path) != std::string::npos);
  };
  for (const size_t size : {size_t{0}, size_t{50000}, size_t{99999}, size_t{200000}}) {
    const TempFile file(bytes);
    const Result<FileImage> image = FileImage::Open({file.path()});
    ASSERT_OK(image);
    std::filesystem::resize_file(std::filesystem::path(file.path()), size);
    if (size < bytes.size()) {
      noticed(image.value().Read(image.value().bytes()), file.path());
      std::vector<uint8_t> into(bytes.size());
      noticed(image.value().ReadInto(image.value().bytes(), into.data()), file.path());
    }
    noticed(image.value().Unchanged(), file.path());
  }
  const TempFile written(bytes);
  const Result<FileImage> image = FileImage::Open({written.path()});
  ASSERT_OK(image);
  const std::filesystem::path path(written.path());
  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(1));
  noticed(image.value().Unchanged(), written.path());

  const TempFile old(bytes);
  const TempFile fresh(Pattern(10));
  const Result<FileImage> kept = FileImage::Open({old.path()});
  ASSERT_OK(kept);
  std::filesystem::rename(fresh.path(), old.path());
  ASSERT_OK(kept.value().Read(kept.value().bytes()));
  EXPECT(Same(kept.value().bytes(), bytes));
  ASSERT_OK(kept.value().Unchanged());
}

TEST("what cannot be read is refused, with the path and a reason") {
  const auto check = [](const std::string& path, StatusCode code) {
    const Result<FileImage> image = FileImage::Open({path});
    EXPECT(image.status().code() == code);
    EXPECT(image.status().message().find(path) != std::string::npos);
    EXPECT(image.status().message().size() > path.size() + 20);
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
