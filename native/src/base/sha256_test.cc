#include "base/sha256.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/testing.h"

namespace niwaki {
namespace {

std::string Hex(const Sha256::Digest& digest) {
  std::string out;
  for (const uint8_t byte : digest) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

// In steps of `step` bytes.
std::string Of(const std::string& text, size_t step) {
  Sha256 hash;
  for (size_t at = 0; at < text.size(); at += step) {
    hash.Add(text.data() + at, std::min(step, text.size() - at));
  }
  return Hex(hash.Finish());
}

TEST("the standard's own examples, in steps of any size") {
  const struct {
    std::string text;
    const char* digest;
  } cases[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& one : cases) {
    for (const size_t step : {size_t{1}, size_t{7}, size_t{63}, size_t{64}, size_t{65}, size_t{4096}}) {
      EXPECT_EQ(Of(one.text, step), one.digest);
    }
  }
}

TEST("texts and numbers do not run into each other") {
  const auto digest = [](const std::vector<std::string_view>& texts) {
    Sha256 hash;
    for (const std::string_view text : texts) {
      hash.Add(text);
    }
    return Hex(hash.Finish());
  };
  EXPECT(digest({"ab", "c"}) != digest({"a", "bc"}));
  EXPECT(digest({"abc"}) != digest({"abc", ""}));
  Sha256 number;
  number.Add(int64_t{-2});
  Sha256 raw;
  raw.Add("\xfe\xff\xff\xff\xff\xff\xff\xff", 8);
  EXPECT_EQ(Hex(number.Finish()), Hex(raw.Finish()));
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
