// The embedded model against vectors from an independent implementation; test/golden/README.md says where they come
// from.
#include <algorithm>
#include <chrono>
#include <map>

#include "engine/engine_testing.h"

namespace niwaki {
namespace {

using testing::Copy;
using testing::GoldenPrompt;
using testing::GoldenPrompts;
using testing::LoadNano;
using testing::SameBits;

constexpr double kOracleTolerance = 0.01;
constexpr double kMostRms = 0.03;        // measured: 0.019 for 8-bit activations
constexpr double kMostAmbiguous = 0.25;  // a margin above this must be decided rightly whatever the error is

// Error of the logits at the golden top-20 ids, over all prompts.
struct Errors {
  double squares = 0;
  double worst = 0;
  int count = 0;
  double rms() const { return std::sqrt(squares / count); }
};

// Evaluates every prompt and returns the logits by prompt's name.
std::map<std::string, std::vector<float>> PromptLogits(Engine& engine, const std::vector<GoldenPrompt>& prompts,
                                                       Errors* errors) {
  std::map<std::string, std::vector<float>> all;
  for (const GoldenPrompt& prompt : prompts) {
    Result<std::unique_ptr<Session>> session = engine.NewSession(0);
    if (!session.ok() || !session.value()->Sync(prompt.ids, nullptr, nullptr).ok()) {
      testing::Fail(__FILE__, __LINE__, "no logits for " + prompt.name);
      continue;
    }
    const std::vector<float> logits = Copy(session.value()->logits());
    for (size_t i = 0; i < prompt.top_ids.size(); ++i) {
      const double error = logits[static_cast<size_t>(prompt.top_ids[i])] - prompt.top_logits[i];
      errors->squares += error * error;
      errors->worst = std::max(errors->worst, std::fabs(error));
      errors->count += 1;
    }
    all[prompt.name] = logits;
  }
  return all;
}

struct Measured {
  double rms = 0;
  std::map<std::string, std::vector<float>> logits;
};
std::map<std::string, Measured>& MeasuredTables() {
  static std::map<std::string, Measured> tables;
  return tables;
}

TEST("the golden file has six complete prompts") {
  const std::vector<GoldenPrompt> prompts = GoldenPrompts();
  EXPECT_EQ(prompts.size(), size_t{6});
  for (const GoldenPrompt& prompt : prompts) {
    EXPECT(!prompt.text.empty() && !prompt.ids.empty());
    EXPECT_EQ(prompt.top_ids.size(), size_t{20});
    EXPECT_EQ(prompt.top_logits.size(), size_t{20});
    EXPECT_EQ(prompt.greedy_ids.size(), size_t{64});
    EXPECT_EQ(prompt.greedy_margins.size(), size_t{64});
  }
}

TEST("token ids of the golden prompts are exact, and decode to the same text") {
  const std::unique_ptr<Engine> engine = LoadNano();
  if (engine == nullptr) {
    return;
  }
  const Tokenizer& tokenizer = engine->tokenizer();
  for (const GoldenPrompt& prompt : GoldenPrompts()) {
    EXPECT(tokenizer.Encode(prompt.text, SpecialTokens::kParse) == prompt.ids);
    EXPECT_EQ(tokenizer.Decode(prompt.ids), prompt.text);
    EXPECT_EQ(tokenizer.Decode(prompt.greedy_ids), prompt.greedy_text);
  }
}

TEST("the oracle's logits are the golden ones") {
  const std::unique_ptr<Engine> engine = LoadNano("oracle");
  if (engine == nullptr) {
    return;
  }
  Errors errors;
  PromptLogits(*engine, GoldenPrompts(), &errors);
  std::printf("    oracle: RMS error of the top-20 logits %.6f, largest %.6f\n", errors.rms(), errors.worst);
  EXPECT_EQ(errors.count, 120);
  EXPECT(errors.worst <= kOracleTolerance);
}

TEST("every table's logits are near the golden ones") {
  for (const std::string& table : testing::FastTables()) {
    const std::unique_ptr<Engine> engine = LoadNano(table);
    if (engine == nullptr) {
      continue;
    }
    Errors errors;
    Measured& measured = MeasuredTables()[table];
    measured.logits = PromptLogits(*engine, GoldenPrompts(), &errors);
    measured.rms = errors.rms();
    std::printf("    %s: RMS error of the top-20 logits %.6f, largest %.6f\n", table.c_str(), errors.rms(),
                errors.worst);
    EXPECT_EQ(errors.count, 120);
    EXPECT(errors.rms() <= kMostRms);
    EXPECT(errors.worst <= 6 * kMostRms);
  }
}

TEST("generic and avx2 agree bit for bit on the whole model") {
  const auto& tables = MeasuredTables();
  const auto generic = tables.find("generic");
  const auto avx2 = tables.find("avx2");
  if (generic == tables.end() || avx2 == tables.end()) {
    std::printf("    skipped: this machine has no AVX2, or the tables were not measured\n");
    return;
  }
  EXPECT_EQ(generic->second.logits.size(), avx2->second.logits.size());
  for (const auto& [name, logits] : generic->second.logits) {
    EXPECT(SameBits(logits, avx2->second.logits.at(name)));
  }
}

// Steps until the first golden margin that an error of this size may turn round.
size_t DecidedSteps(const GoldenPrompt& prompt, double rms) {
  const double bound = std::min(4 * rms, kMostAmbiguous);
  size_t steps = 0;
  while (steps < prompt.greedy_margins.size() && prompt.greedy_margins[steps] >= bound) {
    ++steps;
  }
  return steps;
}

TEST("greedy continuations are the golden ones while the margins decide") {
  for (const std::string& table : testing::FastTables()) {
    const std::unique_ptr<Engine> engine = LoadNano(table);
    if (engine == nullptr) {
      continue;
    }
    const double rms = MeasuredTables().count(table) != 0 ? MeasuredTables()[table].rms : kMostRms;
    size_t decided = 0;
    size_t equal = 0;
    for (const GoldenPrompt& prompt : GoldenPrompts()) {
      const size_t steps = DecidedSteps(prompt, rms);
      const Result<std::unique_ptr<Session>> session = engine->NewSession(0);
      ASSERT_OK(session);
      ASSERT_OK(session.value()->Sync(prompt.ids, nullptr, nullptr));
      // The slow table walks only the steps that are compared; the fast one always writes 64 tokens, for the figure.
      DecodeOptions options;
      options.max_tokens = table == "generic" ? static_cast<int>(steps) : 64;
      const Result<DecodeResult> result = session.value()->Decode(options, nullptr, nullptr);
      ASSERT_OK(result);
      const std::vector<TokenId>& got = result.value().tokens;
      const size_t same = static_cast<size_t>(
          std::mismatch(got.begin(), got.end(), prompt.greedy_ids.begin(), prompt.greedy_ids.end()).first -
          got.begin());
      EXPECT(same >= steps);
      decided += steps;
      equal += same;
    }
    std::printf("    %s: %zu of 384 greedy tokens are decided by the margins, %zu equal to the reference\n",
                table.c_str(), decided, equal);
    EXPECT(decided >= 40);  // or the comparison would say little
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
