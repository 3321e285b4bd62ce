// How fast texts are encoded with the embedded vocabulary: the figures, and bounds that only a change of the order of
// growth would break.
#include <algorithm>
#include <chrono>

#include "base/random_testing.h"
#include "base/testing.h"
#include "tokenizer/tokenizer_testing.h"

namespace niwaki {
namespace {

#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr double kSlowest = 1;  // MB/s
#else
constexpr double kSlowest = 0.01;
#endif

const Tokenizer& Nano() {
  static const Tokenizer& tokenizer = *[] {
    testing::TokenizerFile file = testing::NanoTokens();
    for (int i = 0; i < 2000; ++i) {  // as many as the largest vocabularies have
      file.Add("<|reserved_special_token_" + std::to_string(i) + "|>", 3);
    }
    return file.Make().value().release();
  }();
  return tokenizer;
}

void Measure(const char* what, const std::string& text, SpecialTokens special = SpecialTokens::kAsText) {
  double best = 0;
  std::vector<TokenId> ids;
  for (int round = 0; round < 3; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    ids = Nano().Encode(text, special);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    best = std::max(best, static_cast<double>(text.size()) / 1e6 / seconds);
  }
  std::printf("    %.1f MB/s: %s\n", best, what);
  EXPECT(best > kSlowest);
  EXPECT_EQ(Nano().Decode(ids), text);
}

std::string Repeated(const std::string& part, size_t size) {
  std::string out;
  while (out.size() < size) {
    out += part;
  }
  return out;
}

TEST("speed") {
  testing::Random random(1);
  std::string code;
  while (code.size() < 1000000) {
    const std::string n = std::to_string(random.Below(1000));
    code += "  if (value" + n + " >= " + n + ") {\n    results.push(compute(items[i], 'name" + n +
            "'));  // until the end\n  }\n";
  }
  Measure("code", code);
  Measure("code, control tokens parsed", code, SpecialTokens::kParse);
  Measure("text full of almost control tokens", Repeated("<|reserved_special_token_19|<|fim_", 1000000),
          SpecialTokens::kParse);
  Measure("one letter", std::string(1000000, 'a'));
  std::string base64;
  while (base64.size() < 1000000) {
    base64 += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[random.Below(52)];
  }
  Measure("random letters without a break", base64);
  Measure("spaces", std::string(1000000, ' '));
  Measure("line breaks and spaces", Repeated("\n   ", 1000000));
  Measure("apostrophes", std::string(1000000, '\''));
  Measure("Japanese", Repeated("日本語のテスト、中文测试。", 1000000));
  Measure("bytes that are no UTF-8", std::string(1000000, '\x80'));
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
