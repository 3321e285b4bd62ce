// What a GGUF file says about its tokens, checked.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "gguf/gguf.h"
#include "tokenizer/bpe.h"
#include "tokenizer/token_table.h"

namespace niwaki {

// tokenizer.ggml.token_type
enum class TokenType : int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4 };

struct Vocabulary {
  Vocabulary() = default;
  Vocabulary(Vocabulary&&) = default;  // never copied: the tables would point into the other one
  Vocabulary& operator=(Vocabulary&&) = default;

  // By id: a plain token's bytes, any other's literal text. Tables keep pointers to these strings.
  std::vector<std::string> bytes;
  std::vector<TokenType> types;  // by id; values beside the enumerators occur
  TokenTable plain;              // of type kNormal; equal bytes: the lowest id
  MergeTable merges{0};
  // Ids of single bytes. -1 for bytes that valid UTF-8 never holds and the file has no token for.
  std::array<TokenId, 256> byte_ids{};
  TokenId bos = -1;
  TokenId eos = -1;
};

// kNotFound or kBadFile naming the key. When the file has no types, they are guessed: see vocabulary.cc.
Result<Vocabulary> ReadVocabulary(const GgufFile& file);

}  // namespace niwaki
