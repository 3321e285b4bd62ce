// Every pre-tokenizer against its regular expression: what a real engine of regular expressions makes of it
// (pretokenizer_cases.txt), and slow matchers that follow it letter by letter, which take damaged UTF-8 too. And what
// re-encoding after edits rests on: rules look only forward, and not far.
#include <fstream>
#include <functional>
#include <sstream>

#include "base/random_testing.h"
#include "base/testing.h"
#include "tokenizer/char_scan.h"
#include "tokenizer/pretokenizer.h"

namespace niwaki {
namespace {

const std::vector<std::string>& Rules() {
  static const std::vector<std::string> rules = {"gpt-2", "qwen2", "llama-bpe", "starcoder", "deepseek-coder"};
  return rules;
}

std::vector<size_t> Lengths(const std::string& rule, std::string_view text) {
  std::vector<std::string_view> pieces;
  SplitPieces(FindPreTokenizer(rule)->piece_end, text, &pieces);
  std::vector<size_t> lengths;
  for (const std::string_view piece : pieces) {
    lengths.push_back(piece.size());
  }
  return lengths;
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    char hex[8];
    std::snprintf(hex, sizeof hex, c > 32 && c < 127 && c != '\\' ? "%c" : "\\%02x", static_cast<uint8_t>(c));
    out += hex;
  }
  return out;
}
std::string Unescaped(const std::string& written) {
  std::string out;
  for (size_t i = 0; i < written.size(); ++i) {
    out += written[i] == '\\' ? static_cast<char>(std::stoi(written.substr(i + 1, 2), nullptr, 16)) : written[i];
    i += written[i] == '\\' ? 2 : 0;
  }
  return out;
}
std::string Joined(const std::vector<size_t>& lengths) {
  std::string out;
  for (const size_t length : lengths) {
    if (!out.empty()) {
      out += ',';
    }
    out += std::to_string(length);
  }
  return out;
}

void Check(const std::string& rule, const std::string& text, const std::string& want) {
  const std::string got = Joined(Lengths(rule, text));
  if (got != want) {
    testing::Fail(__FILE__, __LINE__, rule + " cuts " + Escaped(text) + " into " + got + ", not " + want);
  }
}

TEST("texts are cut as by a regular-expression engine") {
  std::ifstream file(std::string(NIWAKI_SOURCE_DIR) + "/native/src/tokenizer/pretokenizer_cases.txt");
  int texts = 0;
  for (std::string line; std::getline(file, line);) {
    if (line[0] == '#') {
      continue;
    }
    std::istringstream fields(line);
    std::string text;
    fields >> text;
    for (const std::string& rule : Rules()) {
      std::string lengths;
      EXPECT(static_cast<bool>(fields >> lengths));
      Check(rule, Unescaped(text), lengths);
    }
    ++texts;
  }
  EXPECT_EQ(texts, 340);
}

// ------------------------------------------------------------------------------------------------------------------
// The regular expressions, one step an alternative.

using Text = std::vector<Char>;

Text Decoded(std::string_view text) {
  Text out;
  for (size_t at = 0; at < text.size(); at += out.back().length) {
    out.push_back(CharAt(text, at));
  }
  return out;
}
// The length of the run of characters that satisfy `wanted`, at most `most`.
size_t Run(const Text& t, size_t at, const std::function<bool(const Char&)>& wanted, size_t most = ~size_t{0}) {
  size_t n = 0;
  while (n < most && at + n < t.size() && wanted(t[at + n])) {
    ++n;
  }
  return n;
}
bool Letter(const Char& c) { return c.kind == CharClass::kLetter; }
bool Number(const Char& c) { return c.kind == CharClass::kNumber; }
bool Space(const Char& c) { return c.kind == CharClass::kSpace; }
bool Punctuation(const Char& c) { return c.kind == CharClass::kPunctuation; }
bool Other(const Char& c) { return !Letter(c) && !Number(c) && !Space(c); }
bool Newline(const Char& c) { return c.code_point == '\r' || c.code_point == '\n'; }

size_t MatchContraction(const Text& t, size_t at, bool either_case) {
  for (const char* contraction : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    size_t n = 0;
    while (contraction[n] != 0 && at + n < t.size()) {
      const uint32_t lower = static_cast<uint32_t>(contraction[n]);
      const uint32_t c = t[at + n].code_point;
      if (c != lower && !(either_case && n > 0 && c == lower - 32)) {
        break;
      }
      ++n;
    }
    if (contraction[n] == 0) {
      return n;
    }
  }
  return 0;
}

// \s+(?!\S)|\s+, greedy with backtracking; 0 for none.
size_t MatchSpaces(const Text& t, size_t at) {
  const size_t spaces = Run(t, at, Space);
  for (size_t n = spaces; n > 0; --n) {
    if (at + n == t.size() || Space(t[at + n])) {
      return n;
    }
  }
  return spaces;
}

// ` ?X+`
size_t MatchWithSpace(const Text& t, size_t at, const std::function<bool(const Char&)>& wanted) {
  if (t[at].code_point == ' ') {
    if (const size_t n = Run(t, at + 1, wanted); n > 0) {
      return 1 + n;
    }
  }
  return Run(t, at, wanted);
}

size_t MatchGpt2(const Text& t, size_t at) {
  if (const size_t n = MatchContraction(t, at, false); n > 0) {
    return n;
  }
  for (const auto& wanted : {Letter, Number, Other}) {
    if (const size_t n = MatchWithSpace(t, at, wanted); n > 0) {
      return n;
    }
  }
  return MatchSpaces(t, at);
}

size_t MatchLlama3(const Text& t, size_t at, size_t digits) {
  if (const size_t n = MatchContraction(t, at, true); n > 0) {
    return n;
  }
  // [^\r\n\p{L}\p{N}]?\p{L}+
  if (!Newline(t[at]) && !Letter(t[at]) && !Number(t[at])) {
    if (const size_t n = Run(t, at + 1, Letter); n > 0) {
      return 1 + n;
    }
  }
  if (const size_t n = Run(t, at, Letter); n > 0) {
    return n;
  }
  if (const size_t n = Run(t, at, Number, digits); n > 0) {
    return n;
  }
  if (const size_t n = MatchWithSpace(t, at, Other); n > 0) {
    return n + Run(t, at + n, Newline);
  }
  // \s*[\r\n]+, greedy with backtracking
  for (size_t n = Run(t, at, Space); n-- > 0;) {
    if (const size_t breaks = Run(t, at + n, Newline); breaks > 0) {
      return n + breaks;
    }
  }
  return MatchSpaces(t, at);
}

using Matcher = std::function<size_t(const Text&, size_t)>;
Matcher With(const std::function<bool(const Char&)>& wanted, size_t most = ~size_t{0}) {
  return [=](const Text& t, size_t at) { return Run(t, at, wanted, most); };
}
// \s?X+
Matcher WithSpace(const std::function<bool(const Char&)>& wanted) {
  return [=](const Text& t, size_t at) {
    const size_t lead = Space(t[at]) ? 1 : 0;
    const size_t n = Run(t, at + lead, wanted);
    return n > 0 ? lead + n : 0;
  };
}
bool Asian(const Char& c) {
  const auto in = [&](uint32_t low, uint32_t high) { return c.code_point >= low && c.code_point <= high; };
  return in(0x4e00, 0x9fa5) || in(0x800, 0x4e00) || in(0xac00, 0xd7ff);
}

std::vector<Matcher> Splits(const std::string& rule) {
  if (rule == "gpt-2") {
    return {MatchGpt2};
  }
  if (rule == "starcoder") {
    return {With(Number, 1), MatchGpt2};
  }
  if (rule == "deepseek-coder") {
    return {With(Newline, 1), WithSpace(Letter), WithSpace(Punctuation), With(Asian), With(Number, 1)};
  }
  const size_t digits = rule == "qwen2" ? 1 : 3;
  return {[digits](const Text& t, size_t at) { return MatchLlama3(t, at, digits); }};
}

std::string SlowLengths(const std::string& rule, std::string_view text) {
  std::vector<Text> pieces = {Decoded(text)};
  for (const Matcher& match : Splits(rule)) {
    std::vector<Text> cut;
    for (const Text& piece : pieces) {
      size_t rest = 0;  // where what no match has taken begins
      const auto take = [&](size_t begin, size_t end) {
        if (begin < end) {
          cut.emplace_back(piece.begin() + static_cast<int64_t>(begin), piece.begin() + static_cast<int64_t>(end));
        }
      };
      for (size_t at = 0; at < piece.size();) {
        const size_t n = match(piece, at);
        if (n > 0) {
          take(rest, at);
          take(at, at + n);
          rest = at + n;
        }
        at += n > 0 ? n : 1;
      }
      take(rest, piece.size());
    }
    pieces = cut;
  }
  std::vector<size_t> lengths;
  for (const Text& piece : pieces) {
    lengths.push_back(0);
    for (const Char& c : piece) {
      lengths.back() += c.length;
    }
  }
  return text.empty() ? "" : Joined(lengths);
}

std::string RandomText(testing::Random* random, int64_t most) {
  static const std::vector<std::string> atoms = {
      "a",  "Z",   "é",   "日", "1", "½",  " ",  " ",  "\t", "\n",   "\r",     "\r\n",   "\u00a0",   "\u3000",
      "'",  "'s",  "'LL", "r",  "e", "v",  "_",  ".",  "{",  "🎉",   "\u200d", "\u0301", "\xff",     "\xe6\x97",
      "12", "345", "+",   "=",  "“", "〇", "龦", "가", "ไ",  "\x80", "\xc2",   "\u2028", "\xf0\x9f", "\u0085"};
  std::string text;
  for (int64_t n = random->Below(most); n > 0; --n) {
    text += atoms[static_cast<size_t>(random->Below(static_cast<int64_t>(atoms.size())))];
  }
  return text;
}

TEST("random texts, damaged ones too, are cut as the regular expressions say") {
  testing::Random random(1);
  for (int round = 0; round < 20000; ++round) {
    const std::string text = RandomText(&random, 16);
    for (const std::string& rule : Rules()) {
      Check(rule, text, SlowLengths(rule, text));
    }
  }
}

TEST("a text that begins at the end of a piece is cut as the whole text was") {
  testing::Random random(2);
  for (int round = 0; round < 4000; ++round) {
    const std::string text = RandomText(&random, 20);
    for (const std::string& rule : Rules()) {
      const std::vector<size_t> all = Lengths(rule, text);
      size_t at = 0;
      for (size_t i = 0; i < all.size(); at += all[i], ++i) {
        const std::vector<size_t> rest(all.begin() + static_cast<int64_t>(i), all.end());
        EXPECT(Lengths(rule, std::string_view(text).substr(at)) == rest);
      }
    }
  }
}

TEST("pieces that are settled stay, whatever is appended") {
  testing::Random random(3);
  int64_t settled_bytes = 0;
  for (int round = 0; round < 10000; ++round) {
    std::string run;
    const char* const space = random.Below(3) == 0 ? "\u3000" : random.Below(2) == 0 ? " " : "\n";
    for (int64_t n = random.Below(2) * random.Below(20); n > 0; --n) {
      run += space;
    }
    const std::string text = RandomText(&random, 20) + run + RandomText(&random, 3);
    const size_t settled = SettledBytes(text);
    settled_bytes += static_cast<int64_t>(settled);
    EXPECT(settled <= text.size());
    const std::string longer = text + RandomText(&random, 6);
    for (const std::string& rule : Rules()) {
      const auto ends = [&](const std::string& of) {
        std::vector<size_t> out;
        size_t at = 0;
        for (const size_t length : Lengths(rule, of)) {
          at += length;
          if (at <= settled) {
            out.push_back(at);
          }
        }
        return out;
      };
      EXPECT(ends(text) == ends(longer));
    }
  }
  EXPECT(settled_bytes > 10000 * 3);  // the promise is not empty
  EXPECT_EQ(SettledBytes("abc"), size_t{0});
  EXPECT_EQ(SettledBytes("x" + std::string(100, ' ')), size_t{0});
  EXPECT_EQ(SettledBytes(std::string(100, 'x')), size_t{92});
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
