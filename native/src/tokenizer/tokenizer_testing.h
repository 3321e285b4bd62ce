// Tokenizers for tests: the embedded model's vocabulary with another rule and added tokens. Only *_test.cc files and
// fuzz targets include it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gguf/gguf_testing.h"
#include "tokenizer/tokenizer.h"

namespace niwaki::testing {

// What tokenizer.ggml.* hold, to be changed by a test.
struct TokenizerFile {
  std::string pre = "qwen2";
  std::vector<std::string> tokens;
  std::vector<int32_t> types;  // empty: the key is left out
  std::vector<std::string> merges;
  std::vector<std::pair<std::string, uint32_t>> ids;  // {"eos", 3}: tokenizer.ggml.eos_token_id

  TokenId Add(const std::string& text, int32_t type) {
    tokens.push_back(text);
    types.push_back(type);
    return static_cast<TokenId>(tokens.size()) - 1;
  }
  std::vector<uint8_t> Write() const {
    GgufWriter writer;
    writer.String("tokenizer.ggml.model", "gpt2");
    writer.String("tokenizer.ggml.pre", pre);
    writer.Strings("tokenizer.ggml.tokens", tokens);
    if (!types.empty()) {
      writer.Ints("tokenizer.ggml.token_type", types);
    }
    writer.Strings("tokenizer.ggml.merges", merges);
    for (const auto& [purpose, id] : ids) {
      writer.U32("tokenizer.ggml." + purpose + "_token_id", id);
    }
    return writer.Write();
  }
  Result<std::unique_ptr<Tokenizer>> Make() const {
    const std::vector<uint8_t> bytes = Write();
    const Result<std::unique_ptr<GgufFile>> file = GgufFile::Parse(bytes);
    return file.ok() ? NewTokenizer(*file.value()) : Result<std::unique_ptr<Tokenizer>>(file.status());
  }
};

// The 256 single bytes and nothing else.
inline TokenizerFile ByteTokens() {
  TokenizerFile out;
  for (int b = 0; b < 256; ++b) {
    out.Add(Written(std::string(1, static_cast<char>(b))), 1);
  }
  return out;
}

// The embedded model's; empty when it cannot be read.
inline TokenizerFile NanoTokens() {
  TokenizerFile out;
  const auto file = GgufFile::Open(std::string(NIWAKI_SOURCE_DIR) + "/models/nano.gguf");
  if (!file.ok()) {
    return out;
  }
  const auto strings = [&](const char* key) {
    const auto views = GgufStrings(*file.value()->Array(key).value()).value();
    return std::vector<std::string>(views.begin(), views.end());
  };
  out.tokens = strings("tokenizer.ggml.tokens");
  out.merges = strings("tokenizer.ggml.merges");
  out.types = GgufInts(*file.value()->Array("tokenizer.ggml.token_type").value()).value();
  return out;
}

}  // namespace niwaki::testing
