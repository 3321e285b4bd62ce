// Models that come in several files, NAME-00001-of-0000N.gguf, as llama.cpp's gguf-split writes them.
#pragma once

#include <string>
#include <vector>

#include "gguf/parser.h"

namespace niwaki {

// What a part says of itself: split.no (from 0), split.count, split.tensors.count. Count 1 and tensors -1 when the keys
// are absent.
struct SplitInfo {
  int64_t number = 0;
  int64_t count = 1;
  int64_t tensors = -1;
};
Result<SplitInfo> ReadSplitInfo(const GgufHeader& header);

// The paths of all parts, made from the path of one. kBadFile when that is not named after its number and count,
// kNotFound, naming them, when others are not there.
Result<std::vector<std::string>> SplitPaths(const std::string& path, const SplitInfo& info);

}  // namespace niwaki
