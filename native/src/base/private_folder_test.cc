#include "base/private_folder.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/temp_file_testing.h"
#include "base/testing.h"

namespace niwaki {
namespace {

using testing::TempFolder;

std::vector<uint8_t> Bytes(const std::string& text) { return {text.begin(), text.end()}; }

std::string Read(const PrivateFolder& folder, const std::string& name) {
  const Result<PrivateFile> file = folder.OpenFile(name);
  if (!file.ok()) {
    return StatusCodeName(file.status().code());
  }
  std::vector<uint8_t> bytes(static_cast<size_t>(file.value().bytes()));
  return file.value().ReadAt(0, bytes).ok() ? std::string(bytes.begin(), bytes.end()) : "unreadable";
}

std::vector<std::string> Names(const PrivateFolder& folder) {
  std::vector<std::string> names;
  const auto entries = folder.List();
  if (entries.ok()) {
    for (const PrivateFolder::Entry& entry : entries.value()) {
      names.push_back(entry.name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST("a folder is made with all above it, and a file is written, replaced, read and removed") {
  const TempFolder place;
  EXPECT(PrivateFolder::Open(place.text()).status().code() == StatusCode::kNotFound);
  const Result<PrivateFolder> made = PrivateFolder::Make(place.text() + "/one/two/");
  ASSERT_OK(made);
  const PrivateFolder& folder = made.value();
  const std::vector<uint8_t> a = Bytes("first ");
  const std::vector<uint8_t> b = Bytes("second");
  ASSERT_OK(folder.Write("file", {a, b}));
  EXPECT_EQ(Read(folder, "file"), "first second");
  ASSERT_OK(folder.Write("file", {b}));
  EXPECT_EQ(Read(folder, "file"), "second");
  ASSERT_OK(folder.Write("empty", {}));
  EXPECT_EQ(Read(folder, "empty"), "");
  EXPECT(Names(folder) == (std::vector<std::string>{"empty", "file"}));
  EXPECT(folder.Remove("file") && !folder.Remove("file"));
  EXPECT_EQ(Read(folder, "file"), "not_found");
  const auto entry = folder.Look("empty");
  ASSERT_OK(entry);
  EXPECT(entry.value().kind == PrivateFolder::EntryKind::kFile && entry.value().bytes == 0);
  EXPECT(folder.Look("file").status().code() == StatusCode::kNotFound);
  ASSERT_OK(PrivateFolder::Make(place.text() + "/one/two"));  // it is there
}

TEST("a file that is open stays what it was when its name gets another one") {
  const TempFolder place;
  const Result<PrivateFolder> folder = PrivateFolder::Make(place.text());
  ASSERT_OK(folder);
  const std::vector<uint8_t> old = Bytes("old");
  const std::vector<uint8_t> fresh = Bytes("fresh");
  ASSERT_OK(folder.value().Write("file", {old}));
  const Result<PrivateFile> file = folder.value().OpenFile("file");
  ASSERT_OK(file);
  ASSERT_OK(folder.value().Write("file", {fresh}));
  std::vector<uint8_t> bytes(3);
  ASSERT_OK(file.value().ReadAt(0, bytes));
  EXPECT(bytes == old);
#if !defined(_WIN32)
  // Whoever found the old one bad must not remove the new one.
  EXPECT(!folder.value().Remove("file", &file.value()));
  EXPECT_EQ(Read(folder.value(), "file"), "fresh");
#endif
}

TEST("parts are read from anywhere; more than there is is an error") {
  const TempFolder place;
  const Result<PrivateFolder> folder = PrivateFolder::Make(place.text());
  ASSERT_OK(folder);
  const std::vector<uint8_t> text = Bytes("0123456789");
  ASSERT_OK(folder.value().Write("file", {text}));
  const Result<PrivateFile> file = folder.value().OpenFile("file");
  ASSERT_OK(file);
  std::vector<uint8_t> bytes(4);
  ASSERT_OK(file.value().ReadAt(5, bytes));
  EXPECT(bytes == Bytes("5678"));
  EXPECT(file.value().ReadAt(7, bytes).code() == StatusCode::kBadFile);
  EXPECT(file.value().ReadAt(100, bytes).code() == StatusCode::kBadFile);
  ASSERT_OK(file.value().ReadAt(100, {}));
}

TEST("touching makes a file young") {
  const TempFolder place;
  const Result<PrivateFolder> folder = PrivateFolder::Make(place.text());
  ASSERT_OK(folder);
  ASSERT_OK(folder.value().Write("file", {}));
  const auto path = place.path() / "file";
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(5));
  const auto before = folder.value().Look("file");
  const Result<PrivateFile> file = folder.value().OpenFile("file");
  ASSERT_OK(file);
  file.value().Touch();
  const auto after = folder.value().Look("file");
  ASSERT_OK(after);
  EXPECT(after.value().modified - before.value().modified > int64_t{4} * 3600 * 1000000000);
}

TEST("names of temporary files are known for what they are") {
  const std::string name = PrivateFolder::TemporaryName("page.nkv", 0x0123456789abcdef);
  EXPECT_EQ(name, "page.nkv.0123456789abcdef.tmp");
  EXPECT_EQ(PrivateFolder::NameOfTemporary(name), "page.nkv");
  for (const char* other : {"page.nkv", "", ".0123456789abcdef.tmp", "page.0123456789abcde.tmp",
                            "page.0123456789abcdeg.tmp", "page.0123456789ABCDEF.tmp", "page.0123456789abcdef.tmp2"}) {
    EXPECT_EQ(PrivateFolder::NameOfTemporary(other), "");
  }
}

TEST("what is a folder, and what is not; folders in it; how much room there is") {
  const TempFolder place;
  const Result<PrivateFolder> folder = PrivateFolder::Make(place.text());
  ASSERT_OK(folder);
  ASSERT_OK(folder.value().Write("file", {}));
  EXPECT(PrivateFolder::Open(place.text() + "/file").status().code() == StatusCode::kBadFile);
  EXPECT(!PrivateFolder::Make(place.text() + "/file").ok());
  EXPECT(!PrivateFolder::Make(place.text() + "/file/below").ok());
  EXPECT(folder.value().OpenFolder("file").status().code() == StatusCode::kBadFile);
  EXPECT(folder.value().OpenFolder("absent").status().code() == StatusCode::kNotFound);
  ASSERT_OK(PrivateFolder::Make(place.text() + "/inner"));
  ASSERT_OK(folder.value().OpenFolder("inner"));
  EXPECT(folder.value().OpenFile("inner").status().code() == StatusCode::kBadFile);
  EXPECT(!folder.value().Remove("inner"));
  EXPECT(folder.value().RemoveEmptyFolder("inner") && !folder.value().RemoveEmptyFolder("inner"));
  const auto space = folder.value().DiskSpace();
  ASSERT_OK(space);
  EXPECT(space.value().total > 0 && space.value().free >= 0 && space.value().free <= space.value().total);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
