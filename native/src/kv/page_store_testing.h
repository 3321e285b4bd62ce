// Pages to save: tokens and bytes that a seed and a number say, so that anybody can tell what a file should hold. Only
// tests and the benchmark include it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/random_testing.h"
#include "kv/page_header.h"
#include "kv/page_name.h"
#include "kv/page_store.h"

namespace niwaki::testing {

inline KvPageKind SomeKind() {
  return {std::string(32, 'a'), "kv4 kv8", std::string(64, 'b'), {2, 2, 64}, KvKernelFamily("generic")};
}

// Of the folder in the root that the stores of tests use.
inline std::string FolderName() { return std::string(31, '0') + "f"; }

// A page that can be asked for.
struct Page {
  KvPrefixId id;
  std::array<int32_t, kKvPageTokens> tokens{};
};

// A prefix of so many pages; prefixes of different seeds share none.
inline std::vector<Page> Chain(const KvPageKind& kind, uint64_t seed, int pages) {
  Random random(seed);
  std::vector<Page> chain;
  KvPrefixId parent;
  for (int i = 0; i < pages; ++i) {
    Page page;
    for (int32_t& token : page.tokens) {
      token = static_cast<int32_t>(random.Below(150000));
    }
    page.id = parent = NextKvPrefix(kind, parent, page.tokens);
    chain.push_back(page);
  }
  return chain;
}

// A page's bytes; the version stands in the first eight, all others follow from id and version.
inline std::vector<uint8_t> Payload(const KvPrefixId& id, uint64_t version, size_t bytes) {
  uint64_t seed = version;
  for (size_t i = 0; i < 8; ++i) {
    seed = seed * 257 + id.hash[i];
  }
  Random random(seed);
  std::vector<uint8_t> out(bytes);
  std::memcpy(out.data(), &version, std::min(bytes, sizeof version));
  for (size_t at = sizeof version; at < bytes; at += 8) {
    const uint64_t word = random.Next();
    std::memcpy(&out[at], &word, std::min<size_t>(8, bytes - at));
  }
  return out;
}

inline std::filesystem::path FileOf(const std::filesystem::path& root, const KvPrefixId& id) {
  return root / FolderName() / KvPageFileName(id);
}

inline std::vector<uint8_t> ReadWhole(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void WriteOver(const std::filesystem::path& path, const std::vector<uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

inline int Temporaries(const std::filesystem::path& root) {
  int count = 0;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator(root / FolderName(), gone)) {
    count += IsKvPageTemporary(entry.path().filename().string()) ? 1 : 0;
  }
  return count;
}

}  // namespace niwaki::testing
