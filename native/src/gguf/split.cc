#include "gguf/split.h"

#include <cstdio>
#include <filesystem>

namespace niwaki {
namespace {

constexpr int64_t kMaxParts = 1000;

std::string Ending(int64_t number, int64_t count) {
  char text[48];
  std::snprintf(text, sizeof text, "-%05d-of-%05d.gguf", static_cast<int>(number + 1), static_cast<int>(count));
  return text;
}

Status Number(const GgufHeader& header, std::string_view key, int64_t low, int64_t high, bool* found, int64_t* out) {
  for (const auto& [name, value] : header.metadata) {
    if (name != key) {
      continue;
    }
    const int64_t* i = std::get_if<int64_t>(&value);
    const uint64_t* u = std::get_if<uint64_t>(&value);
    const int64_t number = i != nullptr                                ? *i
                           : u != nullptr && *u <= (uint64_t{1} << 62) ? static_cast<int64_t>(*u)
                                                                       : -1;
    if (number < low || number > high) {
      return Status(StatusCode::kBadFile, "the metadata value " + GgufQuote(key) + " is " +
                                              GgufQuote(GgufValueText(value)) + ", between " + std::to_string(low) +
                                              " and " + std::to_string(high) +
                                              " is possible; the file is damaged, copy or download it again");
    }
    *found = true;
    *out = number;
  }
  return Status();
}

// Paths are UTF-8.
bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::path(std::u8string(path.begin(), path.end())), ignored);
}

}  // namespace

Result<SplitInfo> ReadSplitInfo(const GgufHeader& header) {
  SplitInfo info;
  bool has_count = false;
  bool has_number = false;
  bool has_tensors = false;
  NIWAKI_RETURN_IF_ERROR(Number(header, "split.count", 0, kMaxParts, &has_count, &info.count));
  if (!has_count || info.count < 2) {
    return SplitInfo{};
  }
  NIWAKI_RETURN_IF_ERROR(Number(header, "split.no", 0, info.count - 1, &has_number, &info.number));
  NIWAKI_RETURN_IF_ERROR(Number(header, "split.tensors.count", 0, int64_t{1} << 20, &has_tensors, &info.tensors));
  if (!has_number) {
    return Status(
        StatusCode::kBadFile,
        "the file is one of " + std::to_string(info.count) +
            " parts but has no metadata value \"split.no\"; split the model again with llama.cpp's gguf-split");
  }
  return info;
}

Result<std::vector<std::string>> SplitPaths(const std::string& path, const SplitInfo& info) {
  const std::string own = Ending(info.number, info.count);
  if (path.size() < own.size() || path.compare(path.size() - own.size(), own.size(), own) != 0) {
    return Status(StatusCode::kBadFile, "the file is part " + std::to_string(info.number + 1) + " of " +
                                            std::to_string(info.count) + ", so its name must end with \"" + own +
                                            "\"; give all parts the names that they were published with");
  }
  const std::string stem = path.substr(0, path.size() - own.size());
  std::vector<std::string> paths;
  std::string missing;
  int64_t missing_count = 0;
  for (int64_t i = 0; i < info.count; ++i) {
    paths.push_back(stem + Ending(i, info.count));
    if (!Exists(paths.back()) && ++missing_count <= 8) {
      missing += (missing.empty() ? "\"" : ", \"") + paths.back() + "\"";
    }
  }
  if (missing_count > 0) {
    return Status(StatusCode::kNotFound,
                  "the model has " + std::to_string(info.count) + " parts, and " + std::to_string(missing_count) +
                      " of them " + (missing_count == 1 ? "is" : "are") + " missing: " + missing +
                      (missing_count > 8 ? ", ..." : "") + "; put all parts into the same folder");
  }
  return paths;
}

}  // namespace niwaki
