// What can happen to saved pages: files that are damaged in every way that we could think of, and processes that are
// killed while they save. Counts what came of it. Not on Windows. Only tests and the benchmark include it.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "kv/page_store_testing.h"

namespace niwaki::testing {

struct CorruptionCounts {
  int tried = 0;
  int refused = 0;
  int wrong = 0;        // a file that had been changed was taken for sound, whatever its bytes were
  int left = 0;         // a file that was refused is still there
  int unrecovered = 0;  // a page could not be saved and loaded again
  int neighbours = 0;   // a page that nobody touched could not be loaded any more
  int violations() const { return wrong + left + unrecovered + neighbours + (tried - refused - wrong); }
};

enum class Damage { kBit, kByte, kTruncate, kZeros, kNoise, kAppend, kEmpty, kSwap, kCopy, kHeaderOfAnother, kCount };

// Changes the files of two pages: the first one always, the second one only where they are swapped. False when nothing
// has changed (zeros over zeros).
inline bool Harm(Damage damage, const std::filesystem::path& file, const std::filesystem::path& other, Random& random) {
  const std::vector<uint8_t> before = ReadWhole(file);
  const std::vector<uint8_t> others = ReadWhole(other);
  std::vector<uint8_t> bytes = before;
  const auto below = [&](size_t n) { return static_cast<size_t>(random.Below(static_cast<int64_t>(n))); };
  // Half of the damage is done to the header, a small part of the file.
  const size_t at = random.Below(2) == 0 ? below(kKvPageHeaderBytes) : below(bytes.size());
  const size_t length = std::min(bytes.size() - at, size_t{1} << below(16));
  switch (damage) {
    case Damage::kBit:
      bytes[at] = static_cast<uint8_t>(bytes[at] ^ (1 << random.Below(8)));
      break;
    case Damage::kByte:
      bytes[at] = static_cast<uint8_t>(bytes[at] + 1 + random.Below(255));
      break;
    case Damage::kTruncate:
      bytes.resize(at);
      break;
    case Damage::kZeros:
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), length, uint8_t{0});
      break;
    case Damage::kNoise:
      for (size_t i = 0; i < length; ++i) {
        bytes[at + i] = static_cast<uint8_t>(random.Next() >> 32);
      }
      break;
    case Damage::kAppend:
      bytes.resize(bytes.size() + length, static_cast<uint8_t>(random.Next() >> 32));
      break;
    case Damage::kEmpty:
      bytes.clear();
      break;
    case Damage::kSwap:
      WriteOver(other, bytes);
      bytes = others;
      break;
    case Damage::kCopy:
      bytes = others;
      break;
    case Damage::kHeaderOfAnother:
      std::copy_n(others.begin(), kKvPageHeaderBytes, bytes.begin());
      break;
    case Damage::kCount:
      break;
  }
  if (bytes == before) {
    return false;
  }
  WriteOver(file, bytes);
  return true;
}

// Saves pages of `bytes` bytes, damages one after another, in all ways in turn, and looks what the store makes of them.
inline CorruptionCounts CorruptAtRandom(const std::filesystem::path& root, int times, size_t bytes, uint64_t seed) {
  const KvPageKind kind = SomeKind();
  const KvPageStore store(root.string(), FolderName(), kind, int64_t{1} << 40);
  const std::vector<Page> chain = Chain(kind, seed, 4);
  std::vector<std::vector<uint8_t>> payloads;
  for (const Page& page : chain) {
    payloads.push_back(Payload(page.id, 0, bytes));
    static_cast<void>(store.Save(page.id, page.tokens, payloads.back().data(), bytes));
  }
  Random random(seed);
  CorruptionCounts counts;
  std::vector<uint8_t> data(bytes);
  const auto loads = [&](size_t i) {
    return store.Load(chain[i].id, chain[i].tokens, data.data(), bytes).ok() && data == payloads[i];
  };
  while (counts.tried < times) {
    const Damage damage = static_cast<Damage>(counts.tried % static_cast<int>(Damage::kCount));
    const size_t hurt = static_cast<size_t>(random.Below(static_cast<int64_t>(chain.size())));
    const size_t other = (hurt + 1) % chain.size();
    if (!Harm(damage, FileOf(root, chain[hurt].id), FileOf(root, chain[other].id), random)) {
      continue;
    }
    ++counts.tried;
    for (const size_t i : damage == Damage::kSwap ? std::vector<size_t>{hurt, other} : std::vector<size_t>{hurt}) {
      const Status status = store.Load(chain[i].id, chain[i].tokens, data.data(), bytes);
      counts.refused += i == hurt && status.code() == StatusCode::kBadFile ? 1 : 0;
      counts.wrong += status.ok() ? 1 : 0;
      counts.left += store.Contains(chain[i].id) ? 1 : 0;
      const Status saved = store.Save(chain[i].id, chain[i].tokens, payloads[i].data(), bytes);
      counts.unrecovered += saved.ok() && loads(i) ? 0 : 1;
    }
    for (size_t i = 0; i < chain.size(); ++i) {
      counts.neighbours += loads(i) ? 0 : 1;
    }
  }
  return counts;
}

struct KillCounts {
  int kills = 0;
  int during_save = 0;  // the killed process left a file that it was writing
  int lost = 0;         // a page that was there before is not there any more, or cannot be loaded
  int wrong = 0;        // a page loads with bytes that nobody saved for it
  int leftovers = 0;    // files that the next store did not clear away
  int early = 0;        // the child ended by itself: it could not save
  int64_t saved = 0;    // pages that loaded with bytes newer than before the kill
  int violations() const { return lost + wrong + leftovers + early; }
};

// The child: saves all pages again and again, each time with a later version of their bytes, until it is killed.
[[noreturn]] inline void SaveForEver(const std::filesystem::path& root, const std::vector<Page>& chain, size_t bytes,
                                     uint64_t version) {
  const KvPageStore store(root.string(), FolderName(), SomeKind(), int64_t{1} << 40);
  for (;; ++version) {
    for (const Page& page : chain) {
      if (!store.Save(page.id, page.tokens, Payload(page.id, version, bytes).data(), bytes).ok()) {
        _exit(1);
      }
    }
  }
}

// Kills `times` processes that save, at random moments. Nothing else in this process may run in another thread.
inline KillCounts KillWhileSaving(const std::filesystem::path& root, int times, size_t bytes, uint64_t seed,
                                  int64_t most_microseconds) {
  const KvPageKind kind = SomeKind();
  const std::vector<Page> chain = Chain(kind, seed, 6);
  std::vector<uint64_t> versions(chain.size(), 0);
  {
    const KvPageStore store(root.string(), FolderName(), kind, int64_t{1} << 40);
    for (size_t i = 0; i < chain.size() - 1; ++i) {  // the last one is new to the first child
      versions[i] = 1;
      static_cast<void>(store.Save(chain[i].id, chain[i].tokens, Payload(chain[i].id, 1, bytes).data(), bytes));
    }
  }
  Random random(seed);
  KillCounts counts;
  std::vector<uint8_t> data(bytes);
  for (; counts.kills < times; ++counts.kills) {
    const uint64_t first = *std::max_element(versions.begin(), versions.end()) + 1;
    const pid_t child = fork();
    if (child == 0) {
      SaveForEver(root, chain, bytes, first);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random.Below(most_microseconds)));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    counts.early += WIFSIGNALED(status) ? 0 : 1;
    counts.during_save += Temporaries(root) > 0 ? 1 : 0;

    const KvPageStore store(root.string(), FolderName(), kind, int64_t{1} << 40);
    counts.leftovers += Temporaries(root);
    for (size_t i = 0; i < chain.size(); ++i) {
      const Status loaded = store.Load(chain[i].id, chain[i].tokens, data.data(), bytes);
      if (!loaded.ok()) {
        // The last page may not have been saved so far. A file that is there must be sound, whoever was killed.
        counts.lost += versions[i] > 0 || loaded.code() != StatusCode::kNotFound ? 1 : 0;
        versions[i] = 0;
        continue;
      }
      uint64_t version = 0;
      std::memcpy(&version, data.data(), sizeof version);
      counts.wrong += version < versions[i] || data != Payload(chain[i].id, version, bytes) ? 1 : 0;
      counts.saved += version > versions[i] ? 1 : 0;
      versions[i] = version;
    }
  }
  return counts;
}

}  // namespace niwaki::testing
