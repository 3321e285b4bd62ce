// Saved pages that are damaged, foreign, or not files at all; folders and disks that cannot be written; processes that
// are killed. Whatever happens: the very bytes, or none.
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/crc32.h"
#include "base/temp_file_testing.h"
#include "base/testing.h"
#include "kv/page_store_testing.h"

#if !defined(_WIN32)
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kv/page_hostile_testing.h"
#endif

namespace niwaki {
namespace {

using testing::Chain;
using testing::FileOf;
using testing::FolderName;
using testing::Page;
using testing::Payload;
using testing::ReadWhole;
using testing::SomeKind;
using testing::TempFolder;
using testing::WriteOver;

constexpr size_t kBytes = 20000;
constexpr int64_t kMuch = int64_t{1} << 40;

// A store with one prefix saved in it.
struct Saved {
  TempFolder root;
  KvPageStore store;
  std::vector<Page> chain;
  std::vector<uint8_t> data = std::vector<uint8_t>(kBytes);

  explicit Saved(int pages = 1)
      : store(root.text(), FolderName(), SomeKind(), kMuch), chain(Chain(SomeKind(), 1, pages)) {
    for (const Page& page : chain) {
      EXPECT(Save(page).ok());
    }
  }
  Status Save(const Page& page) { return store.Save(page.id, page.tokens, Payload(page.id, 1, kBytes).data(), kBytes); }
  Status Load(const Page& page) { return store.Load(page.id, page.tokens, data.data(), kBytes); }
  bool LoadsSound(const Page& page) { return Load(page).ok() && data == Payload(page.id, 1, kBytes); }
  std::filesystem::path folder() const { return root.path() / FolderName(); }
  std::filesystem::path file(size_t i = 0) const { return FileOf(root.path(), chain[i].id); }
  // Refused, removed, and as good as new when it is saved again.
  void ExpectRefused(const Page& page) {
    EXPECT(Load(page).code() == StatusCode::kBadFile);
    EXPECT(!store.Contains(page.id));
    EXPECT(Load(page).code() == StatusCode::kNotFound);
    EXPECT(Save(page).ok() && LoadsSound(page));
  }
};

TEST("any byte of the header changed is refused") {
  Saved saved;
  const std::vector<uint8_t> sound = ReadWhole(saved.file());
  int taken = 0;
  int left = 0;
  for (size_t i = 0; i < kKvPageHeaderBytes; ++i) {
    std::vector<uint8_t> changed = sound;
    changed[i] = static_cast<uint8_t>(changed[i] ^ (1 << i % 8));
    WriteOver(saved.file(), changed);
    taken += saved.Load(saved.chain[0]).code() == StatusCode::kBadFile ? 0 : 1;
    left += std::filesystem::exists(saved.file()) ? 1 : 0;
  }
  EXPECT_EQ(taken, 0);
  EXPECT_EQ(left, 0);
  WriteOver(saved.file(), sound);
  EXPECT(saved.LoadsSound(saved.chain[0]));
}

TEST("bits of the payload changed, the first and the last among them, are refused") {
  Saved saved;
  const std::vector<uint8_t> sound = ReadWhole(saved.file());
  testing::Random random(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<uint8_t> changed = sound;
    const int64_t at = round == 0 ? 0 : round == 1 ? int64_t{kBytes} - 1 : random.Below(kBytes);
    uint8_t& byte = changed[kKvPageHeaderBytes + static_cast<size_t>(at)];
    byte = static_cast<uint8_t>(byte ^ (1 << random.Below(8)));
    WriteOver(saved.file(), changed);
    EXPECT(saved.Load(saved.chain[0]).code() == StatusCode::kBadFile);
  }
  WriteOver(saved.file(), sound);
  EXPECT(saved.LoadsSound(saved.chain[0]));
}

TEST("files cut short, or longer, are refused") {
  Saved saved;
  const std::vector<uint8_t> sound = ReadWhole(saved.file());
  testing::Random random(4);
  std::vector<size_t> sizes = {0, 1, 4095, 4096, 4097, sound.size() - 1, sound.size() + 1, sound.size() + 4096};
  for (int i = 0; i < 40; ++i) {
    sizes.push_back(static_cast<size_t>(random.Below(static_cast<int64_t>(sound.size()))));
  }
  for (const size_t size : sizes) {
    std::vector<uint8_t> cut = sound;
    cut.resize(size);
    WriteOver(saved.file(), cut);
    EXPECT(saved.Load(saved.chain[0]).code() == StatusCode::kBadFile);
    EXPECT(!std::filesystem::exists(saved.file()));
  }
  WriteOver(saved.file(), std::vector<uint8_t>(sound.size(), 0));
  saved.ExpectRefused(saved.chain[0]);
}

TEST("pages that have changed places are refused, both") {
  Saved saved(3);
  std::filesystem::rename(saved.file(0), saved.folder() / "between");
  std::filesystem::rename(saved.file(1), saved.file(0));
  std::filesystem::rename(saved.folder() / "between", saved.file(1));
  saved.ExpectRefused(saved.chain[0]);
  saved.ExpectRefused(saved.chain[1]);
  EXPECT(saved.LoadsSound(saved.chain[2]));
}

TEST("the same tokens behind other ones are another page, also under its name") {
  Saved saved(2);
  const std::vector<Page> other = Chain(SomeKind(), 2, 1);
  Page same;
  same.tokens = saved.chain[1].tokens;
  same.id = NextKvPrefix(SomeKind(), other[0].id, same.tokens);
  EXPECT(saved.Load(same).code() == StatusCode::kNotFound);
  std::filesystem::copy_file(saved.file(1), FileOf(saved.root.path(), same.id));
  EXPECT(saved.Load(same).code() == StatusCode::kBadFile);
  EXPECT(saved.LoadsSound(saved.chain[1]));
}

TEST("a file of another version, sound in itself, is refused") {
  Saved saved;
  std::vector<uint8_t> later = ReadWhole(saved.file());
  later[8] = 2;
  const uint32_t crc = Crc32(later.data(), kKvPageHeaderBytes - 4);
  std::memcpy(&later[kKvPageHeaderBytes - 4], &crc, 4);
  WriteOver(saved.file(), later);
  const Status status = saved.Load(saved.chain[0]);
  EXPECT(status.code() == StatusCode::kBadFile && status.message().find("version") != std::string::npos);
  EXPECT(!std::filesystem::exists(saved.file()));
}

#if !defined(_WIN32)

TEST("files are the user's alone, whatever the mask, and so is the folder") {
  const mode_t mask = umask(0);
  {
    Saved saved;
    struct stat info;
    EXPECT(stat(saved.file().c_str(), &info) == 0 && (info.st_mode & 07777) == 0600);
    EXPECT(stat(saved.folder().c_str(), &info) == 0 && (info.st_mode & 07777) == 0700);
    // One that is open to others is closed with the next save.
    chmod(saved.folder().c_str(), 0755);
    std::filesystem::remove(saved.file());
    EXPECT(saved.Save(saved.chain[0]).ok());
    EXPECT(stat(saved.folder().c_str(), &info) == 0 && (info.st_mode & 07777) == 0700);
  }
  umask(mask);
}

TEST("links, pipes and folders in a page's place are refused; what they lead to is not touched") {
  Saved saved(2);
  const std::filesystem::path elsewhere = saved.folder() / "elsewhere";
  std::filesystem::rename(saved.file(0), elsewhere);
  std::filesystem::create_symlink(elsewhere, saved.file(0));
  EXPECT(!saved.store.Contains(saved.chain[0].id));
  saved.ExpectRefused(saved.chain[0]);
  EXPECT(std::filesystem::exists(elsewhere));
  // A save replaces the link, not what it leads to.
  const std::vector<uint8_t> before = ReadWhole(elsewhere);
  std::filesystem::remove(saved.file(0));
  std::filesystem::create_symlink(elsewhere, saved.file(0));
  EXPECT(saved.Save(saved.chain[0]).ok() && saved.LoadsSound(saved.chain[0]));
  EXPECT(std::filesystem::is_regular_file(std::filesystem::symlink_status(saved.file(0))));
  EXPECT(ReadWhole(elsewhere) == before);

  std::filesystem::remove(saved.file(0));
  EXPECT(mkfifo(saved.file(0).c_str(), 0600) == 0);
  saved.ExpectRefused(saved.chain[0]);

  std::filesystem::remove(saved.file(0));
  std::filesystem::create_directory(saved.file(0));
  EXPECT(saved.Load(saved.chain[0]).code() == StatusCode::kBadFile);
  EXPECT(saved.Save(saved.chain[0]).code() == StatusCode::kBadFile);
  EXPECT(std::filesystem::is_directory(saved.file(0)));  // not ours to remove
  EXPECT_EQ(testing::Temporaries(saved.root.path()), 0);
  EXPECT(saved.LoadsSound(saved.chain[1]));
}

TEST("a folder that is a link, a file, or not writable is refused, with the reason") {
  Saved saved;
  const Page& page = saved.chain[0];
  const std::vector<uint8_t> data = Payload(page.id, 1, kBytes);
  const auto check = [&](const std::string& path) {
    const KvPageStore store(path, FolderName(), SomeKind(), kMuch);
    std::vector<uint8_t> into(kBytes);
    EXPECT(!store.Load(page.id, page.tokens, into.data(), kBytes).ok());
    const Status status = store.Save(page.id, page.tokens, data.data(), kBytes);
    EXPECT(status.code() == StatusCode::kBadFile && status.message().find(path.substr(0, 20)) != std::string::npos);
    EXPECT_EQ(store.files() + store.bytes(), int64_t{0});
  };
  const TempFolder place;
  std::filesystem::create_directories(place.path());
  std::filesystem::create_symlink(saved.folder(), place.path() / "link");
  check(place.text() + "/link");
  check(place.text() + "/link/");
  std::filesystem::create_directories(place.path() / "root");
  std::filesystem::create_symlink(saved.folder(), place.path() / "root" / FolderName());
  check(place.text() + "/root");
  WriteOver(place.path() / "file", {1});
  check(place.text() + "/file");
  check(place.text() + "/file/below");
  check("/proc/niwaki");  // where nobody can make a folder, root neither
  EXPECT(saved.LoadsSound(page));
}

// Runs `work` in a process of its own and returns its exit status.
int InChild(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(work());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST("a write that fails half-way leaves what was there, and nothing else") {
  Saved saved(2);
  std::filesystem::remove(saved.file(1));
  EXPECT_EQ(InChild([&] {
              signal(SIGXFSZ, SIG_IGN);
              const rlimit limit = {8192, 8192};  // no file may become larger
              setrlimit(RLIMIT_FSIZE, &limit);
              const Page& old = saved.chain[0];
              const std::vector<uint8_t> other = Payload(old.id, 2, kBytes);
              const Status again = saved.store.Save(old.id, old.tokens, other.data(), kBytes);
              const Status fresh = saved.Save(saved.chain[1]);
              return again.code() == StatusCode::kOutOfMemory && fresh.code() == StatusCode::kOutOfMemory ? 0 : 1;
            }),
            0);
  EXPECT(saved.LoadsSound(saved.chain[0]));
  EXPECT(!saved.store.Contains(saved.chain[1].id));
  EXPECT_EQ(testing::Temporaries(saved.root.path()), 0);
}

TEST("a full disk is not filled to the last byte") {
  const TempFolder place;
  std::filesystem::create_directories(place.path());
  const std::string mount = "mount -t tmpfs -o size=400k none '" + place.text() + "' 2>/dev/null";
  if (geteuid() != 0 || std::system(mount.c_str()) != 0) {
    std::printf("    skipped: only root can make a small disk, and not everywhere\n");
    return;
  }
  const KvPageStore store(place.text() + "/pages", FolderName(), SomeKind(), kMuch);
  const std::vector<Page> chain = Chain(SomeKind(), 1, 40);
  size_t saved = 0;
  Status status;
  while (saved < chain.size() && status.ok()) {
    const Page& page = chain[saved];
    status = store.Save(page.id, page.tokens, Payload(page.id, 1, kBytes).data(), kBytes);
    saved += status.ok() ? 1 : 0;
  }
  EXPECT(saved >= 5 && saved < 20);
  EXPECT(status.code() == StatusCode::kOutOfMemory && status.message().find("disk") != std::string::npos);
  EXPECT(std::filesystem::space(place.path()).available >= 400 * 1024 / 20);
  std::vector<uint8_t> data(kBytes);
  for (size_t i = 0; i < saved; ++i) {
    EXPECT(store.Load(chain[i].id, chain[i].tokens, data.data(), kBytes).ok());
  }
  EXPECT_EQ(testing::Temporaries(place.path() / "pages"), 0);
  EXPECT_EQ(std::system(("umount '" + place.text() + "'").c_str()), 0);
}

TEST("a process without handles for files calls no page bad") {
  Saved saved;
  EXPECT_EQ(InChild([&] {
              const int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
              close(lowest);
              // One handle is left: for the root.
              const rlimit limit = {static_cast<rlim_t>(lowest) + 1, static_cast<rlim_t>(lowest) + 1};
              setrlimit(RLIMIT_NOFILE, &limit);
              return saved.Load(saved.chain[0]).code() == StatusCode::kOutOfMemory ? 0 : 1;
            }),
            0);
  EXPECT(saved.LoadsSound(saved.chain[0]));
}

TEST("what a killed save left goes; what a living one writes stays, in this process and in others") {
  Saved saved;
  const std::string stale = PrivateFolder::TemporaryName(saved.file().filename().string(), 1);
  const std::string living = PrivateFolder::TemporaryName(saved.file().filename().string(), 2);
  for (const std::string& name : {stale, living}) {
    WriteOver(saved.folder() / name, {1, 2, 3});
  }
  const int handle = open((saved.folder() / living).c_str(), O_WRONLY | O_CLOEXEC);
  EXPECT(flock(handle, LOCK_EX) == 0);
  {
    const KvPageStore store(saved.root.text(), FolderName(), SomeKind(), kMuch);
  }
  EXPECT(!std::filesystem::exists(saved.folder() / stale));
  EXPECT(std::filesystem::exists(saved.folder() / living));
  close(handle);
  {
    const KvPageStore store(saved.root.text(), FolderName(), SomeKind(), kMuch);
  }
  EXPECT(!std::filesystem::exists(saved.folder() / living));
  EXPECT(saved.LoadsSound(saved.chain[0]));

  // Stores are opened all the time while another process saves: no save may fail for it.
  const pid_t child = fork();
  if (child == 0) {
    for (uint64_t version = 2; version < 60; ++version) {
      const Page& page = saved.chain[0];
      if (!saved.store.Save(page.id, page.tokens, Payload(page.id, version, kBytes).data(), kBytes).ok()) {
        _exit(1);
      }
    }
    _exit(0);
  }
  int status = 0;
  int64_t opened = 0;
  for (; waitpid(child, &status, WNOHANG) == 0; ++opened) {
    const KvPageStore store(saved.root.text(), FolderName(), SomeKind(), kMuch);
  }
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT(opened > 10);
}

TEST("200 random corruptions are refused, and the pages computed anew") {
  const TempFolder folder;
  const testing::CorruptionCounts counts = testing::CorruptAtRandom(folder.path(), 200, kBytes, 11);
  EXPECT_EQ(counts.tried, 200);
  EXPECT_EQ(counts.refused, 200);
  EXPECT_EQ(counts.violations(), 0);
}

TEST("50 kills while pages are saved lose none and leave none in halves") {
  const TempFolder folder;
  const testing::KillCounts counts = testing::KillWhileSaving(folder.path(), 50, size_t{1} << 20, 12, 60000);
  std::printf("    %d of %d killed while a file was being written, %lld pages newer\n", counts.during_save,
              counts.kills, static_cast<long long>(counts.saved));
  EXPECT_EQ(counts.kills, 50);
  EXPECT_EQ(counts.lost, 0);
  EXPECT_EQ(counts.wrong, 0);
  EXPECT_EQ(counts.violations(), 0);
  EXPECT(counts.during_save > 0 && counts.saved > 0);  // or nothing was shown
}

#endif

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
