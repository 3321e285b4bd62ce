#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/utf8.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/pretokenizer.h"
#include "tokenizer/vocabulary.h"

namespace niwaki {
namespace {

class BpeTokenizer final : public Tokenizer {
 public:
  BpeTokenizer(Vocabulary vocabulary, const PreTokenizer& rule);

  std::vector<TokenId> Encode(std::string_view text, SpecialTokens special) const override;
  void EncodePieces(std::string_view text, size_t begin, std::vector<TokenId>* ids,
                    const std::function<bool(size_t)>& after_piece) const override;
  size_t SettledBytes(std::string_view text) const override;
  std::string_view Bytes(TokenId id) const override {
    return id >= 0 && id < size() ? std::string_view(vocabulary_.bytes[static_cast<size_t>(id)]) : std::string_view();
  }
  std::string Decode(std::span<const TokenId> ids, bool skip_control) const override;
  bool IsControl(TokenId id) const override { return id >= 0 && id < size() && !IsText(id); }
  TokenId Find(std::string_view text) const override;
  std::vector<SpecialToken> Specials() const override;
  int32_t size() const override { return static_cast<int32_t>(vocabulary_.bytes.size()); }
  TokenId bos() const override { return vocabulary_.bos; }
  TokenId eos() const override { return vocabulary_.eos; }
  std::vector<TokenId> IdsWithPrefix(std::string_view prefix) const override;

 private:
  TokenType TypeOf(TokenId id) const { return vocabulary_.types[static_cast<size_t>(id)]; }
  bool IsText(TokenId id) const { return TypeOf(id) == TokenType::kNormal || TypeOf(id) == TokenType::kUserDefined; }
  size_t MergedBytes(std::string_view piece, std::vector<TokenId>* out) const;
  void EncodePiece(std::string_view piece, std::vector<TokenId>* out) const;
  template <typename AfterPiece>
  void Run(std::string_view text, size_t begin, size_t stride, const AddedTokens& added, std::vector<TokenId>* out,
           AfterPiece after_piece) const;

  Vocabulary vocabulary_;
  const PieceEnd piece_end_;
  AddedTokens in_all_text_;                                // user-defined tokens
  AddedTokens in_trusted_text_;                            // those and control tokens
  std::unordered_map<std::string_view, TokenId> literal_;  // tokens that are not plain, by text; equal: the lowest id
  std::vector<TokenId> sorted_;                            // ids of tokens that text may hold, by bytes
  std::vector<uint8_t> whole_;                             // by id: a piece of just these bytes is this token
  size_t longest_whole_ = 0;
};

BpeTokenizer::BpeTokenizer(Vocabulary vocabulary, const PreTokenizer& rule)
    : vocabulary_(std::move(vocabulary)), piece_end_(rule.piece_end), whole_(vocabulary_.bytes.size()) {
  std::vector<TokenId> user_defined;
  std::vector<TokenId> special;
  std::vector<TokenId> merged;
  for (TokenId id = 0; id < size(); ++id) {
    const std::string_view bytes = Bytes(id);
    const TokenType type = TypeOf(id);
    if (type != TokenType::kNormal) {
      literal_.emplace(bytes, id);
    }
    if (bytes.empty()) {
      continue;
    }
    if (IsText(id)) {
      sorted_.push_back(id);
    }
    if (type == TokenType::kUserDefined) {
      user_defined.push_back(id);
    }
    if (type == TokenType::kUserDefined || type == TokenType::kControl || type == TokenType::kUnknown) {
      special.push_back(id);
    }
    // Not every token is what merging its bytes leads to, so each is tried once, here.
    if (type == TokenType::kNormal && vocabulary_.plain.Find(bytes) == id) {
      merged.clear();
      whole_[static_cast<size_t>(id)] =
          rule.whole_tokens || (MergedBytes(bytes, &merged) == 1 && merged.front() == id) ? 1 : 0;
      longest_whole_ = std::max(longest_whole_, bytes.size());
    }
  }
  in_all_text_ = AddedTokens(vocabulary_.bytes.data(), std::move(user_defined));
  in_trusted_text_ = AddedTokens(vocabulary_.bytes.data(), std::move(special));
  std::sort(sorted_.begin(), sorted_.end(), [this](TokenId a, TokenId b) { return Bytes(a) < Bytes(b); });
}

// Appends what merging makes of the bytes, and returns how many ids that are.
size_t BpeTokenizer::MergedBytes(std::string_view piece, std::vector<TokenId>* out) const {
  const size_t begin = out->size();
  for (const char c : piece) {
    const TokenId id = vocabulary_.byte_ids[static_cast<uint8_t>(c)];
    if (id >= 0) {
      out->push_back(id);
    } else {  // no part of valid UTF-8, and the vocabulary has no token for it
      for (const char part : kReplacementChar) {
        out->push_back(vocabulary_.byte_ids[static_cast<uint8_t>(part)]);
      }
    }
  }
  const size_t count = MergePiece(vocabulary_.merges, out->data() + begin, out->size() - begin);
  out->resize(begin + count);
  return count;
}

void BpeTokenizer::EncodePiece(std::string_view piece, std::vector<TokenId>* out) const {
  if (piece.size() <= longest_whole_) {
    const TokenId id = vocabulary_.plain.Find(piece);
    if (id >= 0 && whole_[static_cast<size_t>(id)] != 0) {
      out->push_back(id);
      return;
    }
  }
  MergedBytes(piece, out);
}

// Encodes text[begin..], where `begin` is 0 or the end of a piece or of an added token, until `after_piece(end)` is
// false. Added tokens are looked for `stride` bytes at a time, so that who stops early does not search all of the text.
template <typename AfterPiece>
void BpeTokenizer::Run(std::string_view text, size_t begin, size_t stride, const AddedTokens& added,
                       std::vector<TokenId>* out, AfterPiece after_piece) const {
  // No added token begins in [at, match.begin), and one does at match.begin if match.id >= 0.
  AddedTokens::Match match = {added.empty() ? text.size() : begin, begin, -1};
  // Pieces that end at or before this do not depend on text[match.begin..].
  size_t settled = match.begin;
  for (size_t at = begin; at < text.size();) {
    if (match.id >= 0 && at == match.begin) {
      out->push_back(match.id);
      at = match.end;
      match = {at, at, -1};
      settled = at;
    } else {
      // A match ends the text for what is before it. Otherwise the piece counts only once it is known that no match
      // begins in what decided on its end.
      size_t end = match.begin > at ? piece_end_(text.substr(0, match.begin), at) : text.size();
      while (end > settled && match.id < 0 && match.begin < text.size()) {
        const size_t until = std::min(text.size(), match.begin + std::max(stride, match.begin - at));
        match = added.Find(text, match.begin, until);
        settled = match.id >= 0 || match.begin == text.size() ? match.begin
                                                              : niwaki::SettledBytes(text.substr(0, match.begin));
        end = match.begin > at ? piece_end_(text.substr(0, match.begin), at) : text.size();
      }
      if (match.id >= 0 && at == match.begin) {
        continue;
      }
      EncodePiece(text.substr(at, end - at), out);
      at = end;
    }
    if (!after_piece(at)) {
      return;
    }
  }
}

std::vector<TokenId> BpeTokenizer::Encode(std::string_view text, SpecialTokens special) const {
  std::vector<TokenId> out;
  out.reserve(text.size() / 3 + 1);
  Run(text, 0, text.size(), special == SpecialTokens::kParse ? in_trusted_text_ : in_all_text_, &out,
      [](size_t) { return true; });
  return out;
}

void BpeTokenizer::EncodePieces(std::string_view text, size_t begin, std::vector<TokenId>* ids,
                                const std::function<bool(size_t)>& after_piece) const {
  constexpr size_t kStride = 1024;
  Run(text, begin, kStride, in_all_text_, ids, after_piece);
}

// What a rule looks at to find the end of a piece, an added token may begin in, and that ends at most `longest` bytes
// further on.
size_t BpeTokenizer::SettledBytes(std::string_view text) const {
  const size_t longest = in_all_text_.longest();
  return text.size() <= longest ? 0 : niwaki::SettledBytes(text.substr(0, text.size() - longest));
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

TokenId BpeTokenizer::Find(std::string_view text) const {
  const TokenId plain = vocabulary_.plain.Find(text);
  const auto found = literal_.find(text);
  return found == literal_.end() || (plain >= 0 && plain < found->second) ? plain : found->second;
}

std::vector<SpecialToken> BpeTokenizer::Specials() const {
  std::vector<SpecialToken> out;
  for (const TokenId id : in_trusted_text_.ids()) {
    out.push_back({id, TypeOf(id) == TokenType::kUserDefined});
  }
  std::sort(out.begin(), out.end(), [](const SpecialToken& a, const SpecialToken& b) { return a.id < b.id; });
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

Status Unsupported(const char* key, std::string_view value, const std::string& known) {
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
  const PreTokenizer* rule = FindPreTokenizer(pre.value());
  if (rule == nullptr) {
    return Unsupported("tokenizer.ggml.pre", pre.value(), "the pre-tokenizers " + PreTokenizerNames());
  }
  Result<Vocabulary> vocabulary = ReadVocabulary(file);
  if (!vocabulary.ok()) {
    return vocabulary.status();
  }
  return std::unique_ptr<Tokenizer>(new BpeTokenizer(std::move(vocabulary.value()), *rule));
}

std::string StreamingDetokenizer::Push(TokenId id) {
  pending_ += tokenizer_.Bytes(id);
  return TakeValidUtf8(&pending_, false);
}

std::string StreamingDetokenizer::Flush() { return TakeValidUtf8(&pending_, true); }

}  // namespace niwaki
