// EditableTokens against a full Encode, over random edits and every rule; and how long a keystroke takes.
#include <algorithm>
#include <chrono>

#include "base/random_testing.h"
#include "base/testing.h"
#include "tokenizer/tokenizer_testing.h"

namespace niwaki {
namespace {

using testing::TokenizerFile;

const std::vector<std::string>& Rules() {
  static const std::vector<std::string> rules = {"gpt-2", "qwen2", "llama-bpe", "starcoder", "deepseek-coder"};
  return rules;
}

// Longer than any rule looks ahead, and of many pieces.
const char* const kLong = "let it be = true; // x";

// The embedded vocabulary, and tokens that are found in all text: spaces, one that begins another, one that begins
// inside another, one in the middle of words, one of bytes above ASCII.
std::unique_ptr<Tokenizer> Make(const std::string& rule, bool added) {
  static const TokenizerFile nano = testing::NanoTokens();
  TokenizerFile file = nano;
  file.pre = rule;
  if (added) {
    for (const char* text : {"        ", "    ", "ret", "return x", "n x;", "ü", "\n\n\n", "<|marker|>", kLong}) {
      file.Add(text, 4);
    }
  }
  Result<std::unique_ptr<Tokenizer>> tokenizer = file.Make();
  if (!tokenizer.ok()) {
    testing::Fail(__FILE__, __LINE__, tokenizer.status().message());
    return nullptr;
  }
  return std::move(tokenizer.value());
}

const char* const kParts[] = {
    "a",      "return x", "value", " ",    "  ",           "        ",   "\t",       "\n",          "\r\n",
    "\r",     "\n\n\n",   "1",     "12",   "345",          "'s",         "'",        "'LL",         "r",
    "e",      ".",        "();",   "};\n", " = ",          "日本",       "é",        "ü",           "🎉",
    "\u200d", "\u3000",   "\xe6",  "\x97", "\xff",         "\xf0\x9f",   "\x8e\x89", "<|",          "marker|>",
    "“x”",    "e\u0301",  "½",     "+=",   "let it be = ", "true; // x", "; // x",   "            "};

class Editor {
 public:
  explicit Editor(uint64_t seed) : random_(seed) {}
  const std::string& text() const { return text_; }

  void Edit() {
    undo_.push_back(text_);
    if (undo_.size() > 20) {
      undo_.erase(undo_.begin());
    }
    switch (random_.Below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        text_.insert(Place(), Part());
        break;
      case 4:
        text_ += Part();
        break;
      case 5: {  // any bytes: halves of characters too
        const size_t at = Place();
        text_.erase(at, static_cast<size_t>(random_.Below(6)));
        break;
      }
      case 6: {
        const size_t at = Place();
        text_.replace(at, static_cast<size_t>(random_.Below(8)), Part());
        break;
      }
      case 7: {  // paste of what is there already
        const size_t from = Place();
        const std::string copy = text_.substr(from, static_cast<size_t>(random_.Below(60)));
        text_.insert(Place(), copy);
        break;
      }
      case 8:  // at the end of a line
        text_.insert(std::min(text_.find('\n', Place()), text_.size()), Part());
        break;
      default:
        text_ = undo_[static_cast<size_t>(random_.Below(static_cast<int64_t>(undo_.size())))];
    }
    if (text_.size() > 500) {
      text_.erase(Place(), 200);
    }
    if (random_.Below(2000) == 0) {
      text_.clear();
    }
  }

 private:
  size_t Place() { return static_cast<size_t>(random_.Below(static_cast<int64_t>(text_.size()) + 1)); }
  std::string Part() { return kParts[random_.Below(static_cast<int64_t>(std::size(kParts)))]; }

  testing::Random random_;
  std::string text_;
  std::vector<std::string> undo_;
};

TEST("10,000 random edits a rule: always what a full Encode gives") {
  for (const std::string& rule : Rules()) {
    for (const bool added : {false, true}) {
      const std::unique_ptr<Tokenizer> tokenizer = Make(rule, added);
      if (tokenizer == nullptr) {
        return;
      }
      EditableTokens editable(*tokenizer);
      Editor editor(7);
      int wrong = 0;
      size_t bytes = 0;
      size_t reused = 0;
      for (int i = 0; i < 10000 && wrong == 0; ++i) {
        editor.Edit();
        wrong += editable.Update(editor.text()) != tokenizer->Encode(editor.text(), SpecialTokens::kAsText) ? 1 : 0;
        bytes += editor.text().size();
        reused += editable.reused_bytes();
      }
      if (wrong != 0) {
        testing::Fail(__FILE__, __LINE__, rule + " differs for \"" + editor.text() + "\"");
      }
      EXPECT(reused > bytes / 2);
    }
  }
}

TEST("a digit typed before a long number moves all its groups of three") {
  const std::unique_ptr<Tokenizer> tokenizer = Make("llama-bpe", false);
  EditableTokens editable(*tokenizer);
  const std::string words = " some words that nothing changes";
  const std::string number(300, '7');
  editable.Update(words + number + words);
  const std::string edited = words + "1" + number + words;
  EXPECT(editable.Update(edited) == tokenizer->Encode(edited, SpecialTokens::kAsText));
  EXPECT(editable.reused_bytes() > words.size());
  EXPECT(editable.reused_bytes() <= 2 * words.size());
}

TEST("the same text, an empty one, and one that has nothing in common") {
  const std::unique_ptr<Tokenizer> tokenizer = Make("qwen2", true);
  EditableTokens editable(*tokenizer);
  EXPECT(editable.Update("").empty());
  for (const std::string text : {"first", "first", "", "other words", "first"}) {
    EXPECT(editable.Update(text) == tokenizer->Encode(text, SpecialTokens::kAsText));
    EXPECT(&editable.Update(text) == &editable.tokens());
    EXPECT_EQ(editable.reused_bytes(), text.size());
  }
}

// Knows no pieces.
class Whole final : public Tokenizer {
 public:
  std::vector<TokenId> Encode(std::string_view text, SpecialTokens) const override {
    return {text.begin(), text.end()};
  }
  std::string_view Bytes(TokenId) const override { return {}; }
  std::string Decode(std::span<const TokenId>, bool) const override { return {}; }
  bool IsControl(TokenId) const override { return false; }
  TokenId Find(std::string_view) const override { return -1; }
  std::vector<SpecialToken> Specials() const override { return {}; }
  int32_t size() const override { return 256; }
  TokenId bos() const override { return -1; }
  TokenId eos() const override { return -1; }
  std::vector<TokenId> IdsWithPrefix(std::string_view) const override { return {}; }
};

TEST("a tokenizer that knows no pieces encodes all anew") {
  const Whole whole;
  EditableTokens editable(whole);
  for (const std::string text : {"abc", "abcd", "abd", "", "x"}) {
    EXPECT(editable.Update(text) == whole.Encode(text, SpecialTokens::kAsText));
    EXPECT_EQ(editable.reused_bytes(), size_t{0});
  }
}

TEST("a keystroke in 500 kB of code") {
  for (const bool added : {false, true}) {
    const std::unique_ptr<Tokenizer> tokenizer = Make("qwen2", added);
    std::string text;
    for (int line = 0; text.size() < 500000; ++line) {
      text += "  const value" + std::to_string(line) + " = compute(items[" + std::to_string(line % 97) +
              "], \"name\"); // line\n";
    }
    EditableTokens editable(*tokenizer);
    editable.Update(text);
    testing::Random random(5);
    std::vector<double> times;
    for (int i = 0; i < 300; ++i) {
      const size_t at = static_cast<size_t>(random.Below(static_cast<int64_t>(text.size())));
      text.insert(at, 1, "ab1 \n("[i % 6]);
      const auto begin = std::chrono::steady_clock::now();
      editable.Update(text);
      times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
      EXPECT(text.size() - editable.reused_bytes() < 200);
    }
    EXPECT(editable.tokens() == tokenizer->Encode(text, SpecialTokens::kAsText));
    std::sort(times.begin(), times.end());
    std::printf("    %.3f ms in the middle, %.3f ms at the most for one character in 500 kB%s\n",
                times[times.size() / 2], times.back(), added ? ", with added tokens" : "");
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT(times[times.size() / 2] < 1);
#endif
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
