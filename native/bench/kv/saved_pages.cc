// Pages on disk (kv/page_store.h): what becomes of them when files are damaged and processes killed, and how long they
// take to write and to read.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/crc32.h"
#include "base/temp_file_testing.h"
#include "json.h"
#include "kv/page_hostile_testing.h"
#include "program.h"

namespace niwaki::kvbench {
namespace {

using testing::Chain;
using testing::Page;
using testing::Payload;
using testing::SomeKind;

double MillisecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// A page of the 1.7B shape in kv4: 28 layers of 8 heads of 128, keys and values, 4 bits a value and a scale a vector.
constexpr int64_t kPageBytes = int64_t{28} * 8 * 2 * (128 * 128 / 2 + 128 * 2);

}  // namespace

void RunCorruption(const Arguments& arguments) {
  const size_t bytes = static_cast<size_t>(arguments.Integer("page-bytes", kPageBytes));
  const uint64_t seed = static_cast<uint64_t>(arguments.Integer("seed", 1));
  // First, while there is no other thread: it forks.
  const testing::TempFolder killed;
  const testing::KillCounts kills =
      testing::KillWhileSaving(killed.path(), static_cast<int>(arguments.Integer("kills", 50)), bytes, seed,
                               arguments.Integer("most-microseconds", 100000));
  const testing::TempFolder corrupted;
  const testing::CorruptionCounts counts =
      testing::CorruptAtRandom(corrupted.path(), static_cast<int>(arguments.Integer("corruptions", 200)), bytes, seed);
  JsonObject json;
  json.Set("pageBytes", static_cast<int64_t>(bytes));
  json.Set("corruptions", int64_t{counts.tried}).Set("refused", int64_t{counts.refused});
  json.Set("wrong", int64_t{counts.wrong}).Set("notRemoved", int64_t{counts.left});
  json.Set("notRecovered", int64_t{counts.unrecovered}).Set("neighboursLost", int64_t{counts.neighbours});
  json.Set("kills", int64_t{kills.kills}).Set("killedWhileWriting", int64_t{kills.during_save});
  json.Set("savedBetweenKills", kills.saved).Set("lostByKills", int64_t{kills.lost});
  json.Set("wrongAfterKills", int64_t{kills.wrong}).Set("leftovers", int64_t{kills.leftovers});
  json.Set("saversThatFailed", int64_t{kills.early});
  json.Set("violations", int64_t{counts.violations() + kills.violations()});
  std::printf("%s\n", json.str().c_str());
}

void RunPages(const Arguments& arguments) {
  const size_t bytes = static_cast<size_t>(arguments.Integer("page-bytes", kPageBytes));
  const int64_t count = arguments.Integer("pages", 64);
  const int threads = static_cast<int>(arguments.Integer("threads", 2));
  const testing::TempFolder root;
  const KvPageStore store(arguments.Text("root", root.text()), testing::FolderName(), SomeKind(), int64_t{1} << 40);
  const std::vector<Page> chain = Chain(SomeKind(), 1, static_cast<int>(count));
  const auto at = [&](int64_t i) -> const Page& { return chain[static_cast<size_t>(i)]; };

  double save = 0;
  for (const Page& page : chain) {
    const std::vector<uint8_t> payload = Payload(page.id, 1, bytes);
    const auto start = std::chrono::steady_clock::now();
    Check(store.Save(page.id, page.tokens, payload.data(), bytes));
    save += MillisecondsSince(start);
  }
  // Into memory that is there already, as pages of a cache are.
  std::vector<std::vector<uint8_t>> data(static_cast<size_t>(count), std::vector<uint8_t>(bytes));
  const auto load = [&](int workers) {
    const auto start = std::chrono::steady_clock::now();
    InParallel(count, workers, [&](int64_t i, int) {
      Check(store.Load(at(i).id, at(i).tokens, data[static_cast<size_t>(i)].data(), bytes));
    });
    return MillisecondsSince(start);
  };
  double alone = load(1);
  double together = load(threads);
  for (int round = 0; round < 4; ++round) {
    alone = std::min(alone, load(1));
    together = std::min(together, load(threads));
  }
  double crc = 1e9;
  for (int round = 0; round < 8; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const uint32_t sum = Crc32(data[0].data(), bytes);
    crc = sum != 0 ? std::min(crc, MillisecondsSince(start)) : crc;
  }
  for (int64_t i = 0; i < count; ++i) {
    if (data[static_cast<size_t>(i)] != Payload(at(i).id, 1, bytes)) {
      throw Failure("a page has come back with other bytes");
    }
  }
  JsonObject json;
  json.Set("pages", count).Set("pageBytes", static_cast<int64_t>(bytes)).Set("saveMsAPage", save / double(count));
  json.Set("loadMs", alone).Set("threads", int64_t{threads}).Set("loadMsTogether", together);
  json.Set("crcGBs", double(bytes) / crc / 1e6);
  std::printf("%s\n", json.str().c_str());
}

}  // namespace niwaki::kvbench
