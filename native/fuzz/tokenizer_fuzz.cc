// Any text, edited in any way, under every pre-tokenizer; and any vocabulary that a GGUF file may hold.
//   byte 0: even = the embedded model's vocabulary, odd = one that the input describes
//   byte 1: rule and added tokens; then the vocabulary, if any; then edits, to the end
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "tokenizer/tokenizer_testing.h"

namespace {

using niwaki::SpecialTokens;
using niwaki::TokenId;
using niwaki::Tokenizer;
using niwaki::testing::TokenizerFile;

void Require(bool condition) {
  if (!condition) {
    __builtin_trap();
  }
}

// Takes the input apart; past its end all is zero and empty.
class Input {
 public:
  explicit Input(std::string_view data) : data_(data) {}
  bool empty() const { return data_.empty(); }
  uint8_t Byte() {
    const uint8_t byte = data_.empty() ? 0 : static_cast<uint8_t>(data_.front());
    data_.remove_prefix(data_.empty() ? 0 : 1);
    return byte;
  }
  // A place in a text of `size` bytes, its end included.
  size_t Place(size_t size) {
    const size_t high = Byte();
    return (high << 8 | Byte()) % (size + 1);
  }
  std::string_view Text(size_t size) {
    const std::string_view text = data_.substr(0, size);
    data_.remove_prefix(text.size());
    return text;
  }

 private:
  std::string_view data_;
};

constexpr const char* kRules[] = {"gpt-2", "qwen2", "llama-bpe", "starcoder", "deepseek-coder"};
constexpr size_t kRuleCount = sizeof(kRules) / sizeof(kRules[0]);

// The embedded vocabulary under a rule, without or with tokens that are found in all text.
const Tokenizer& Embedded(size_t rule, bool added) {
  static const TokenizerFile& nano = *new TokenizerFile(niwaki::testing::NanoTokens());
  static std::unique_ptr<Tokenizer>* const made = new std::unique_ptr<Tokenizer>[kRuleCount * 2];
  std::unique_ptr<Tokenizer>& tokenizer = made[rule * 2 + (added ? 1 : 0)];
  if (tokenizer == nullptr) {
    TokenizerFile file = nano;
    file.pre = kRules[rule];
    for (const char* text :
         {"    ", "        ", "<|", "ret", "return x", "\xc3\xbc", "\n\n\n", "|><|", "let it be = true; // x"}) {
      if (added) {
        file.Add(text, 4);
      }
    }
    auto result = file.Make();
    Require(result.ok());
    tokenizer = std::move(result.value());
  }
  return *tokenizer;
}

bool HasAllBytes(const Tokenizer& tokenizer) {
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    // A token of another type may have the same text as a lower id.
    bool found = false;
    for (const TokenId id : tokenizer.IdsWithPrefix({&byte, 1})) {
      found = found || tokenizer.Bytes(id).size() == 1;
    }
    if (!found) {
      return false;
    }
  }
  return true;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const niwaki::Utf8Char c = niwaki::FirstChar(text);
    if (c.code_point == niwaki::kInvalidChar) {
      return false;
    }
    text.remove_prefix(c.length);
  }
  return true;
}

void Look(const Tokenizer& tokenizer, const std::string& text, bool all_bytes) {
  for (const SpecialTokens special : {SpecialTokens::kAsText, SpecialTokens::kParse}) {
    const std::vector<TokenId> ids = tokenizer.Encode(text, special);
    for (const TokenId id : ids) {
      Require(id >= 0 && id < tokenizer.size() && !tokenizer.Bytes(id).empty());
      Require(special == SpecialTokens::kParse || !tokenizer.IsControl(id));
    }
    if (all_bytes || IsUtf8(text)) {
      Require(tokenizer.Decode(ids) == text);
    }
    Require(special == SpecialTokens::kParse || tokenizer.Decode(ids, true) == tokenizer.Decode(ids));
  }
}

void EditAndLook(const Tokenizer& tokenizer, Input input, bool all_bytes) {
  niwaki::EditableTokens editable(tokenizer);
  std::string text;
  std::string before;
  constexpr int kMostEdits = 48;
  constexpr size_t kLongestText = 2048;
  for (int edit = 0; edit < kMostEdits && !input.empty(); ++edit) {
    const uint8_t kind = input.Byte();
    const std::string last = text;
    const size_t at = input.Place(text.size());
    switch (kind % 5) {
      case 0:
        text.insert(at, input.Text(input.Byte()));
        break;
      case 1:
        text.erase(at, input.Byte());
        break;
      case 2: {
        const size_t size = input.Byte();
        text.replace(at, size, input.Text(input.Byte()));
        break;
      }
      case 3: {
        const std::string copy = text.substr(at, input.Byte());
        text.insert(input.Place(text.size()), copy);
        break;
      }
      default:
        text = before;
    }
    before = last;
    text.resize(std::min(text.size(), kLongestText));
    Require(editable.Update(text) == tokenizer.Encode(text, SpecialTokens::kAsText));
    Require(editable.reused_bytes() <= text.size());
  }
  Look(tokenizer, text, all_bytes);
}

// Tokens, types and merges from the input.
void Hostile(size_t rule, Input* input) {
  const uint8_t how = input->Byte();
  TokenizerFile file = (how & 1) != 0 ? TokenizerFile() : niwaki::testing::ByteTokens();
  file.pre = kRules[rule];
  const auto take = [&] {
    const std::string text(input->Text(input->Byte() % 24));
    return (how & 2) != 0 ? text : niwaki::testing::Written(text);
  };
  for (int n = input->Byte() % 32; n > 0; --n) {
    const uint8_t type = input->Byte();
    file.Add(take(), type < 200 ? type % 7 : -type);
  }
  for (int n = input->Byte() % 32; n > 0; --n) {
    const std::string left = take();
    std::string merge = left;
    merge += (how & 4) != 0 ? "" : " ";
    merge += take();
    file.merges.push_back(merge);
    // Most merges make a token, else few files would be sound.
    if ((how & 8) != 0) {
      const size_t space = merge.find(' ', 1);
      file.Add(space == std::string::npos ? merge : merge.erase(space, 1), 1);
    }
  }
  // Bytes of another type, or twice.
  for (int n = input->Byte() % 4; n > 0 && !file.tokens.empty(); --n) {
    const size_t i = input->Place(file.tokens.size() - 1);
    file.types[i] = input->Byte() % 7;
  }
  if ((how & 16) != 0) {
    file.types.clear();
  } else if ((how & 32) != 0 && !file.types.empty()) {
    file.types.pop_back();
  }
  file.ids = {{"bos", input->Byte()}, {"eos", 0xffffff00u + input->Byte()}};
  const auto tokenizer = file.Make();
  if (!tokenizer.ok()) {
    Require(tokenizer.status().message().find("; ") != std::string::npos);
    return;
  }
  const Tokenizer& t = *tokenizer.value();
  for (TokenId id = -1; id <= t.size(); ++id) {
    const TokenId found = t.Find(t.Bytes(id));
    Require(id < 0 || id == t.size() || (found >= 0 && found <= id && t.Bytes(found) == t.Bytes(id)));
  }
  EditAndLook(t, *input, HasAllBytes(t));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input({reinterpret_cast<const char*>(data), size});
  const bool hostile = (input.Byte() & 1) != 0;
  const uint8_t kind = input.Byte();
  const size_t rule = (kind >> 1) % kRuleCount;
  if (hostile) {
    Hostile(rule, &input);
  } else {
    EditAndLook(Embedded(rule, (kind & 1) != 0), input, true);
  }
  return 0;
}
