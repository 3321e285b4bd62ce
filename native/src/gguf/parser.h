// The header of one GGUF file. Used by gguf.cc alone.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gguf/gguf.h"

namespace niwaki {

struct GgufHeader {
  uint32_t version = 0;
  std::vector<std::pair<std::string_view, GgufValue>> metadata;
  std::vector<GgufTensor> tensors;
};

// Called with increasing ends, before bytes [.., end) of the file are looked at; end is never beyond the file's.
using GgufFetch = std::function<Status(uint64_t end)>;

// Checks every count, length and offset. The header points into `bytes`; the tensors' data are not looked at.
Result<GgufHeader> ParseGguf(std::span<const uint8_t> bytes, const GgufFetch& fetch);

// Names and keys from a file in quotes, made safe to print.
std::string GgufQuote(std::string_view text);

}  // namespace niwaki
