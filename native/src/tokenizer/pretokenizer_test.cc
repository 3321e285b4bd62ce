// The qwen2 pattern: splits worked out by hand, and a slow matcher that follows the regular expression letter by
// letter.
#include "tokenizer/pretokenizer.h"

#include "base/random_testing.h"
#include "base/testing.h"
#include "base/utf8.h"
#include "tokenizer/unicode_table.h"

namespace niwaki {
namespace {

using Pieces = std::vector<std::string>;

Pieces Split(const std::string& text) {
  std::vector<std::string_view> views;
  SplitQwen2(text, &views);
  return {views.begin(), views.end()};
}

void Check(const std::string& text, const Pieces& want) {
  const Pieces got = Split(text);
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
     {0,     8,      14,     0x1c,    0x1f,   '_',    '$',    0x7f,     0x200b,   0x200d,      0xfeff,
      0x300, 0x0d4d, 0x20ac, 0x1f389, 0xfe0f, 0xe000, 0xfffd, 0x10ffff, 0x110000, kInvalidChar});
  is(CharClass::kNumber, {'0', '9', 0xb2, 0xbd, 0x660, 0x2160, 0x3007, 0x1d7ce});
  is(CharClass::kLetter,
     {'a', 'Z', 0xaa, 0xb5, 0xdf, 0x2b0, 0x3b1, 0x5d0, 0x4e00, 0x9fff, 0xac00, 0xd7a3, 0x1e900, 0x20000});
}

// ------------------------------------------------------------------------------------------------------------------
// The regular expression, one function an alternative; each returns the length of its match, 0 for none.

struct Char {
  uint32_t c;
  CharClass kind;
};
using Text = std::vector<Char>;

bool Is(const Text& t, size_t at, CharClass kind) { return at < t.size() && t[at].kind == kind; }
bool Newline(const Text& t, size_t at) { return at < t.size() && (t[at].c == '\r' || t[at].c == '\n'); }
size_t Run(const Text& t, size_t at, CharClass kind) {
  size_t n = 0;
  while (Is(t, at + n, kind)) {
    ++n;
  }
  return n;
}

size_t MatchAt(const Text& t, size_t at) {
  for (const char* contraction : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    size_t n = 0;
    while (contraction[n] != 0 && at + n < t.size() &&
           (t[at + n].c == static_cast<uint32_t>(contraction[n]) ||
            (contraction[n] != '\'' && t[at + n].c == static_cast<uint32_t>(contraction[n] - 32)))) {
      ++n;
    }
    if (contraction[n] == 0) {
      return n;
    }
  }
  // [^\r\n\p{L}\p{N}]?\p{L}+
  if (!Newline(t, at) && !Is(t, at, CharClass::kLetter) && !Is(t, at, CharClass::kNumber)) {
    if (const size_t letters = Run(t, at + 1, CharClass::kLetter); letters > 0) {
      return 1 + letters;
    }
  }
  if (const size_t letters = Run(t, at, CharClass::kLetter); letters > 0) {
    return letters;
  }
  if (Is(t, at, CharClass::kNumber)) {
    return 1;
  }
  // ` ?[^\s\p{L}\p{N}]+[\r\n]*`
  for (const size_t lead : {size_t{1}, size_t{0}}) {
    if (lead == 1 && t[at].c != ' ') {
      continue;
    }
    if (const size_t others = Run(t, at + lead, CharClass::kOther); others > 0) {
      size_t n = lead + others;
      while (Newline(t, at + n)) {
        ++n;
      }
      return n;
    }
  }
  // \s*[\r\n]+, greedy with backtracking
  const size_t spaces = Run(t, at, CharClass::kSpace);
  for (size_t n = spaces; n-- > 0;) {
    size_t breaks = 0;
    while (Newline(t, at + n + breaks)) {
      ++breaks;
    }
    if (breaks > 0) {
      return n + breaks;
    }
  }
  // \s+(?!\S), greedy with backtracking
  for (size_t n = spaces; n > 0; --n) {
    if (at + n == t.size() || Is(t, at + n, CharClass::kSpace)) {
      return n;
    }
  }
  return spaces;  // \s+
}

TEST("random texts split as the regular expression does") {
  const std::vector<std::string> atoms = {
      "a",  "Z",   "é", "日", "1", "½", " ", " ", "\t", "\n",     "\r",     "\u00a0", "\u3000",   "'",
      "'s", "'LL", "r", "e",  "v", "_", ".", "{", "🎉", "\u200d", "\u0301", "\xff",   "\xe6\x97", "\u2028"};
  testing::Random random(1);
  for (int round = 0; round < 60000; ++round) {
    std::string text;
    const int64_t length = random.Below(12);
    for (int64_t i = 0; i < length; ++i) {
      text += atoms[static_cast<size_t>(random.Below(static_cast<int64_t>(atoms.size())))];
    }
    Text chars;
    Pieces bytes;  // of each character
    for (size_t at = 0; at < text.size();) {
      const Utf8Char c = FirstChar(std::string_view(text).substr(at));
      const bool sound = c.code_point != kInvalidChar;
      chars.push_back({c.code_point, sound ? ClassOf(c.code_point) : CharClass::kOther});
      bytes.push_back(text.substr(at, sound ? c.length : 1));
      at += bytes.back().size();
    }
    Pieces want;
    for (size_t at = 0; at < chars.size();) {
      const size_t n = MatchAt(chars, at);
      want.emplace_back();
      for (size_t i = 0; i < n; ++i) {
        want.back() += bytes[at + i];
      }
      at += n;
    }
    Check(text, want);
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
