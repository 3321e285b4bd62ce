// Stop strings: the same answer however the text is cut, and nothing held back longer than needed.
#include "engine/stop_text.h"

#include <algorithm>

#include "base/random_testing.h"
#include "base/testing.h"

namespace niwaki {
namespace {

using Strings = std::vector<std::string>;

struct Outcome {
  std::string text;
  bool stopped;
};
Outcome Run(const Strings& stops, const Strings& parts) {
  StopText stop(stops);
  Outcome out{"", false};
  for (const std::string& part : parts) {
    out.text += stop.Push(part);
  }
  out.text += stop.Flush();
  out.stopped = stop.stopped();
  return out;
}

// By the definition: the text before the stop string that is complete first, of several that end there the longest.
Outcome Whole(const Strings& stops, const std::string& text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops) {
      if (stop.size() > longest && stop.size() <= end && text.compare(end - stop.size(), stop.size(), stop) == 0) {
        longest = stop.size();
      }
    }
    if (longest > 0) {
      return {text.substr(0, end - longest), true};
    }
  }
  return {text, false};
}

void Check(const Strings& stops, const Strings& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += part;
  }
  const Outcome got = Run(stops, parts);
  const Outcome want = Whole(stops, text);
  EXPECT_EQ(got.text, want.text);
  EXPECT_EQ(got.stopped, want.stopped);
}

TEST("no stop strings: everything comes through at once") {
  for (const Strings& stops : {Strings{}, Strings{""}, Strings{"", ""}}) {
    StopText stop(stops);
    EXPECT_EQ(stop.Push("hello"), std::string("hello"));
    EXPECT_EQ(stop.Push("\n"), std::string("\n"));
    EXPECT(!stop.stopped());
    EXPECT_EQ(stop.Flush(), std::string());
  }
}

TEST("a stop string in every cut into three parts") {
  const std::string text = "line one\n\nline two\n\n";
  for (const Strings& stops : {Strings{"\n\n"}, Strings{"one\n"}, Strings{"e\n\nl", "two"}, Strings{"absent"},
                               Strings{"\n\n", "ne"}, Strings{"\n\nline three"}, Strings{text}, Strings{"l"}}) {
    for (size_t i = 0; i <= text.size(); ++i) {
      for (size_t j = i; j <= text.size(); ++j) {
        Check(stops, {text.substr(0, i), text.substr(i, j - i), text.substr(j)});
      }
    }
  }
}

TEST("only what may begin a stop string is held back") {
  StopText stop({"</end>", "\n\n"});
  EXPECT_EQ(stop.Push("a<"), std::string("a"));
  EXPECT_EQ(stop.Push("/e"), std::string());
  EXPECT_EQ(stop.Push("x"), std::string("</ex"));
  EXPECT_EQ(stop.Push("y\n"), std::string("y"));
  EXPECT_EQ(stop.Push("z</end"), std::string("\nz"));
  EXPECT_EQ(stop.Flush(), std::string("</end"));
}

TEST("after the stop nothing comes out any more") {
  StopText stop({"END"});
  EXPECT_EQ(stop.Push("abcENDdef"), std::string("abc"));
  EXPECT(stop.stopped());
  EXPECT_EQ(stop.Push("more"), std::string());
  EXPECT_EQ(stop.Flush(), std::string());
}

TEST("stop strings that overlap themselves and each other, in random cuts") {
  testing::Random random(1);
  for (int round = 0; round < 20000; ++round) {
    const auto word = [&](int64_t least, int64_t most) {
      std::string out;
      for (int64_t n = least + random.Below(most - least + 1); n > 0; --n) {
        out += static_cast<char>('a' + random.Below(2));
      }
      return out;
    };
    Strings stops;
    for (int64_t n = random.Below(4); n > 0; --n) {
      stops.push_back(word(0, 6));
    }
    Strings parts;
    for (int64_t n = random.Below(10); n > 0; --n) {
      parts.push_back(word(0, 3));
    }
    Check(stops, parts);
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
