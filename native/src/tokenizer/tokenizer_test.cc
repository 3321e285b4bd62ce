// The tokenizer with the embedded model's vocabulary, merges against a slow reference, and streaming.
#include "tokenizer/tokenizer.h"

#include <algorithm>

#include "base/random_testing.h"
#include "base/testing.h"
#include "base/utf8.h"
#include "tokenizer/bpe.h"

namespace niwaki {
namespace {

using Tokens = std::vector<TokenId>;

const GgufFile& Nano() {
  static const Result<std::unique_ptr<GgufFile>> file =
      GgufFile::Open(std::string(NIWAKI_SOURCE_DIR) + "/models/nano.gguf");
  return *file.value();
}
const Tokenizer& NanoTokenizer() {
  static const Result<std::unique_ptr<Tokenizer>> tokenizer = NewTokenizer(Nano());
  return *tokenizer.value();
}

const std::vector<std::string>& Texts() {
  static const std::vector<std::string> texts = {
      "",
      " ",
      "   ",
      "\n",
      "\r\n\r\n",
      "\t\tif (x) {\r\n\t}\r\n",
      "const x = 42;\n",
      "function clamp(value: number, min: number, max: number): number {",
      "it's we'll I'D don't ''s",
      "trailing spaces   ",
      "1234567890 3.14159 0xDEADBEEF 1e-9",
      "naïve café – „quoted“ …",
      "日本語のテスト、中文测试，한국어 시험",
      "привет мир، مرحبا بالعالم हिन्दी",
      "🎉 👩\u200d💻 👨\u200d👩\u200d👧\u200d👦 🏳\ufe0f\u200d🌈 e\u0301",
      "mixed日本語and漢字123end",
      std::string("zero \0 byte", 11),
      "\xff\xfe invalid \x80\x81 \xe6\x97 \xf0\x9f\x8e",
      "\xed\xa0\x80 surrogate \xc0\xaf overlong",
      std::string(5000, 'a'),
      std::string(3000, ' ') + "x",
      "<|fim_prefix|>not a token<|endoftext|>",
      "\u00a0\u2003\u3000\u2028\u2029\ufeff",
  };
  return texts;
}

TEST("texts come back byte for byte") {
  for (const std::string& text : Texts()) {
    for (const SpecialTokens special : {SpecialTokens::kAsText, SpecialTokens::kParse}) {
      const Tokens ids = NanoTokenizer().Encode(text, special);
      EXPECT_EQ(NanoTokenizer().Decode(ids), text);
      EXPECT_EQ(ids.empty(), text.empty());
    }
  }
}

TEST("random bytes come back") {
  testing::Random random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int64_t n = random.Below(60); n > 0; --n) {
      const int64_t kind = random.Below(4);
      text += static_cast<char>(kind == 0 ? random.Below(256) : kind == 1 ? ' ' : 32 + random.Below(95));
    }
    EXPECT_EQ(NanoTokenizer().Decode(NanoTokenizer().Encode(text, SpecialTokens::kAsText)), text);
  }
}

TEST("control tokens: never from plain text, always from text that is parsed") {
  const Tokenizer& t = NanoTokenizer();
  Tokens controls;
  for (TokenId id = 0; id < t.size(); ++id) {
    if (t.IsControl(id)) {
      controls.push_back(id);
    }
  }
  EXPECT_EQ(controls.size(), size_t{9});
  Tokens specials;
  for (const SpecialToken& special : t.Specials()) {
    EXPECT(!special.in_all_text);
    specials.push_back(special.id);
  }
  EXPECT(specials == controls);
  for (const TokenId id : controls) {
    const std::string text(t.Bytes(id));
    EXPECT(text.size() > 4 && t.Find(text) == id);
    for (const std::string& around : {std::string(), std::string("x"), std::string(" \n")}) {
      const std::string whole = around + text + around;
      for (const TokenId plain : t.Encode(whole, SpecialTokens::kAsText)) {
        EXPECT(!t.IsControl(plain));
      }
      Tokens want = t.Encode(around, SpecialTokens::kAsText);
      want.push_back(id);
      const Tokens after = t.Encode(around, SpecialTokens::kAsText);
      want.insert(want.end(), after.begin(), after.end());
      EXPECT(t.Encode(whole, SpecialTokens::kParse) == want);
      EXPECT_EQ(t.Decode(want), whole);
      EXPECT_EQ(t.Decode(want, true), around + around);
    }
  }
  EXPECT(t.Encode("<|fim_prefix|><|fim_suffix|><|fim_middle|>", SpecialTokens::kParse) == (Tokens{1, 2, 3}));
  for (const std::string text : {"<|fim_prefix|", "<|fim_prefix |>", "|fim_prefix|>", "<|FIM_PREFIX|>"}) {
    for (const TokenId id : t.Encode(text, SpecialTokens::kParse)) {
      EXPECT(!t.IsControl(id));
    }
  }
}

TEST("ids out of range are harmless") {
  const Tokenizer& t = NanoTokenizer();
  EXPECT_EQ(t.size(), 16384);
  EXPECT_EQ(t.bos(), 0);
  EXPECT_EQ(t.eos(), 0);
  for (const TokenId id : {-1, t.size(), 1 << 30, -(1 << 30)}) {
    EXPECT(t.Bytes(id).empty() && !t.IsControl(id));
    EXPECT_EQ(t.Decode(Tokens{id}), std::string());
  }
  EXPECT_EQ(t.Find("no such token here"), -1);
}

TEST("every token is found by its bytes") {
  const Tokenizer& t = NanoTokenizer();
  for (TokenId id = 0; id < t.size(); ++id) {
    EXPECT(!t.Bytes(id).empty());
    EXPECT_EQ(t.Bytes(t.Find(t.Bytes(id))), t.Bytes(id));
  }
}

TEST("ids with a prefix are exactly those, in ascending order, without control tokens") {
  const Tokenizer& t = NanoTokenizer();
  for (const std::string prefix :
       {"", "r", "ret", "return", " ", "  ", "\n", "é", "\xc3", "<|", "\xff", "zzzzzzz", "0"}) {
    Tokens want;
    for (TokenId id = 0; id < t.size(); ++id) {
      if (!t.IsControl(id) && t.Bytes(id).substr(0, prefix.size()) == prefix) {
        want.push_back(id);
      }
    }
    EXPECT(t.IdsWithPrefix(prefix) == want);
  }
}

// Merges by the words of the algorithm: as long as any pair merges, the one of lowest rank, leftmost first.
void MergeSlowly(const MergeTable& table, Tokens* ids) {
  for (;;) {
    size_t best = ids->size();
    MergeTable::Merge merge;
    for (size_t i = 0; i + 1 < ids->size(); ++i) {
      const MergeTable::Merge found = table.Find((*ids)[i], (*ids)[i + 1]);
      if (found.rank >= 0 && (best == ids->size() || found.rank < merge.rank)) {
        best = i;
        merge = found;
      }
    }
    if (best == ids->size()) {
      return;
    }
    (*ids)[best] = merge.merged;
    ids->erase(ids->begin() + static_cast<int64_t>(best) + 1);
  }
}

TEST("merging equals the slow algorithm, for short and long pieces and random tables") {
  testing::Random random(2);
  for (int round = 0; round < 300; ++round) {
    const int64_t alphabet = 2 + random.Below(4);
    MergeTable table(200);
    TokenId next = static_cast<TokenId>(alphabet);
    for (int32_t rank = 0; rank < 60; ++rank) {
      const TokenId left = static_cast<TokenId>(random.Below(next));
      const TokenId right = static_cast<TokenId>(random.Below(next));
      if (table.Find(left, right).rank < 0) {
        // Some merges give a token that exists already, as in real vocabularies.
        const bool fresh = random.Below(5) != 0;
        table.Insert(left, right, rank, fresh ? next : static_cast<TokenId>(random.Below(next)));
        next += fresh ? 1 : 0;
      }
    }
    for (const int64_t length : {0, 1, 2, 3, 10, 31, 32, 33, 34, 100, 400}) {
      Tokens ids;
      for (int64_t i = 0; i < length; ++i) {
        ids.push_back(static_cast<TokenId>(random.Below(alphabet)));
      }
      Tokens want = ids;
      if (length > 100 && round % 10 != 0) {
        continue;
      }
      MergeSlowly(table, &want);
      ids.resize(MergePiece(table, ids.data(), ids.size()));
      EXPECT(ids == want);
    }
  }
}

TEST("the first of two merges of one pair counts; unknown pairs do not merge") {
  MergeTable table(2);
  table.Insert(1, 2, 5, 10);
  table.Insert(1, 2, 3, 11);
  EXPECT_EQ(table.Find(1, 2).rank, 5);
  EXPECT_EQ(table.Find(1, 2).merged, 10);
  EXPECT_EQ(table.Find(2, 1).rank, -1);
  EXPECT_EQ(table.Find(-1, -1).rank, -1);
}

// A tokenizer whose tokens are whatever the case wants: for cuts of text that no vocabulary would make.
class Cuts final : public Tokenizer {
 public:
  std::vector<std::string> parts;
  Tokens Encode(std::string_view, SpecialTokens) const override { return {}; }
  std::string_view Bytes(TokenId id) const override { return parts[static_cast<size_t>(id)]; }
  std::string Decode(std::span<const TokenId>, bool) const override { return {}; }
  bool IsControl(TokenId) const override { return false; }
  TokenId Find(std::string_view) const override { return -1; }
  std::vector<SpecialToken> Specials() const override { return {}; }
  int32_t size() const override { return static_cast<int32_t>(parts.size()); }
  TokenId bos() const override { return -1; }
  TokenId eos() const override { return -1; }
  Tokens IdsWithPrefix(std::string_view) const override { return {}; }
};

// Streams the parts; every piece must be whole characters. Returns the joined text.
std::string Stream(std::vector<std::string> parts) {
  Cuts cuts;
  cuts.parts = std::move(parts);
  StreamingDetokenizer stream(cuts);
  std::string out;
  const auto take = [&](const std::string& piece) {
    std::string copy = piece;
    EXPECT_EQ(TakeValidUtf8(&copy, false), piece);  // unchanged: valid, nothing left over
    EXPECT(copy.empty());
    out += piece;
  };
  for (TokenId id = 0; id < cuts.size(); ++id) {
    take(stream.Push(id));
  }
  take(stream.Flush());
  EXPECT_EQ(stream.Flush(), std::string());
  return out;
}

TEST("streaming never splits a character, over every cut into three parts") {
  const std::string text = "aé日🎉👩\u200d💻z";
  for (size_t i = 0; i <= text.size(); ++i) {
    for (size_t j = i; j <= text.size(); ++j) {
      EXPECT_EQ(Stream({text.substr(0, i), text.substr(i, j - i), text.substr(j)}), text);
    }
  }
  std::vector<std::string> bytes;
  for (const char c : text) {
    bytes.emplace_back(1, c);
  }
  EXPECT_EQ(Stream(bytes), text);
}

TEST("streaming gives a character out as soon as it is complete") {
  Cuts cuts;
  cuts.parts = {"\xf0\x9f", "\x8e", "\x89!", "x"};
  StreamingDetokenizer stream(cuts);
  EXPECT_EQ(stream.Push(0), std::string());
  EXPECT_EQ(stream.Push(1), std::string());
  EXPECT_EQ(stream.Push(2), std::string("🎉!"));
  EXPECT_EQ(stream.Push(3), std::string("x"));
}

TEST("streaming turns damaged bytes into replacement characters, however they are cut") {
  const std::string text = "a\xff\xe6\x97z\xed\xa0\x80\xf0\x9f\x8e";
  std::string copy = text;
  const std::string want = TakeValidUtf8(&copy, true);
  for (size_t i = 0; i <= text.size(); ++i) {
    EXPECT_EQ(Stream({text.substr(0, i), text.substr(i)}), want);
  }
}

TEST("streaming what the vocabulary makes of a text gives the text") {
  for (const std::string& text : Texts()) {
    std::string copy = text;
    std::vector<std::string> parts;
    for (const TokenId id : NanoTokenizer().Encode(text, SpecialTokens::kAsText)) {
      parts.emplace_back(NanoTokenizer().Bytes(id));
    }
    EXPECT_EQ(Stream(parts), TakeValidUtf8(&copy, true));
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
