// Byte-level BPE from GGUF metadata.
#pragma once

#include <memory>

#include "gguf/gguf.h"
#include "niwaki/engine.h"

namespace niwaki {

// Builds the tokenizer that a GGUF file describes: tokenizer.ggml.model = "gpt2", tokenizer.ggml.pre one of
// pretokenizer.cc's. kUnsupported (naming the key and what to do) for other kinds, kBadFile for inconsistent metadata.
Result<std::unique_ptr<Tokenizer>> NewTokenizer(const GgufFile& file);

}  // namespace niwaki
