// Sampling: which candidates are left, how often each is drawn, and that a seed decides everything.
#include "sample/sampler.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "base/random_testing.h"
#include "base/testing.h"
#include "sample/logprobs.h"

namespace niwaki {
namespace {

using Logits = std::vector<float>;
using Ids = std::vector<TokenId>;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TokenId Greedy(const Logits& logits, const Ids& allowed = {}, const Ids& banned = {}) {
  SamplingOptions options;
  options.banned = banned;
  return Sampler(options, std::vector<uint8_t>(logits.size(), 0)).Sample(logits, allowed);
}

// How often each id was drawn in `draws` draws of one sampler.
std::map<TokenId, int> Count(const SamplingOptions& options, const Logits& logits, int draws, const Ids& allowed = {}) {
  Sampler sampler(options, std::vector<uint8_t>(logits.size(), 0));
  std::map<TokenId, int> counts;
  for (int i = 0; i < draws; ++i) {
    counts[sampler.Sample(logits, allowed)] += 1;
  }
  return counts;
}
std::set<TokenId> Seen(const SamplingOptions& options, const Logits& logits) {
  std::set<TokenId> seen;
  for (const auto& [id, count] : Count(options, logits, 4000)) {
    seen.insert(id);
  }
  return seen;
}
SamplingOptions Warm(float temperature = 1, uint64_t seed = 7) {
  SamplingOptions options;
  options.temperature = temperature;
  options.seed = seed;
  return options;
}
// Logits whose softmax is these probabilities.
Logits LogOf(const std::vector<double>& probabilities) {
  Logits out;
  for (const double p : probabilities) {
    out.push_back(static_cast<float>(std::log(p)));
  }
  return out;
}

TEST("greedy takes the largest logit, the lowest id among equals") {
  EXPECT_EQ(Greedy({1, 3, 2}), 1);
  EXPECT_EQ(Greedy({1, 3, 3, 3}), 1);
  EXPECT_EQ(Greedy({-5, -kInfinity, -4}), 2);
  EXPECT_EQ(Greedy({0, 0, 0}), 0);
  EXPECT_EQ(Greedy({1, 3, 3, 2}, {0, 2, 3}), 2);
  EXPECT_EQ(Greedy({1, 3, 3, 2}, {3, 2, 1}), 1);
}

TEST("logits that are no numbers are never chosen") {
  EXPECT_EQ(Greedy({kNan, 1, kNan, 2}), 3);
  EXPECT_EQ(Greedy({kNan, 1, 2}, {0, 1}), 1);
  EXPECT_EQ(Greedy({kNan, kNan}), -1);
  for (const auto& [id, count] : Count(Warm(), {kNan, 1, kNan, 2}, 200)) {
    EXPECT(id == 1 || id == 3);
  }
}

TEST("bans and never-lists hold; when nothing is left the answer is -1") {
  EXPECT_EQ(Greedy({1, 3, 2}, {}, {1}), 2);
  EXPECT_EQ(Greedy({1, 3, 2}, {1, 2}, {1, -4, 99}), 2);
  EXPECT_EQ(Greedy({1, 3, 2}, {1}, {1}), -1);
  EXPECT_EQ(Greedy({1, 3, 2}, {}, {0, 1, 2}), -1);
  EXPECT_EQ(Greedy({1, 3, 2}, {-1, 3, 1 << 30}), -1);  // ids that do not exist
  SamplingOptions options = Warm();
  options.banned = {2};
  Sampler sampler(options, std::vector<uint8_t>{0, 1, 0, 0});
  for (int i = 0; i < 200; ++i) {
    const TokenId id = sampler.Sample(Logits{1, 9, 9, 1}, {});
    EXPECT(id == 0 || id == 3);
  }
}

TEST("draws follow the softmax at the given temperature") {
  const std::vector<double> p = {0.5, 0.25, 0.15, 0.07, 0.03};
  const int draws = 40000;
  for (const double temperature : {0.5, 1.0, 2.0}) {
    std::vector<double> want;
    double total = 0;
    for (const double x : p) {
      want.push_back(std::pow(x, 1 / temperature));
      total += want.back();
    }
    const auto counts = Count(Warm(static_cast<float>(temperature)), LogOf(p), draws);
    for (size_t i = 0; i < p.size(); ++i) {
      const double expected = want[i] / total;
      const auto found = counts.find(static_cast<TokenId>(i));
      const double got = found == counts.end() ? 0 : static_cast<double>(found->second) / draws;
      EXPECT_NEAR(got, expected, 4 * std::sqrt(expected * (1 - expected) / draws));
    }
  }
}

TEST("an allowed list renormalises what is left") {
  const auto counts = Count(Warm(), LogOf({0.6, 0.2, 0.1, 0.1}), 20000, {1, 2});
  EXPECT_EQ(counts.size(), size_t{2});
  EXPECT_NEAR(counts.at(1) / 20000.0, 2.0 / 3, 0.015);
}

TEST("top-k keeps the k best, the lower ids among equals") {
  const Logits logits = {1, 2, 2, 2, 0};
  SamplingOptions options = Warm(10);
  options.top_k = 2;
  EXPECT(Seen(options, logits) == (std::set<TokenId>{1, 2}));
  options.top_k = 1;
  EXPECT(Seen(options, logits) == (std::set<TokenId>{1}));
  for (const int off : {0, 5, 100, -3}) {
    options.top_k = off;
    EXPECT_EQ(Seen(options, logits).size(), size_t{5});
  }
}

TEST("top-p keeps the smallest set that reaches p, the last one included") {
  const Logits logits = LogOf({0.05, 0.4, 0.3, 0.15, 0.1});
  const auto kept = [&](float p) {
    SamplingOptions options = Warm(10);  // the truncation looks at probabilities at temperature 1
    options.top_p = p;
    return Seen(options, logits);
  };
  EXPECT(kept(0.1f) == (std::set<TokenId>{1}));
  EXPECT(kept(0.39f) == (std::set<TokenId>{1}));
  EXPECT(kept(0.41f) == (std::set<TokenId>{1, 2}));
  EXPECT(kept(0.8f) == (std::set<TokenId>{1, 2, 3}));
  EXPECT(kept(0.93f) == (std::set<TokenId>{1, 2, 3, 4}));
  EXPECT_EQ(kept(1.0f).size(), size_t{5});
  EXPECT(kept(0.0f) == (std::set<TokenId>{1}));
}

TEST("top-p over many candidates, more than are sorted at first") {
  std::vector<double> p;
  for (int i = 0; i < 1000; ++i) {
    p.push_back(0.001);
  }
  SamplingOptions options = Warm(1);
  options.top_p = 0.3f;
  TokenId largest = 0;
  for (const auto& [id, count] : Count(options, LogOf(p), 30000)) {
    largest = std::max(largest, id);
  }
  EXPECT(largest >= 295 && largest <= 301);  // equal logits: the lower ids
}

TEST("min-p keeps what is at least that share of the best") {
  const Logits logits = LogOf({0.5, 0.26, 0.24, 0.04});
  const auto kept = [&](float p) {
    SamplingOptions options = Warm(10);
    options.min_p = p;
    return Seen(options, logits);
  };
  EXPECT(kept(0.5f) == (std::set<TokenId>{0, 1}));
  EXPECT(kept(0.1f) == (std::set<TokenId>{0, 1, 2}));
  EXPECT_EQ(kept(0.01f).size(), size_t{4});
  EXPECT(kept(1.0f) == (std::set<TokenId>{0}));
  EXPECT(kept(2.0f) == (std::set<TokenId>{0}));  // never nothing
}

TEST("a seed decides everything; other seeds differ") {
  testing::Random random(3);
  const Logits logits = testing::Floats(500, [&] { return random.Gauss(); });
  const auto draw = [&](uint64_t seed) {
    SamplingOptions options = Warm(1, seed);
    options.top_k = 100;
    options.top_p = 0.95f;
    options.min_p = 0.01f;
    Sampler sampler(options, std::vector<uint8_t>(500, 0));
    Ids ids;
    for (int i = 0; i < 50; ++i) {
      ids.push_back(sampler.Sample(logits, {}));
    }
    return ids;
  };
  std::set<Ids> different;
  for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{1} << 63, ~uint64_t{0}}) {
    EXPECT(draw(seed) == draw(seed));
    different.insert(draw(seed));
  }
  EXPECT_EQ(different.size(), size_t{5});
}

TEST("extreme logits and temperatures") {
  for (const float temperature : {1e-30f, 1e-3f, 1.0f, 1e30f}) {
    for (const auto& [id, count] : Count(Warm(temperature), {1e30f, -1e30f, 0, -kInfinity}, 100)) {
      EXPECT(id >= 0 && id < 4);
      EXPECT(temperature > 1 || id == 0);
    }
  }
  EXPECT_EQ(Count(Warm(1), {-kInfinity, 5, -kInfinity}, 50).size(), size_t{1});
}

TEST("biases beyond what a float holds still choose their token") {
  SamplingOptions options;
  options.logit_bias = {{1, 3.4e38f}, {1, 3.4e38f}};
  for (const float temperature : {0.0f, 1.0f}) {
    options.temperature = temperature;
    Sampler sampler(options, std::vector<uint8_t>(4, 0));
    const std::vector<float> logits = {3, 1, 2, 5};
    EXPECT_EQ(sampler.Sample(logits, {}), 1);
  }
}

TEST("a bias is added to a token's logit, before the choice and before the penalties") {
  SamplingOptions options;
  options.logit_bias = {{2, 5.0f}, {0, -1.0f}, {-4, 9.0f}, {99, 9.0f}};
  EXPECT_EQ(Sampler(options, std::vector<uint8_t>(4, 0)).Sample(Logits{3, 2, -1, 0}, {}), 2);
  options.logit_bias = {{1, std::log(3.0f)}};
  options.temperature = 1;
  const std::map<TokenId, int> counts = Count(options, LogOf({0.5, 0.5}), 20000);
  EXPECT_NEAR(counts.at(1) / 20000.0, 0.75, 0.015);
}

TEST("repetition divides positive logits and multiplies negative ones, whatever the count") {
  SamplingOptions options;
  options.repetition_penalty = 2;
  const std::vector<uint8_t> never(4, 0);
  const Ids history = {0, 0, 0, 3};
  EXPECT_EQ(Sampler(options, never).Sample(Logits{4.0f, 2.1f, 0, -1}, {}, history), 1);  // 4 / 2 < 2.1
  EXPECT_EQ(Sampler(options, never).Sample(Logits{4.0f, 1.9f, 0, -1}, {}, history), 0);  // 4 / 2 > 1.9
  EXPECT_EQ(Sampler(options, never).Sample(Logits{-9, -1.9f, -9, -1}, {}, history), 1);  // -1 * 2 < -1.9
}

TEST("frequency counts, presence does not, and both end at the window") {
  SamplingOptions options;
  options.temperature = 1;
  options.seed = 3;
  options.frequency_penalty = 0.5f;
  options.presence_penalty = 0.25f;
  options.penalty_window = 4;
  Ids history(100, 2);  // long ago: out of the window
  history.insert(history.end(), {0, 1, 0, 0});
  const Logits logits = {0, 0, 0};
  Sampler sampler(options, std::vector<uint8_t>(3, 0));
  std::vector<int> counts(3, 0);
  const int draws = 60000;
  for (int i = 0; i < draws; ++i) {
    counts[static_cast<size_t>(sampler.Sample(logits, {}, history))] += 1;
  }
  const double weights[3] = {std::exp(-1.75), std::exp(-0.75), 1};
  const double total = weights[0] + weights[1] + weights[2];
  double chi = 0;
  for (int i = 0; i < 3; ++i) {
    const double expected = draws * weights[i] / total;
    chi += (counts[static_cast<size_t>(i)] - expected) * (counts[static_cast<size_t>(i)] - expected) / expected;
  }
  EXPECT(chi < 13.8);          // two degrees of freedom, one in a thousand
  options.penalty_window = 0;  // all of it
  options.temperature = 0;
  EXPECT_EQ(Sampler(options, std::vector<uint8_t>(3, 0)).Sample(Logits{0, 0, 40}, {}, history), 1);
}

TEST("an allowed bitset holds for greedy and for draws, and has no ids past its end") {
  SamplingOptions options;
  options.allowed = {0b1010};  // ids 1 and 3
  const Logits logits(40, 1.0f);
  EXPECT_EQ(Sampler(options, std::vector<uint8_t>(40, 0)).Sample(logits, {}), 1);
  options.temperature = 1;
  std::set<TokenId> seen;
  Sampler sampler(options, std::vector<uint8_t>(40, 0));
  for (int i = 0; i < 500; ++i) {
    seen.insert(sampler.Sample(logits, {}));
  }
  EXPECT((seen == std::set<TokenId>{1, 3}));
  options.allowed = {0};
  EXPECT_EQ(Sampler(options, std::vector<uint8_t>(40, 0)).Sample(logits, {}), -1);
}

TEST("a mask of one step does what the same bitset does for all steps") {
  constexpr size_t kIds = 1500;  // not a whole number of blocks, nor of words
  uint64_t state = 1;
  const auto next = [&] { return state = state * 6364136223846793005ull + 1442695040888963407ull; };
  for (int round = 0; round < 40; ++round) {
    Logits logits(kIds);
    for (float& logit : logits) {
      logit = static_cast<float>(next() >> 40) / 4e6f;
    }
    std::vector<uint32_t> mask(round % 5 == 0 ? 20 : (kIds + 31) / 32);  // at times it ends early
    for (uint32_t& word : mask) {
      const auto bits = static_cast<uint32_t>(next() >> 32);
      word = round % 2 == 0 ? bits | static_cast<uint32_t>(next() >> 32) : (bits % 40 == 0 ? 1u << (bits % 32) : 0u);
    }
    mask[3] |= 2;
    SamplingOptions options = Warm(0.7f * static_cast<float>(round % 4), static_cast<uint64_t>(round));
    options.top_k = round % 3 == 0 ? 20 : 0;
    options.top_p = round % 4 == 1 ? 0.8f : 1;
    options.min_p = round % 7 == 1 ? 0.05f : 0;
    options.repetition_penalty = 1.2f;
    options.logit_bias = {{98, 3.0f}, {97, 3.0f}};
    Sampler stepwise(options, std::vector<uint8_t>(kIds, 0));
    options.allowed = mask;
    Sampler always(options, std::vector<uint8_t>(kIds, 0));
    const Ids history = {97, 5, 600, 1499};
    for (int draw = 0; draw < 20; ++draw) {
      const TokenId id = stepwise.Sample(logits, {}, history, mask);
      EXPECT_EQ(id, always.Sample(logits, {}, history));
      EXPECT(id >= 0 && ((mask[static_cast<size_t>(id) / 32] >> (id % 32)) & 1u) != 0);
    }
    EXPECT_EQ(stepwise.Sample(logits, {}, history, std::vector<uint32_t>(1)), -1);
  }
}

TEST("skipping draws as often as a choice of one would") {
  const Logits logits = LogOf({0.2, 0.3, 0.5});
  Sampler skipping(Warm(), std::vector<uint8_t>(3, 0));
  Sampler choosing(Warm(), std::vector<uint8_t>(3, 0));
  for (int i = 0; i < 50; ++i) {
    skipping.Skip();
    EXPECT_EQ(choosing.Sample(logits, {}, {}, std::vector<uint32_t>{2}), 1);
    EXPECT_EQ(skipping.Sample(logits, {}), choosing.Sample(logits, {}));
  }
}

TEST("the likeliest tokens come best first, the lower id among equals") {
  const auto top = TopLogProbabilities(LogOf({0.1, 0.4, 0.1, 0.4}), 3);
  EXPECT_EQ(top.size(), size_t{3});
  EXPECT_EQ(top[0].first, 1);
  EXPECT_EQ(top[1].first, 3);
  EXPECT_EQ(top[2].first, 0);
  EXPECT_NEAR(std::exp(top[0].second), 0.4, 1e-6);
  EXPECT_NEAR(std::exp(top[2].second), 0.1, 1e-6);
  EXPECT(TopLogProbabilities(Logits{1, 2}, 0).empty());
  EXPECT_EQ(TopLogProbabilities(Logits{1, 2}, 9).size(), size_t{2});
}

TEST("log probabilities") {
  const std::vector<double> p = {0.5, 0.3, 0.2};
  for (size_t i = 0; i < p.size(); ++i) {
    EXPECT_NEAR(LogProbability(LogOf(p), static_cast<TokenId>(i)), std::log(p[i]), 1e-5);
  }
  const Logits large = {1000, 999, -1000};
  EXPECT_NEAR(LogProbability(large, 0), -std::log(1 + std::exp(-1.0)), 1e-5);
  EXPECT_NEAR(LogProbability(large, 2), -2000 - std::log(1 + std::exp(-1.0)), 1e-3);
  EXPECT_NEAR(LogProbability(Logits(100000, 3.0f), 5), -std::log(100000.0), 1e-4);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
