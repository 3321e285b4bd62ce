#include "tokenizer/vocabulary.h"

#include <string_view>
#include <unordered_set>

#include "tokenizer/added_tokens.h"
#include "tokenizer/byte_alphabet.h"

namespace niwaki {
namespace {

constexpr size_t kMostTokens = size_t{1} << 24;
constexpr size_t kMostMerges = size_t{1} << 24;  // bpe.cc packs ranks into 24 bits

// Never destroyed: a process may end while this still runs on its engine thread.
const ByteAlphabet& Alphabet() {
  static const ByteAlphabet& alphabet = *new ByteAlphabet();
  return alphabet;
}

Status Faulty(const std::string& what) {
  return Status(StatusCode::kBadFile,
                "the tokenizer in the file is damaged: " + what + "; copy or download the model again");
}

Result<std::vector<std::string_view>> Strings(const GgufFile& file, const std::string& key) {
  const Result<const GgufArray*> array = file.Array(key);
  if (!array.ok()) {
    return array.status();
  }
  const Result<std::vector<std::string_view>> strings = GgufStrings(*array.value());
  return strings.ok() ? strings : Faulty(key + " is no array of strings");
}

// The two written parts of a merge; false when there are not two.
bool SplitMerge(std::string_view merge, std::string_view* left, std::string_view* right) {
  const size_t space = merge.find(' ', 1);  // a part may not be empty; the alphabet has no space
  if (space == std::string_view::npos || space + 1 >= merge.size()) {
    return false;
  }
  *left = merge.substr(0, space);
  *right = merge.substr(space + 1);
  return true;
}

// Ids that the file names by a purpose.
std::unordered_set<int64_t> Named(const GgufFile& file) {
  std::unordered_set<int64_t> named;
  for (const char* purpose :
       {"bos", "eos", "eot", "eom", "unknown", "seperator", "separator", "padding", "cls", "mask", "fim_pre", "fim_suf",
        "fim_mid", "fim_pad", "fim_rep", "fim_sep", "prefix", "suffix", "middle"}) {
    const Result<int64_t> id = file.Int("tokenizer.ggml." + std::string(purpose) + "_token_id");
    if (id.ok()) {
      named.insert(id.value());
    }
  }
  return named;
}

// Markers of turns, files and fill-in-the-middle in the families that Niwaki knows.
bool IsMarker(std::string_view text) {
  for (const char* marker : {"<|endoftext|>",
                             "<|im_start|>",
                             "<|im_end|>",
                             "<|fim_prefix|>",
                             "<|fim_middle|>",
                             "<|fim_suffix|>",
                             "<|fim_pad|>",
                             "<|repo_name|>",
                             "<|file_sep|>",
                             "<|begin_of_text|>",
                             "<|end_of_text|>",
                             "<|start_header_id|>",
                             "<|end_header_id|>",
                             "<|eot_id|>",
                             "<|eom_id|>",
                             "<fim_prefix>",
                             "<fim_middle>",
                             "<fim_suffix>",
                             "<fim_pad>",
                             "<file_sep>",
                             "<|tool_call|>",
                             "<|EOT|>",
                             "<\xef\xbd\x9c"
                             "begin\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>",
                             "<\xef\xbd\x9c"
                             "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>"}) {
    if (text == marker) {
      return true;
    }
  }
  return false;
}

// For files without token types. A token that no merge makes and that is no single byte never comes of plain text, so
// it is safe to take it for a control token when it looks like one ("<|im_end|>", "<s>") or when the file names it by a
// purpose; and a token that is not written in the byte alphabet can be nothing else.
std::vector<TokenType> GuessTypes(const GgufFile& file, const std::vector<std::string_view>& tokens,
                                  const std::vector<std::string_view>& merges) {
  std::unordered_set<std::string> merged;
  for (const std::string_view merge : merges) {
    std::string_view left;
    std::string_view right;
    if (SplitMerge(merge, &left, &right)) {
      merged.insert(std::string(left) + std::string(right));
    }
  }
  const std::unordered_set<int64_t> named = Named(file);
  std::vector<TokenType> types(tokens.size(), TokenType::kNormal);
  std::string bytes;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view text = tokens[i];
    if (!Alphabet().Decode(text, &bytes)) {
      types[i] = TokenType::kControl;
    } else if (bytes.size() > 1 && merged.count(std::string(text)) == 0) {
      const bool marker = bytes.size() > 2 && bytes.front() == '<' && bytes.back() == '>';
      types[i] = marker || named.count(static_cast<int64_t>(i)) != 0 ? TokenType::kControl : TokenType::kNormal;
    }
  }
  return types;
}

Status ReadTokens(const GgufFile& file, const std::vector<std::string_view>& merges, Vocabulary* out) {
  const Result<std::vector<std::string_view>> tokens = Strings(file, "tokenizer.ggml.tokens");
  if (!tokens.ok()) {
    return tokens.status();
  }
  const size_t count = tokens.value().size();
  if (count == 0 || count > kMostTokens) {
    return Faulty("tokenizer.ggml.tokens has " + std::to_string(count) + " entries");
  }
  if (file.Find("tokenizer.ggml.token_type") != nullptr) {
    const Result<const GgufArray*> array = file.Array("tokenizer.ggml.token_type");
    if (!array.ok()) {
      return array.status();
    }
    const Result<std::vector<int32_t>> types = GgufInts(*array.value());
    if (!types.ok() || types.value().size() != count) {
      return Faulty("tokenizer.ggml.token_type does not fit tokenizer.ggml.tokens");
    }
    const std::unordered_set<int64_t> named = Named(file);
    for (size_t i = 0; i < count; ++i) {
      const TokenType type = static_cast<TokenType>(types.value()[i]);
      // Some converters call every added token user-defined, which would let plain text become one. What ends a text or
      // separates its parts is a control token whatever the file calls it.
      const bool control =
          type == TokenType::kUserDefined && (named.count(static_cast<int64_t>(i)) != 0 || IsMarker(tokens.value()[i]));
      out->types.push_back(control ? TokenType::kControl : type);
    }
  } else {
    out->types = GuessTypes(file, tokens.value(), merges);
  }
  out->bytes.resize(count);
  out->plain = TokenTable(out->bytes.data(), count);
  for (size_t i = 0; i < count; ++i) {
    const std::string_view text = tokens.value()[i];
    if (out->types[i] != TokenType::kNormal) {
      if (text.size() > AddedTokens::kLongest) {
        return Faulty("token " + std::to_string(i) + " of tokenizer.ggml.tokens has " + std::to_string(text.size()) +
                      " bytes");
      }
      out->bytes[i] = std::string(text);
    } else if (!Alphabet().Decode(text, &out->bytes[i])) {
      return Faulty("token " + std::to_string(i) +
                    " of tokenizer.ggml.tokens is not written in the byte-level alphabet");
    } else {
      out->plain.Insert(static_cast<TokenId>(i));
    }
  }
  for (size_t b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    out->byte_ids[b] = out->plain.Find({&byte, 1});
    // Some vocabularies (DeepSeek Coder's) lack the bytes that valid UTF-8 never holds.
    const bool in_utf8 = b < 0xf5 && b != 0xc0 && b != 0xc1;
    if (out->byte_ids[b] < 0 && in_utf8) {
      return Faulty("tokenizer.ggml.tokens has no token for the single byte " + std::to_string(b));
    }
  }
  return Status();
}

Status ReadMerges(const std::vector<std::string_view>& merges, Vocabulary* out) {
  if (merges.size() > kMostMerges) {
    return Faulty("tokenizer.ggml.merges has " + std::to_string(merges.size()) + " entries");
  }
  out->merges = MergeTable(merges.size());
  std::string bytes;
  std::string joined;
  const auto find = [&](std::string_view written) {
    if (!Alphabet().Decode(written, &bytes)) {
      return TokenId{-1};
    }
    joined += bytes;
    return out->plain.Find(bytes);
  };
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    std::string_view left_written;
    std::string_view right_written;
    if (!SplitMerge(merges[rank], &left_written, &right_written)) {
      return Faulty("entry " + std::to_string(rank) +
                    " of tokenizer.ggml.merges is not two parts with a space between");
    }
    joined.clear();
    const TokenId left = find(left_written);
    const TokenId right = find(right_written);
    const TokenId merged = left < 0 || right < 0 ? -1 : out->plain.Find(joined);
    if (merged < 0) {
      return Faulty("entry " + std::to_string(rank) + " of tokenizer.ggml.merges names a token that does not exist");
    }
    out->merges.Insert(left, right, static_cast<int32_t>(rank), merged);
  }
  return Status();
}

}  // namespace

Result<Vocabulary> ReadVocabulary(const GgufFile& file) {
  Vocabulary out;
  const Result<std::vector<std::string_view>> merges = Strings(file, "tokenizer.ggml.merges");
  if (!merges.ok()) {
    return merges.status();
  }
  NIWAKI_RETURN_IF_ERROR(ReadTokens(file, merges.value(), &out));
  NIWAKI_RETURN_IF_ERROR(ReadMerges(merges.value(), &out));
  const auto id_of = [&](const char* key) {
    const Result<int64_t> value = file.Int(key);
    const bool sound = value.ok() && value.value() >= 0 && value.value() < static_cast<int64_t>(out.bytes.size());
    return sound ? static_cast<TokenId>(value.value()) : -1;
  };
  out.bos = id_of("tokenizer.ggml.bos_token_id");
  out.eos = id_of("tokenizer.ggml.eos_token_id");
  return Result<Vocabulary>(std::move(out));
}

}  // namespace niwaki
