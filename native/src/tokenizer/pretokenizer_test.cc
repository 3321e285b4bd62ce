// The pre-tokenizers' rules: splits worked out by hand. The first cases are qwen2's.
#include "tokenizer/pretokenizer.h"

#include "base/testing.h"
#include "base/utf8.h"
#include "tokenizer/unicode_table.h"

namespace niwaki {
namespace {

using Pieces = std::vector<std::string>;

Pieces Split(const std::string& text, const char* rule) {
  std::vector<std::string_view> views;
  SplitPieces(FindPreTokenizer(rule)->piece_end, text, &views);
  return {views.begin(), views.end()};
}

void Check(const std::string& text, const Pieces& want, const char* rule = "qwen2") {
  const Pieces got = Split(text, rule);
  if (got != want) {
    std::string shown;
    for (const std::string& piece : got) {
      shown += "[" + piece + "]";
    }
    testing::Fail(__FILE__, __LINE__, "\"" + text + "\" was split into " + shown);
  }
}

TEST("words take one leading character that is no line break, letter or number") {
  Check("", {});
  Check("hello", {"hello"});
  Check("hello world", {"hello", " world"});
  Check("  hello", {" ", " hello"});
  Check("\thello", {"\thello"});
  Check("\t\thello", {"\t", "\thello"});
  Check("(hello)", {"(hello", ")"});
  Check("((hello", {"((", "hello"});  // the run of other characters begins first and takes both
  Check("a.b_c", {"a", ".b", "_c"});
  Check("foo.bar()", {"foo", ".bar", "()"});
  Check("\nhello", {"\n", "hello"});
  Check("naïve café", {"naïve", " café"});
  Check("\u00a0x", {"\u00a0x"});
}

TEST("numbers are split into single digits") {
  Check("1234", {"1", "2", "3", "4"});
  Check("x1", {"x", "1"});
  Check(" 12", {" ", "1", "2"});
  Check("3.14", {"3", ".", "1", "4"});
  Check("0xFF", {"0", "xFF"});
  Check("²½Ⅷ٣", {"²", "½", "Ⅷ", "٣"});
}

TEST("contractions of either case") {
  Check("it's", {"it", "'s"});
  Check("IT'S", {"IT", "'S"});
  Check("we'll they'RE I'Ve I'm I'd don't",
        {"we", "'ll", " they", "'RE", " I", "'Ve", " I", "'m", " I", "'d", " don", "'t"});
  Check("'sun", {"'s", "un"});  // the contraction comes first in the pattern
  Check("'xun", {"'xun"});
  Check("'lx", {"'lx"});
  Check("''s", {"''", "s"});
  Check("'", {"'"});
  Check("'r", {"'r"});
}

TEST("other characters take one leading space and the line breaks after them") {
  Check("a == b", {"a", " ==", " b"});
  Check("a  == b", {"a", " ", " ==", " b"});
  Check("};\n\nx", {"};\n\n", "x"});
  Check("};\r\n  x", {"};\r\n", " ", " x"});
  Check("{ }", {"{", " }"});
  Check("\t{", {"\t", "{"});  // only a space leads
  Check("\u3000!", {"\u3000", "!"});
  Check("// ", {"//", " "});
}

TEST("white space: up to the last line break, else all but the last one before text") {
  Check("a\n", {"a", "\n"});
  Check("a \n b", {"a", " \n", " b"});
  Check(" \n\n \n  x", {" \n\n \n", " ", " x"});
  Check("\r\n\r\n", {"\r\n\r\n"});
  Check("a   ", {"a", "   "});
  Check("a   1", {"a", "  ", " ", "1"});
  Check("a \t\tb", {"a", " \t", "\tb"});
  Check("    return", {"   ", " return"});
  Check(" ", {" "});
  Check("\u2028\u2029x", {"\u2028", "\u2029x"});  // separators, no line breaks to the pattern
}

TEST("other scripts, emoji and joiners") {
  Check("日本語 テスト", {"日本語", " テスト"});
  Check("日本語123", {"日本語", "1", "2", "3"});
  Check("привет мир", {"привет", " мир"});
  Check("🎉🎉", {"🎉🎉"});
  Check("a 🎉 b", {"a", " 🎉", " b"});
  Check("👩\u200d💻 x", {"👩\u200d💻", " x"});
  Check("e\u0301t", {"e", "\u0301t"});    // a combining mark is no letter
  Check("กำ", {"กำ"});                    // U+0E33 is a letter
  Check("हिन्दी", {"ह", "िन", "्द", "ी"});  // vowel signs are marks
}

TEST("bytes that are no UTF-8 count as other characters") {
  Check("a\xff\xfe b", {"a", "\xff\xfe", " b"});
  Check(
      "\xff"
      "abc",
      {"\xff"
       "abc"});
  Check("a \xe6\x97", {"a", " \xe6\x97"});
  Check("\x80\n", {"\x80\n"});
}

TEST("classes of characters at the borders of what counts") {
  const auto is = [](CharClass kind, std::initializer_list<uint32_t> code_points) {
    for (const uint32_t c : code_points) {
      if (ClassOf(c) != kind) {
        testing::Fail(__FILE__, __LINE__, "the class of code point " + std::to_string(c));
      }
    }
  };
  is(CharClass::kSpace,
     {9, 10, 11, 12, 13, 32, 0x85, 0xa0, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000});
  is(CharClass::kOther,
     {0,     8,      14,     0x1c,    0x1f,   '`',    '$',    0x7f,     0x200b,   0x200d,      0xfeff,
      0x300, 0x0d4d, 0x20ac, 0x1f389, 0xfe0f, 0xe000, 0xfffd, 0x10ffff, 0x110000, kInvalidChar});
  is(CharClass::kPunctuation, {'!', '#', '_', '-', '\\', '}', 0xa1, 0x2014, 0x201c, 0x3001, 0xff01});
  is(CharClass::kNumber, {'0', '9', 0xb2, 0xbd, 0x660, 0x2160, 0x3007, 0x1d7ce});
  is(CharClass::kLetter,
     {'a', 'Z', 0xaa, 0xb5, 0xdf, 0x2b0, 0x3b1, 0x5d0, 0x4e00, 0x9fff, 0xac00, 0xd7a3, 0x1e900, 0x20000});
}

TEST("gpt-2: contractions in lower case, numbers in runs, one space before each kind") {
  Check("it's IT'S we'll", {"it", "'s", " IT", "'", "S", " we", "'ll"}, "gpt-2");
  Check("1234 56x", {"1234", " 56", "x"}, "gpt-2");
  Check("a  b\t\tc", {"a", " ", " b", "\t", "\t", "c"}, "gpt-2");
  Check("};\n\n  x", {"};", "\n\n ", " x"}, "gpt-2");
  Check("\tx \n", {"\t", "x", " \n"}, "gpt-2");
  Check("(hello)", {"(", "hello", ")"}, "gpt-2");
}

TEST("llama-bpe: numbers in groups of three from the left") {
  Check("1234567", {"123", "456", "7"}, "llama-bpe");
  Check(" 12 3", {" ", "12", " ", "3"}, "llama-bpe");
  Check("x½²Ⅷ٣", {"x", "½²Ⅷ", "٣"}, "llama-bpe");
  Check("IT'S};\n\n  x", {"IT", "'S", "};\n\n", " ", " x"}, "llama-bpe");
}

TEST("starcoder: digits apart, and what is before one ends there") {
  Check("a 12", {"a", " ", "1", "2"}, "starcoder");
  Check("a   1", {"a", "   ", "1"}, "starcoder");  // no space is left to the digit
  Check("a   b", {"a", "  ", " b"}, "starcoder");
  Check("x1y = 0.5;", {"x", "1", "y", " =", " ", "0", ".", "5", ";"}, "starcoder");
}

TEST("deepseek-coder: each split cuts what the former made") {
  Check("foo bar\r\n  baz", {"foo", " bar", "\r", "\n", " ", " baz"}, "deepseek-coder");
  Check("a += 12", {"a", " += ", "1", "2"}, "deepseek-coder");  // + and = are symbols, no punctuation
  Check("f(x); // y", {"f", "(", "x", ");", " //", " y"}, "deepseek-coder");
  Check("abc日本 語x", {"abc", "日本", " ", "語", "x"}, "deepseek-coder");
  Check("say “no”", {"say", " ", "“", "no", "”"}, "deepseek-coder");
  Check("。\u3000本", {"。", "\u3000本"}, "deepseek-coder");
  Check("👩\u200d💻", {"👩", "\u200d", "💻"}, "deepseek-coder");
}

TEST("rules are known by their names and aliases, and by no other") {
  const auto same = [](const char* a, const char* b) {
    return FindPreTokenizer(a)->piece_end == FindPreTokenizer(b)->piece_end;
  };
  EXPECT(same("qwen2", "deepseek-r1-qwen") && same("llama-bpe", "llama3") && same("llama-bpe", "llama-v3"));
  EXPECT(same("starcoder", "refact") && !same("starcoder", "gpt-2") && !same("qwen2", "llama-bpe"));
  EXPECT(FindPreTokenizer("llama3")->whole_tokens && !FindPreTokenizer("qwen2")->whole_tokens);
  for (const char* unknown : {"", "default", "QWEN2", "qwen2 ", "bloom", "tekken"}) {
    EXPECT(FindPreTokenizer(unknown) == nullptr);
  }
  EXPECT_EQ(PreTokenizerNames(), std::string("\"qwen2\", \"llama-bpe\", \"gpt-2\", \"starcoder\", \"deepseek-coder\""));
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
