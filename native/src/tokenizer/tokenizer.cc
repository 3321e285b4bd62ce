#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/utf8.h"
#include "tokenizer/bpe.h"
#include "tokenizer/pretokenizer.h"

namespace niwaki {
namespace {

// tokenizer.ggml.token_type
constexpr int32_t kNormal = 1;
constexpr int32_t kUserDefined = 4;

// GPT-2's alphabet: each byte is written as a printable character, the printable ones as themselves, the others from
// U+0100 on.
struct ByteAlphabet {
  std::array<std::string, 256> text;           // byte -> its character in UTF-8
  std::unordered_map<uint32_t, uint8_t> byte;  // code point -> byte
  ByteAlphabet() {
    uint32_t next = 0x100;
    for (uint32_t b = 0; b < 256; ++b) {
      const bool printable = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);
      const uint32_t code_point = printable ? b : next++;
      byte[code_point] = static_cast<uint8_t>(b);
      if (code_point < 0x80) {
        text[b] = static_cast<char>(code_point);
      } else {
        text[b] = {static_cast<char>(0xc0 | (code_point >> 6)), static_cast<char>(0x80 | (code_point & 0x3f))};
      }
    }
  }
  // The bytes that a token's text stands for; false when a character is not of the alphabet.
  bool Decode(std::string_view written, std::string* out) const {
    while (!written.empty()) {
      const Utf8Char c = FirstChar(written);
      const auto found = byte.find(c.code_point);
      if (found == byte.end()) {
        return false;
      }
      out->push_back(static_cast<char>(found->second));
      written.remove_prefix(c.length);
    }
    return true;
  }
};

class BpeTokenizer final : public Tokenizer {
 public:
  explicit BpeTokenizer(size_t merges) : merges_(merges) {}
  Status Init(const GgufFile& file);

  std::vector<TokenId> Encode(std::string_view text, SpecialTokens special) const override;
  std::string_view Bytes(TokenId id) const override {
    return id >= 0 && id < size() ? std::string_view(bytes_[static_cast<size_t>(id)]) : std::string_view();
  }
  std::string Decode(std::span<const TokenId> ids, bool skip_control) const override;
  bool IsControl(TokenId id) const override {
    return id >= 0 && id < size() && types_[static_cast<size_t>(id)] != kNormal &&
           types_[static_cast<size_t>(id)] != kUserDefined;
  }
  TokenId Find(std::string_view text) const override {
    const auto found = by_bytes_.find(text);
    return found == by_bytes_.end() ? -1 : found->second;
  }
  int32_t size() const override { return static_cast<int32_t>(bytes_.size()); }
  TokenId bos() const override { return bos_; }
  TokenId eos() const override { return eos_; }
  std::vector<TokenId> IdsWithPrefix(std::string_view prefix) const override;

 private:
  void EncodePlain(std::string_view text, std::vector<TokenId>* out) const;
  Status InitMerges(const std::vector<std::string_view>& merges,
                    const std::unordered_map<std::string_view, TokenId>& written);

  std::vector<std::string> bytes_;  // by id; fixed after Init: views into it are kept below
  std::vector<int32_t> types_;      // by id
  std::unordered_map<std::string_view, TokenId> by_bytes_;
  std::vector<TokenId> sorted_;   // ids of plain tokens, by bytes
  std::vector<TokenId> special_;  // ids that Encode(kParse) recognises, longest text first
  std::array<TokenId, 256> byte_ids_{};
  MergeTable merges_;
  TokenId bos_ = -1;
  TokenId eos_ = -1;
};

Status Faulty(const std::string& what) {
  return Status(StatusCode::kBadFile,
                "the tokenizer in the file is damaged: " + what + "; copy or download the model again");
}

Status BpeTokenizer::Init(const GgufFile& file) {
  // Never destroyed: a process may end while this still runs on its engine thread.
  static const ByteAlphabet& alphabet = *new ByteAlphabet();
  const Result<const GgufArray*> token_array = file.Array("tokenizer.ggml.tokens");
  if (!token_array.ok()) {
    return token_array.status();
  }
  const Result<std::vector<std::string_view>> tokens = GgufStrings(*token_array.value());
  if (!tokens.ok()) {
    return Faulty("tokenizer.ggml.tokens is no array of strings");
  }
  const size_t count = tokens.value().size();
  if (count == 0 || count > (1u << 24)) {
    return Faulty("tokenizer.ggml.tokens has " + std::to_string(count) + " entries");
  }
  types_.assign(count, kNormal);
  if (file.Find("tokenizer.ggml.token_type") != nullptr) {
    const Result<const GgufArray*> array = file.Array("tokenizer.ggml.token_type");
    if (!array.ok()) {
      return array.status();
    }
    const Result<std::vector<int32_t>> types = GgufInts(*array.value());
    if (!types.ok() || types.value().size() != count) {
      return Faulty("tokenizer.ggml.token_type does not fit tokenizer.ggml.tokens");
    }
    types_ = types.value();
  }

  std::unordered_map<std::string_view, TokenId> written;
  written.reserve(count);
  bytes_.resize(count);
  by_bytes_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const std::string_view text = tokens.value()[i];
    const TokenId id = static_cast<TokenId>(i);
    if (types_[i] == kNormal) {
      if (!alphabet.Decode(text, &bytes_[i])) {
        return Faulty("token " + std::to_string(i) +
                      " of tokenizer.ggml.tokens is not written in the byte-level alphabet");
      }
      written.emplace(text, id);
      if (!bytes_[i].empty()) {
        sorted_.push_back(id);
      }
    } else {
      bytes_[i] = std::string(text);
      if (!text.empty()) {
        special_.push_back(id);
      }
    }
  }
  for (size_t i = 0; i < count; ++i) {
    by_bytes_.emplace(bytes_[i], static_cast<TokenId>(i));
  }
  std::sort(sorted_.begin(), sorted_.end(), [this](TokenId a, TokenId b) { return Bytes(a) < Bytes(b); });
  std::stable_sort(special_.begin(), special_.end(),
                   [this](TokenId a, TokenId b) { return Bytes(a).size() > Bytes(b).size(); });
  for (size_t b = 0; b < 256; ++b) {
    const auto found = written.find(alphabet.text[b]);
    if (found == written.end()) {
      return Faulty("tokenizer.ggml.tokens has no token for the single byte " + std::to_string(b));
    }
    byte_ids_[b] = found->second;
  }

  const Result<const GgufArray*> merge_array = file.Array("tokenizer.ggml.merges");
  if (!merge_array.ok()) {
    return merge_array.status();
  }
  const Result<std::vector<std::string_view>> merges = GgufStrings(*merge_array.value());
  if (!merges.ok()) {
    return Faulty("tokenizer.ggml.merges is no array of strings");
  }
  NIWAKI_RETURN_IF_ERROR(InitMerges(merges.value(), written));

  const auto id_of = [&](const char* key) {
    const Result<int64_t> value = file.Int(key);
    return value.ok() && value.value() >= 0 && value.value() < size() ? static_cast<TokenId>(value.value()) : -1;
  };
  bos_ = id_of("tokenizer.ggml.bos_token_id");
  eos_ = id_of("tokenizer.ggml.eos_token_id");
  return Status();
}

Status BpeTokenizer::InitMerges(const std::vector<std::string_view>& merges,
                                const std::unordered_map<std::string_view, TokenId>& written) {
  std::string joined;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view merge = merges[rank];
    const size_t space = merge.find(' ', 1);  // a part may not be empty; the alphabet has no space
    if (space == std::string_view::npos || space + 1 >= merge.size()) {
      return Faulty("entry " + std::to_string(rank) +
                    " of tokenizer.ggml.merges is not two parts with a space between");
    }
    joined.assign(merge.substr(0, space));
    joined.append(merge.substr(space + 1));
    const auto left = written.find(merge.substr(0, space));
    const auto right = written.find(merge.substr(space + 1));
    const auto merged = written.find(joined);
    if (left == written.end() || right == written.end() || merged == written.end()) {
      return Faulty("entry " + std::to_string(rank) + " of tokenizer.ggml.merges names a token that does not exist");
    }
    merges_.Insert(left->second, right->second, static_cast<int32_t>(rank), merged->second);
  }
  return Status();
}

void BpeTokenizer::EncodePlain(std::string_view text, std::vector<TokenId>* out) const {
  std::vector<std::string_view> pieces;
  SplitQwen2(text, &pieces);
  std::vector<TokenId> ids;
  for (const std::string_view piece : pieces) {
    ids.clear();
    for (const char c : piece) {
      ids.push_back(byte_ids_[static_cast<uint8_t>(c)]);
    }
    MergePiece(merges_, &ids);
    out->insert(out->end(), ids.begin(), ids.end());
  }
}

std::vector<TokenId> BpeTokenizer::Encode(std::string_view text, SpecialTokens special) const {
  std::vector<TokenId> out;
  out.reserve(text.size() / 3 + 1);
  if (special == SpecialTokens::kAsText) {
    EncodePlain(text, &out);
    return out;
  }
  size_t plain_begin = 0;
  for (size_t at = 0; at < text.size();) {
    TokenId match = -1;
    for (const TokenId id : special_) {
      const std::string_view bytes = Bytes(id);
      if (bytes[0] == text[at] && text.compare(at, bytes.size(), bytes) == 0) {
        match = id;
        break;
      }
    }
    if (match < 0) {
      ++at;
      continue;
    }
    EncodePlain(text.substr(plain_begin, at - plain_begin), &out);
    out.push_back(match);
    at += Bytes(match).size();
    plain_begin = at;
  }
  EncodePlain(text.substr(plain_begin), &out);
  return out;
}

std::string BpeTokenizer::Decode(std::span<const TokenId> ids, bool skip_control) const {
  std::string out;
  for (const TokenId id : ids) {
    if (!(skip_control && IsControl(id))) {
      out += Bytes(id);
    }
  }
  return out;
}

std::vector<TokenId> BpeTokenizer::IdsWithPrefix(std::string_view prefix) const {
  const auto less = [this](TokenId id, std::string_view text) { return Bytes(id) < text; };
  std::vector<TokenId> out;
  for (auto at = std::lower_bound(sorted_.begin(), sorted_.end(), prefix, less);
       at != sorted_.end() && Bytes(*at).substr(0, prefix.size()) == prefix; ++at) {
    out.push_back(*at);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Status Unsupported(const char* key, std::string_view value, const char* known) {
  return Status(StatusCode::kUnsupported, std::string(key) + " is \"" + std::string(value.substr(0, 100)) +
                                              "\", Niwaki knows " + known +
                                              "; use a GGUF file of a Qwen3-family model (for example Bonsai)");
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> NewTokenizer(const GgufFile& file) {
  const Result<std::string_view> model = file.String("tokenizer.ggml.model");
  if (!model.ok()) {
    return model.status();
  }
  if (model.value() != "gpt2") {
    return Unsupported("tokenizer.ggml.model", model.value(), "\"gpt2\" (byte-level BPE)");
  }
  const Result<std::string_view> pre = file.String("tokenizer.ggml.pre");
  if (!pre.ok()) {
    return pre.status();
  }
  if (pre.value() != "qwen2") {
    return Unsupported("tokenizer.ggml.pre", pre.value(), "the pre-tokenizer \"qwen2\"");
  }
  const Result<const GgufArray*> merges = file.Array("tokenizer.ggml.merges");
  if (!merges.ok()) {
    return merges.status();
  }
  auto tokenizer = std::make_unique<BpeTokenizer>(static_cast<size_t>(merges.value()->count));
  NIWAKI_RETURN_IF_ERROR(tokenizer->Init(file));
  return std::unique_ptr<Tokenizer>(std::move(tokenizer));
}

std::string StreamingDetokenizer::Push(TokenId id) {
  pending_ += tokenizer_.Bytes(id);
  return TakeValidUtf8(&pending_, false);
}

std::string StreamingDetokenizer::Flush() { return TakeValidUtf8(&pending_, true); }

}  // namespace niwaki
