// UTF-8 that may be damaged: Unicode's table 3-7, and maximal parts as WHATWG's decoder takes them.
#include "base/utf8.h"

#include "base/testing.h"

namespace niwaki {
namespace {

std::string Encode(uint32_t c) {
  const auto byte = [](uint32_t b) { return static_cast<char>(b); };
  if (c < 0x80) {
    return {byte(c)};
  }
  if (c < 0x800) {
    return {byte(0xc0 | (c >> 6)), byte(0x80 | (c & 63))};
  }
  if (c < 0x10000) {
    return {byte(0xe0 | (c >> 12)), byte(0x80 | ((c >> 6) & 63)), byte(0x80 | (c & 63))};
  }
  return {byte(0xf0 | (c >> 18)), byte(0x80 | ((c >> 12) & 63)), byte(0x80 | ((c >> 6) & 63)), byte(0x80 | (c & 63))};
}

TEST("every code point is read, surrogates are damaged") {
  size_t wrong = 0;
  for (uint32_t c = 0; c < 0x110000; ++c) {
    const std::string text = Encode(c) + "x";
    const Utf8Char got = FirstChar(text);
    const bool surrogate = c >= 0xd800 && c < 0xe000;
    const bool right = surrogate ? got.code_point == kInvalidChar && got.length == 1
                                 : got.code_point == c && got.length == text.size() - 1;
    wrong += right && !got.incomplete ? 0 : 1;
  }
  EXPECT_EQ(wrong, size_t{0});
}

TEST("every cut of every kind of character is unfinished, not damaged") {
  for (const uint32_t c : {0xe9u, 0x7ffu, 0x800u, 0xd7ffu, 0xe000u, 0xffffu, 0x10000u, 0x1f389u, 0x10ffffu}) {
    const std::string whole = Encode(c);
    for (size_t n = 1; n < whole.size(); ++n) {
      const Utf8Char got = FirstChar(whole.substr(0, n));
      EXPECT(got.incomplete && got.code_point == kInvalidChar && got.length == n);
      const Utf8Char broken = FirstChar(whole.substr(0, n) + "a");
      EXPECT(!broken.incomplete && broken.code_point == kInvalidChar && broken.length == n);
    }
  }
}

TEST("a second byte outside its range damages the first alone") {
  for (const char* text : {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\x80", "\xbf\x80", "\xfe", "\xff\xff"}) {
    const Utf8Char got = FirstChar(text);
    EXPECT(got.code_point == kInvalidChar && got.length == 1 && !got.incomplete);
  }
}

std::string Clean(std::string text) { return TakeValidUtf8(&text, true); }

TEST("damaged parts become one replacement character each") {
  const std::string r(kReplacementChar);
  EXPECT_EQ(Clean("plain"), std::string("plain"));
  EXPECT_EQ(Clean("a\xff z"), "a" + r + " z");
  EXPECT_EQ(Clean("\xe6\x97z"), r + "z");                                   // one maximal part of two bytes
  EXPECT_EQ(Clean("\xf0\x9f\x8e"), r);                                      // cut at the end
  EXPECT_EQ(Clean("\xed\xa0\x80"), r + r + r);                              // a surrogate
  EXPECT_EQ(Clean("\xe6\xe6\x97\xa5"), r + "\xe6\x97\xa5");                 // the second one is whole
  EXPECT_EQ(Clean("\xf0\x80\x80\x41"), r + r + r + "A");                    // overlong
  EXPECT_EQ(Clean("\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64"),  // the standard's own example
            "a" + r + r + r + "b" + r + "c" + r + r + "d");
}

TEST("unfinished characters stay, wherever the text is cut") {
  const std::string text = "a\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x8e\x89\xff\xf0\x9f!";
  const std::string want = Clean(text);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    std::string pending = text.substr(0, cut);
    std::string out = TakeValidUtf8(&pending, false);
    EXPECT(pending.size() <= 3);
    pending += text.substr(cut);
    out += TakeValidUtf8(&pending, false);
    EXPECT(pending.empty());
    EXPECT_EQ(out, want);
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
