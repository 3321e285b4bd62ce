#include "kv/page_store.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "base/temp_file_testing.h"
#include "base/testing.h"
#include "kv/page_store_testing.h"

namespace niwaki {
namespace {

using testing::Chain;
using testing::FileOf;
using testing::FolderName;
using testing::Page;
using testing::Payload;
using testing::SomeKind;
using testing::TempFolder;

constexpr size_t kBytes = 20000;
constexpr int64_t kFile = kKvPageHeaderBytes + kBytes;
constexpr int64_t kMuch = int64_t{1} << 40;

Status Save(const KvPageStore& store, const Page& page, uint64_t version = 1, size_t bytes = kBytes) {
  return store.Save(page.id, page.tokens, Payload(page.id, version, bytes).data(), bytes);
}
Status Load(const KvPageStore& store, const Page& page, uint64_t version = 1, size_t bytes = kBytes) {
  std::vector<uint8_t> data(bytes + 16, 0xee);
  const Status status = store.Load(page.id, page.tokens, data.data() + 8, bytes);
  if (status.ok()) {
    std::vector<uint8_t> wanted = Payload(page.id, version, bytes);
    wanted.insert(wanted.begin(), 8, 0xee);
    wanted.insert(wanted.end(), 8, 0xee);
    EXPECT(data == wanted);  // and nothing around it
  }
  return status;
}
// The file was last used so many seconds ago.
void Age(const std::filesystem::path& file, int seconds) {
  std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() - std::chrono::seconds(seconds));
}

TEST("what was saved comes back, from another store too; what was not is not found") {
  const TempFolder root;
  const KvPageKind kind = SomeKind();
  const KvPageStore store(root.text() + "/a/b", FolderName(), kind, kMuch);
  EXPECT(!std::filesystem::exists(root.path()));
  const std::vector<Page> chain = Chain(kind, 1, 4);
  EXPECT(KvPageStore::Next(kind, chain[0].id, chain[1].tokens) == chain[1].id);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT(!store.Contains(chain[i].id));
    EXPECT(Load(store, chain[i], 1, kBytes + i).code() == StatusCode::kNotFound);
    ASSERT_OK(Save(store, chain[i], 1, kBytes + i));  // pages need not be of one size
    EXPECT(store.Contains(chain[i].id));
  }
  EXPECT_EQ(store.files(), int64_t{3});
  EXPECT_EQ(store.bytes(), 3 * kFile + 3);
  const KvPageStore again(root.text() + "/a/b", FolderName(), kind, kMuch);
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_OK(Load(again, chain[i], 1, kBytes + i));
    ASSERT_OK(Load(store, chain[i], 1, kBytes + i));
  }
  EXPECT(Load(again, chain[3]).code() == StatusCode::kNotFound);
  EXPECT_EQ(again.bytes(), store.bytes());
}

TEST("the same bytes again are not written again; others are") {
  const TempFolder root;
  const KvPageStore store(root.text(), FolderName(), SomeKind(), kMuch);
  const Page page = Chain(SomeKind(), 1, 1)[0];
  ASSERT_OK(Save(store, page));
  // A second name of the file loses the first one when that is given to another file.
  std::filesystem::create_hard_link(FileOf(root.path(), page.id), root.path() / "held");
  ASSERT_OK(Save(store, page));
  EXPECT_EQ(std::filesystem::hard_link_count(root.path() / "held"), 2u);
  ASSERT_OK(Save(store, page, 2));
  EXPECT_EQ(std::filesystem::hard_link_count(root.path() / "held"), 1u);
  ASSERT_OK(Load(store, page, 2));
}

TEST("pages of every other kind are not found, and neither read nor disturbed") {
  const TempFolder root;
  const KvPageKind kind = SomeKind();
  const KvPageStore store(root.text(), FolderName(), kind, kMuch);
  const Page page = Chain(kind, 1, 1)[0];
  ASSERT_OK(Save(store, page));
  std::vector<KvPageKind> others(7, kind);
  others[0].model[3] = 'f';
  others[1].codecs = "kv4 kv4";
  others[2].basis[0] = 'c';
  others[3].kernels = KvKernelFamily("oracle");
  others[4].shape.layers = 4;
  others[5].shape.kv_heads = 1;
  others[6].shape.head_size = 32;
  for (const KvPageKind& other : others) {
    const KvPageStore foreign(root.text(), FolderName(), other, kMuch);
    const Page same = Chain(other, 1, 1)[0];  // the same tokens
    EXPECT(same.tokens == page.tokens);
    EXPECT(Load(foreign, same).code() == StatusCode::kNotFound);
    // Somebody gives the other kind's file this one's name.
    std::filesystem::copy_file(FileOf(root.path(), page.id), FileOf(root.path(), same.id));
    EXPECT(Load(foreign, same).code() == StatusCode::kBadFile);
    EXPECT(!foreign.Contains(same.id));
    EXPECT(Load(foreign, page).code() == StatusCode::kInvalidArgument);  // no id of this kind
    ASSERT_OK(Load(store, page));
  }
}

TEST("arguments that do not belong together are refused and change nothing") {
  const TempFolder root;
  const KvPageStore store(root.text(), FolderName(), SomeKind(), kMuch);
  const std::vector<Page> chain = Chain(SomeKind(), 1, 2);
  std::vector<uint8_t> data = Payload(chain[0].id, 1, kBytes);
  const auto refused = [&](const KvPrefixId& id, std::span<const int32_t> tokens, size_t bytes) {
    EXPECT(store.Save(id, tokens, data.data(), bytes).code() == StatusCode::kInvalidArgument);
    EXPECT(store.Load(id, tokens, data.data(), bytes).code() == StatusCode::kInvalidArgument);
  };
  refused(chain[0].id, chain[1].tokens, kBytes);
  refused(chain[0].id, std::span(chain[0].tokens).first(127), kBytes);
  refused(chain[0].id, chain[0].tokens, 0);
  refused({}, chain[0].tokens, kBytes);
  EXPECT(!std::filesystem::exists(root.path()));
  ASSERT_OK(Save(store, chain[0]));
  EXPECT(Load(store, chain[0], 1, kBytes - 1).code() == StatusCode::kBadFile);  // a page of another size
}

TEST("the budget: least recently used prefixes go, from their ends; loading is use") {
  const TempFolder root;
  const KvPageKind kind = SomeKind();
  const KvPageStore store(root.text(), FolderName(), kind, 5 * kFile);
  const std::vector<Page> old = Chain(kind, 1, 2);
  const std::vector<Page> young = Chain(kind, 2, 2);
  for (const Page& page : {old[0], old[1], young[0], young[1]}) {
    ASSERT_OK(Save(store, page));
    Age(FileOf(root.path(), page.id), 100);
  }
  Age(FileOf(root.path(), old[0].id), 200);
  Age(FileOf(root.path(), old[1].id), 200);
  const std::vector<Page> next = Chain(kind, 3, 6);
  ASSERT_OK(Save(store, next[0]));
  EXPECT_EQ(store.files(), int64_t{5});
  ASSERT_OK(Load(store, old[0]));  // used now; the page behind it is not
  ASSERT_OK(Save(store, next[1]));
  EXPECT(!store.Contains(old[1].id) && store.Contains(old[0].id));
  ASSERT_OK(Save(store, next[2]));
  EXPECT(!store.Contains(young[1].id) && store.Contains(young[0].id));
  ASSERT_OK(Save(store, next[3]));
  EXPECT(!store.Contains(young[0].id) && store.Contains(old[0].id));
  ASSERT_OK(Save(store, next[4]));
  EXPECT(!store.Contains(old[0].id));
  EXPECT_EQ(store.bytes(), 5 * kFile);
  // Nothing is left but the pages before it, and those are worth more than it is.
  const Status full = Save(store, next[5]);
  EXPECT(full.code() == StatusCode::kOutOfMemory);
  EXPECT(full.message().find("disk budget") != std::string::npos);
  for (size_t i = 0; i < 5; ++i) {
    ASSERT_OK(Load(store, next[i]));
  }
  // A page that is saved anew needs no room of its own.
  ASSERT_OK(Save(store, next[4], 2));
  EXPECT_EQ(store.files(), int64_t{5});
}

TEST("a page that is larger than the budget is refused, and nothing goes for it") {
  const TempFolder root;
  const std::vector<Page> chain = Chain(SomeKind(), 1, 2);
  const KvPageStore store(root.text(), FolderName(), SomeKind(), kFile);
  ASSERT_OK(Save(store, chain[0]));
  const Status large = Save(store, chain[1], 1, kBytes + 1);
  EXPECT(large.code() == StatusCode::kOutOfMemory && large.message().find("budget") != std::string::npos);
  ASSERT_OK(Load(store, chain[0]));
  for (const int64_t budget : {int64_t{0}, int64_t{-1}}) {
    const KvPageStore none(root.text(), FolderName(), SomeKind(), budget);
    EXPECT(Save(none, chain[1]).code() == StatusCode::kOutOfMemory);
    ASSERT_OK(Load(none, chain[0]));  // and nothing was removed
  }
}

TEST("a smaller budget takes effect with the next store") {
  const TempFolder root;
  const std::vector<Page> chain = Chain(SomeKind(), 1, 3);
  {
    const KvPageStore store(root.text(), FolderName(), SomeKind(), kMuch);
    for (const Page& page : chain) {
      ASSERT_OK(Save(store, page));
    }
  }
  const KvPageStore store(root.text(), FolderName(), SomeKind(), 2 * kFile);
  EXPECT_EQ(store.files(), int64_t{2});
  ASSERT_OK(Load(store, chain[0]));
  ASSERT_OK(Load(store, chain[1]));
}

TEST("all folders of a root share the budget; the same prefix may lie in several") {
  const TempFolder root;
  const std::string elsewhere(32, 'a');
  const KvPageStore here(root.text(), FolderName(), SomeKind(), 4 * kFile);
  const KvPageStore there(root.text(), elsewhere, SomeKind(), 4 * kFile);
  const std::vector<Page> chain = Chain(SomeKind(), 1, 3);
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_OK(Save(there, chain[i]));
    Age(root.path() / elsewhere / KvPageFileName(chain[i].id), 100);
  }
  EXPECT(!here.Contains(chain[0].id));
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_OK(Save(here, chain[i]));
  }
  EXPECT(there.Contains(chain[0].id) && !there.Contains(chain[1].id));
  EXPECT_EQ(here.bytes(), 4 * kFile);
  EXPECT_EQ(there.files(), int64_t{4});
  // Its own prefix is worth more than anything that another workspace has.
  ASSERT_OK(Load(there, chain[0]));
  ASSERT_OK(Save(here, Chain(SomeKind(), 1, 4)[3]));
  EXPECT(!there.Contains(chain[0].id));
}

TEST("a folder's name is 32 hex digits, or nothing is read or written") {
  const TempFolder root;
  const Page page = Chain(SomeKind(), 1, 1)[0];
  for (const std::string& name : {std::string(), std::string("../x"), std::string(31, 'a'), std::string(32, 'G')}) {
    const KvPageStore store(root.text(), name, SomeKind(), kMuch);
    EXPECT(Save(store, page).code() == StatusCode::kInvalidArgument);
    EXPECT(Load(store, page).code() == StatusCode::kInvalidArgument);
    EXPECT(!store.Contains(page.id));
  }
  EXPECT(!std::filesystem::exists(root.path()));
}

TEST("what is not ours is neither counted nor removed") {
  const TempFolder root;
  const std::filesystem::path folder = root.path() / FolderName();
  const std::vector<std::filesystem::path> others = {
      root.path() / "notes", folder / "notes.nkv", folder / "x.0123456789abcdef.tmp", folder / "folder" / "x",
      root.path() / "pages" / KvPageFileName(Chain(SomeKind(), 9, 1)[0].id)};
  for (const std::filesystem::path& path : others) {
    std::filesystem::create_directories(path.parent_path());
    testing::WriteOver(path, std::vector<uint8_t>(100000, 1));
  }
  const std::vector<Page> chain = Chain(SomeKind(), 1, 3);
  const KvPageStore store(root.text(), FolderName(), SomeKind(), kFile);
  ASSERT_OK(Save(store, chain[0]));
  const std::vector<Page> other = Chain(SomeKind(), 2, 1);
  ASSERT_OK(Save(store, other[0]));
  EXPECT_EQ(store.files(), int64_t{1});
  EXPECT_EQ(store.bytes(), kFile);
  for (const std::filesystem::path& path : others) {
    EXPECT_EQ(std::filesystem::file_size(path), uintmax_t{100000});
  }
}

TEST("several threads save and load at once") {
  const TempFolder root;
  const KvPageKind kind = SomeKind();
  const KvPageStore store(root.text(), FolderName(), kind, kMuch);
  const KvPageStore second(root.text(), FolderName(), kind, kMuch);
  const std::vector<Page> chain = Chain(kind, 1, 8);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (size_t worker = 0; worker < 4; ++worker) {
    threads.emplace_back([&, worker] {
      const KvPageStore& mine = worker % 2 == 0 ? store : second;
      std::vector<uint8_t> data(kBytes);
      for (size_t round = 0; round < 16; ++round) {
        const Page& page = chain[(round * 3 + worker) % chain.size()];
        const std::vector<uint8_t> wanted = Payload(page.id, 1, kBytes);
        wrong += mine.Save(page.id, page.tokens, wanted.data(), kBytes).ok() ? 0 : 1;
        wrong += mine.Load(page.id, page.tokens, data.data(), kBytes).ok() && data == wanted ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(store.files(), int64_t{8});
  EXPECT_EQ(testing::Temporaries(root.path()), 0);
}

TEST("purging removes all pages and nothing else, and what other stores save afterwards stays") {
  const TempFolder root;
  const std::string first(32, '1');
  const std::string second(32, '2');
  const Result<int64_t> absent = PurgeKvPages(root.text());
  ASSERT_OK(absent);
  EXPECT_EQ(absent.value(), int64_t{0});
  const std::vector<Page> chain = Chain(SomeKind(), 1, 3);
  const KvPageStore one(root.text(), first, SomeKind(), kMuch);
  const KvPageStore two(root.text(), second, SomeKind(), kMuch);
  for (const Page& page : chain) {
    ASSERT_OK(Save(one, page));
    ASSERT_OK(Save(two, page));
  }
  testing::WriteOver(root.path() / second / "notes.txt", {1, 2, 3});
  const std::string being_written = PrivateFolder::TemporaryName(KvPageFileName(chain[0].id), 5);
  testing::WriteOver(root.path() / first / being_written, std::vector<uint8_t>(1000));
  const Result<int64_t> workspace = PurgeKvPages(root.text() + "/" + first);
  ASSERT_OK(workspace);
  EXPECT_EQ(workspace.value(), 3 * kFile + 1000);
  EXPECT_EQ(two.files(), int64_t{3});  // of all folders
  EXPECT(!one.Contains(chain[0].id) && two.Contains(chain[0].id));
  ASSERT_OK(Save(one, chain[0]));
  const Result<int64_t> all = PurgeKvPages(root.text());
  ASSERT_OK(all);
  EXPECT_EQ(all.value(), 4 * kFile);
  EXPECT(!std::filesystem::exists(root.path() / first));
  EXPECT(std::filesystem::exists(root.path() / second / "notes.txt"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(root.path() / second), {}), 1);
  ASSERT_OK(Save(one, chain[0]));  // the folder is made again
  ASSERT_OK(Load(one, chain[0]));
}

TEST("of the disk a gigabyte stays free, of small disks a twentieth") {
  EXPECT_EQ(KvPageStore::KeepFree(int64_t{1} << 40), int64_t{1} << 30);
  EXPECT_EQ(KvPageStore::KeepFree(int64_t{1} << 30), (int64_t{1} << 30) / 20);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
