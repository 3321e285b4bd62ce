// Pages on disk, as sessions use them: saved, found again by another engine, bit for bit; damaged or foreign ones are
// computed instead.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/temp_file_testing.h"
#include "engine/session_testing.h"

namespace niwaki {
namespace {

namespace fs = std::filesystem;
using testing::Branch;
using testing::kF16;
using testing::kKv4;
using testing::LoadNano;
using testing::Open;
using testing::SaysTheSame;
using testing::Sync;
using testing::Text;
using testing::Tokens;

const std::string kFolder(32, 'a');

class TempRoot {
 public:
  TempRoot() : path_(fs::temp_directory_path() / ("niwaki-saved-" + std::to_string(++Count()) + "-" + Unique())) {}
  ~TempRoot() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string path() const { return path_.string(); }
  std::vector<fs::path> Files() const {
    std::vector<fs::path> files;
    if (fs::exists(path_)) {
      for (const auto& entry : fs::recursive_directory_iterator(path_)) {
        if (entry.is_regular_file()) {
          files.push_back(entry.path());
        }
      }
    }
    return files;
  }

 private:
  static int& Count() {
    static int count = 0;
    return count;
  }
  static std::string Unique() {
    static const int here = 0;
    return std::to_string(reinterpret_cast<uintptr_t>(&here));
  }
  const fs::path path_;
};

SessionOptions Saving(const TempRoot& root, KvCodec codec, int64_t budget = int64_t{1} << 30) {
  SessionOptions options(codec);
  options.saved = {root.path(), kFolder, budget};
  return options;
}

// How many pages were written.
int64_t Save(Session& session) {
  int64_t written = 0;
  for (int64_t from = 0;;) {
    const Result<KvUnsavedPage> page = session.NextUnsaved(from);
    EXPECT(page.ok());
    if (!page.ok() || page.value().page < 0) {
      return written;
    }
    const Status status = page.value().write();
    EXPECT(status.ok());
    if (!status.ok()) {
      return written;
    }
    ++written;
    from = page.value().page + 1;
  }
}

TEST("saved pages are found by another engine, and say what computed ones say") {
  for (const KvCodecName& named : KvCodecs()) {
    const TempRoot root;
    const SessionOptions options = Saving(root, named.codec);
    {
      const std::unique_ptr<Engine> engine = LoadNano();
      const std::unique_ptr<Session> session = Open(*engine, options);
      Sync(*session, Text(420));
      EXPECT_EQ(Save(*session), int64_t{3});
      EXPECT_EQ(Save(*session), int64_t{0});  // they are there
      EXPECT_EQ(root.Files().size(), size_t{3});
    }
    for (const size_t cut : {420, 385, 300, 256, 129, 100}) {
      const std::unique_ptr<Engine> engine = LoadNano("", 1);
      const std::unique_ptr<Session> session = Open(*engine, options);
      const Tokens tokens = Branch(cut, 10);
      const SyncStats stats = Sync(*session, tokens);
      EXPECT_EQ(stats.restored, static_cast<int64_t>(cut / 128 * 128));
      EXPECT_EQ(stats.reused, stats.restored);
      EXPECT(SaysTheSame(*session, *engine, named.codec, tokens));
      EXPECT_EQ(engine->kv_counters().of(KvUser::kOther).restored, stats.restored);
    }
  }
}

TEST("every table but the oracle reads what another has written") {
  const TempRoot root;
  const SessionOptions options = Saving(root, kKv4);
  {
    const std::unique_ptr<Engine> engine = LoadNano();
    const std::unique_ptr<Session> session = Open(*engine, options);
    Sync(*session, Text(150));
    EXPECT_EQ(Save(*session), int64_t{1});
  }
  for (const std::string& table : testing::FastTables()) {
    const std::unique_ptr<Engine> engine = LoadNano(table);
    const std::unique_ptr<Session> session = Open(*engine, options);
    EXPECT_EQ(Sync(*session, Text(140)).restored, int64_t{128});
    EXPECT(SaysTheSame(*session, *engine, kKv4, Text(140)));
  }
  const std::unique_ptr<Engine> oracle = LoadNano("oracle");
  EXPECT_EQ(Sync(*Open(*oracle, options), Text(140)).restored, int64_t{0});
}

TEST("damaged files are computed instead, and saved again") {
  const TempRoot root;
  const SessionOptions options = Saving(root, kKv4);
  const Tokens tokens = Text(420);
  for (size_t round = 0; round < 12; ++round) {
    const std::unique_ptr<Engine> engine = LoadNano();
    const std::unique_ptr<Session> session = Open(*engine, options);
    const SyncStats stats = Sync(*session, tokens);
    EXPECT(SaysTheSame(*session, *engine, kKv4, tokens));
    EXPECT_EQ(stats.restored + stats.evaluated, int64_t{420});
    Save(*session);
    const std::vector<fs::path> files = root.Files();
    EXPECT_EQ(files.size(), size_t{3});
    const fs::path& victim = files[round % files.size()];
    const size_t size = fs::file_size(victim);
    if (round % 4 == 3) {
      fs::resize_file(victim, size / 2);
    } else {
      std::fstream file(victim, std::ios::in | std::ios::out | std::ios::binary);
      const auto at = static_cast<std::streamoff>(round % 4 == 0 ? 100 + round : size - 1000 * (round + 1));
      file.seekg(at);
      const char old = static_cast<char>(file.get());
      file.seekp(at);
      file.put(static_cast<char>(old ^ 4));
    }
  }
}

TEST("pages of another codec, calibration or folder are not taken") {
  const TempRoot root;
  const std::unique_ptr<Engine> engine = LoadNano();
  {
    const std::unique_ptr<Session> session = Open(*engine, Saving(root, kKv4));
    Sync(*session, Text(300));
    EXPECT_EQ(Save(*session), int64_t{2});
  }
  EXPECT_EQ(Sync(*Open(*engine, Saving(root, kF16)), Text(300)).restored, int64_t{0});
  SessionOptions elsewhere = Saving(root, kKv4);
  elsewhere.saved.folder = std::string(32, 'b');
  EXPECT_EQ(Sync(*Open(*engine, elsewhere), Text(300)).restored, int64_t{0});
  EXPECT_EQ(Sync(*Open(*engine, Saving(root, kKv4)), Text(300)).restored, int64_t{256});
  const Result<KvCalibration> calibration = engine->CalibrateKv(Text(600), nullptr);
  ASSERT_OK(calibration.status());
  ASSERT_OK(engine->UseKvCalibration(calibration.value()));
  EXPECT_EQ(Sync(*Open(*engine, Saving(root, kKv4)), Text(300)).restored, int64_t{0});
}

TEST("what is restored is shared, evicted and restored again under a budget") {
  const TempRoot root;
  const std::unique_ptr<Engine> engine = LoadNano();
  const SessionOptions options = Saving(root, kKv4);
  {
    const std::unique_ptr<Session> session = Open(*engine, options);
    Sync(*session, Text(600));
    EXPECT_EQ(Save(*session), int64_t{4});
  }
  EXPECT_EQ(engine->kv_bytes(), int64_t{0});
  engine->SetKvBudget(1);
  const std::unique_ptr<Session> a = Open(*engine, options);
  const std::unique_ptr<Session> b = Open(*engine, options);
  for (int round = 0; round < 2; ++round) {
    const SyncStats stats = Sync(*a, Text(600));
    EXPECT(stats.restored > 0);
    EXPECT_EQ(stats.evaluated, int64_t{88});
    EXPECT(SaysTheSame(*a, *engine, kKv4, Text(600)));
    EXPECT_EQ(Sync(*b, Branch(300, 100)).reused, int64_t{256});
    EXPECT(SaysTheSame(*b, *engine, kKv4, Branch(300, 100)));
    Sync(*b, Text(300, 1000));  // pushes everything out
    EXPECT_EQ(engine->kv_bytes(), b->kv_bytes());
  }
}

TEST("nothing is saved where nothing may be, and moved pages never are") {
  const TempRoot root;
  const std::unique_ptr<Engine> engine = LoadNano();
  const std::unique_ptr<Session> plain = Open(*engine, kKv4);
  Sync(*plain, Text(300));
  EXPECT_EQ(plain->NextUnsaved(0).value().page, int64_t{-1});
  SessionOptions options = Saving(root, kKv4);
  options.shift = true;
  const std::unique_ptr<Session> session = Open(*engine, options);
  Tokens tokens = Text(900);
  Sync(*session, tokens);
  tokens.insert(tokens.begin() + 200, 5);
  EXPECT(Sync(*session, tokens).shifted > 0);
  EXPECT_EQ(Save(*session), int64_t{2});  // the first, and the one with the edit, which was computed
  const std::unique_ptr<Session> refused = Open(*engine, Saving(root, kF16, 0));
  Sync(*refused, Text(300));
  EXPECT(!refused->NextUnsaved(0).value().write().ok());
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
