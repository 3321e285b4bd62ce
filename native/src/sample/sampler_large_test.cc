// Sampling from a large vocabulary: the same choices as sorting everything would give, in a fraction of the time.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/random_testing.h"
#include "base/testing.h"
#include "sample/blocks.h"
#include "sample/logprobs.h"
#include "sample/sampler.h"

namespace niwaki {
namespace {

using Logits = std::vector<float>;
using Ids = std::vector<TokenId>;
constexpr size_t kQwen = 151'936;

// What a language model's logits look like: noise, and a few tokens that stand out.
Logits Peaked(size_t n, uint64_t seed) {
  testing::Random random(seed);
  Logits logits = testing::Floats(static_cast<int64_t>(n), [&] { return 2 * random.Gauss(); });
  for (int i = 0; i < 40; ++i) {
    logits[static_cast<size_t>(random.Below(static_cast<int64_t>(n)))] = 20 - 0.3f * static_cast<float>(i);
  }
  return logits;
}
Logits Flat(size_t n, uint64_t seed) {
  testing::Random random(seed);
  return testing::Floats(static_cast<int64_t>(n), [&] { return random.Gauss(); });
}

// The definition, with sorted lists and in double precision; `draw` is uniform in [0, 1).
TokenId Reference(const SamplingOptions& options, const Logits& logits, const std::vector<uint8_t>& never,
                  const Ids& history, double draw) {
  struct Entry {
    double logit;
    TokenId id;
  };
  Logits adjusted = logits;
  for (const auto& [id, bias] : options.logit_bias) {
    adjusted[static_cast<size_t>(id)] += bias;
  }
  const size_t window = options.penalty_window == 0 ? history.size() : static_cast<size_t>(options.penalty_window);
  Ids recent(history.end() - static_cast<int64_t>(std::min(window, history.size())), history.end());
  std::sort(recent.begin(), recent.end());
  for (auto at = recent.begin(); at != recent.end();) {
    const auto end = std::upper_bound(at, recent.end(), *at);
    float& logit = adjusted[static_cast<size_t>(*at)];
    logit = logit > 0 ? logit / options.repetition_penalty : logit * options.repetition_penalty;
    logit -= static_cast<float>(end - at) * options.frequency_penalty + options.presence_penalty;
    at = end;
  }
  std::vector<Entry> entries;
  for (size_t i = 0; i < adjusted.size(); ++i) {
    if (never[i] == 0 && !std::isnan(adjusted[i])) {
      entries.push_back({static_cast<double>(adjusted[i]), static_cast<TokenId>(i)});
    }
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.logit > b.logit; });
  if (options.temperature <= 0) {
    return entries.front().id;
  }
  const double top = entries.front().logit;
  if (options.top_k > 0 && static_cast<size_t>(options.top_k) < entries.size()) {
    entries.resize(static_cast<size_t>(options.top_k));
  }
  double total = 0;
  for (const Entry& e : entries) {
    total += std::exp(e.logit - top);
  }
  double sum = 0;
  size_t kept = 0;
  while (kept < entries.size() && (options.top_p >= 1 || sum < static_cast<double>(options.top_p) * total)) {
    sum += std::exp(entries[kept].logit - top);
    ++kept;
  }
  entries.resize(std::max<size_t>(kept, 1));
  while (options.min_p > 0 && std::exp(entries.back().logit - top) < static_cast<double>(options.min_p)) {
    entries.pop_back();
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.id < b.id; });
  const auto weight = [&](const Entry& e) {
    return std::exp((e.logit - top) / static_cast<double>(options.temperature));
  };
  total = 0;
  for (const Entry& e : entries) {
    total += weight(e);
  }
  double left = draw * total;
  for (const Entry& e : entries) {
    left -= weight(e);
    if (left < 0) {
      return e.id;
    }
  }
  return entries.back().id;
}

// The first draw of a sampler with this seed: SplitMix64.
double FirstDraw(uint64_t seed) {
  uint64_t z = seed + 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

TEST("every combination of options chooses what sorting everything would choose") {
  testing::Random random(5);
  int compared = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const size_t n = seed % 4 == 0 ? 100 + seed : seed % 4 == 1 ? 256 : 5000 + seed;  // parts of blocks, one, many
    Logits logits = seed % 2 == 0 ? Peaked(n, seed) : Flat(n, seed);
    for (float& logit : logits) {
      logit = seed % 7 == 0 ? std::round(logit * 2) / 2 : logit;  // many equals
    }
    logits[seed % n] = std::numeric_limits<float>::quiet_NaN();
    logits[(seed * 7 + 1) % n] = -std::numeric_limits<float>::infinity();
    std::vector<uint8_t> never(n, 0);
    SamplingOptions options;
    options.seed = seed;
    options.temperature = seed % 5 == 0 ? 0.0f : 0.3f + static_cast<float>(seed % 9) * 0.2f;
    options.top_k = seed % 3 == 0 ? 0 : static_cast<int>(random.Below(seed % 6 == 1 ? 2000 : 60)) + 1;
    options.top_p = seed % 8 < 3 ? 1.0f : static_cast<float>(random.Below(100)) / 100;
    options.min_p = seed % 10 < 7 ? 0.0f : static_cast<float>(random.Below(30) + 1) / 100;
    Ids history;
    if (seed % 3 == 1) {
      for (int i = 0; i < 300; ++i) {
        history.push_back(static_cast<TokenId>(random.Below(static_cast<int64_t>(n))));
      }
      options.penalty_window = seed % 2 == 0 ? 0 : 64;
      options.repetition_penalty = 1.3f;
      options.frequency_penalty = 0.1f;
      options.presence_penalty = -0.2f;
    }
    for (int i = 0; i < static_cast<int>(seed % 5); ++i) {
      const TokenId id = static_cast<TokenId>(random.Below(static_cast<int64_t>(n)));
      options.logit_bias.emplace_back(id, 3 * random.Gauss());
      options.logit_bias.emplace_back(id, 1.0f);
      never[static_cast<size_t>(random.Below(static_cast<int64_t>(n)))] = 1;
    }
    if (seed % 11 == 0) {  // a mask that leaves few
      options.allowed.assign((n + 31) / 32, 0);
      for (int i = 0; i < 5; ++i) {
        const size_t id = static_cast<size_t>(random.Below(static_cast<int64_t>(n)));
        options.allowed[id / 32] |= 1u << (id % 32);
      }
    }
    std::vector<uint8_t> ruled_out = never;
    for (size_t id = 0; id < n && !options.allowed.empty(); ++id) {
      ruled_out[id] = ((options.allowed[id / 32] >> (id % 32)) & 1u) == 0 ? 1 : ruled_out[id];
    }
    bool any = false;
    for (size_t id = 0; id < n; ++id) {
      any = any || (ruled_out[id] == 0 && std::isfinite(logits[id]));
    }
    if (!any) {
      continue;
    }
    Sampler sampler(options, never);
    EXPECT_EQ(sampler.Sample(logits, {}, history), Reference(options, logits, ruled_out, history, FirstDraw(seed)));
    ++compared;
  }
  EXPECT(compared > 350);
}

TEST("the vector exponential is exact to two units in the last place") {
  double worst = 0;
  for (int i = 0; i < 200'000; ++i) {
    const float x = -static_cast<float>(i) * 4.3e-4f;
    float y;
    ExpInto(&x, 1, 0, 1, &y);
    worst = std::max(worst, std::fabs(static_cast<double>(y) / std::exp(static_cast<double>(x)) - 1));
  }
  EXPECT(worst < 2.4e-7);
  const Logits odd = {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity(), -88, 0};
  float y[4];
  ExpInto(odd.data(), 4, 0, 1, y);
  EXPECT(y[0] == 0 && y[1] == 0 && y[2] == 0 && y[3] == 1);
}

TEST("log probabilities of a large vocabulary are those of a sum in double") {
  for (const Logits& logits : {Peaked(kQwen, 1), Flat(kQwen, 2)}) {
    double sum = 0;
    for (const float logit : logits) {
      sum += std::exp(static_cast<double>(logit));
    }
    for (const TokenId id : {0, 77, 151'935}) {
      EXPECT_NEAR(LogProbability(logits, id), static_cast<double>(logits[static_cast<size_t>(id)]) - std::log(sum),
                  2e-6);
    }
    Ids order(logits.size());
    for (size_t i = 0; i < order.size(); ++i) {
      order[i] = static_cast<TokenId>(i);
    }
    std::stable_sort(order.begin(), order.end(), [&](TokenId a, TokenId b) {
      return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
    });
    for (const int count : {1, 5, 500, 2000}) {
      const auto top = TopLogProbabilities(logits, count);
      EXPECT_EQ(top.size(), static_cast<size_t>(count));
      for (size_t i = 0; i < top.size(); ++i) {
        EXPECT_EQ(top[i].first, order[i]);
        EXPECT(top[i].second == LogProbability(logits, order[i]) || count > 5);
      }
    }
  }
}

// Median of milliseconds.
template <typename Step>
double Time(Step step) {
  std::vector<double> times;
  for (int i = 0; i < 41; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    step();
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

TEST("a choice among 151,936 tokens takes a fraction of a millisecond") {
  const Logits peaked = Peaked(kQwen, 3);
  const Logits flat = Flat(kQwen, 4);
  const std::vector<uint8_t> never(kQwen, 0);
  Ids history(4000);
  for (size_t i = 0; i < history.size(); ++i) {
    history[i] = static_cast<TokenId>(i * 37 % kQwen);
  }
  struct Row {
    const char* name;
    SamplingOptions options;
    const Logits* logits;
    double most_ms;  // ten times what was measured where it was written: machines differ, and are busy
  };
  const auto options = [](float temperature, int top_k, float top_p, float penalty) {
    SamplingOptions out;
    out.temperature = temperature;
    out.top_k = top_k;
    out.top_p = top_p;
    out.repetition_penalty = penalty;
    return out;
  };
  for (const Row& row :
       {Row{"greedy", options(0, 0, 1, 1), &peaked, 0.5},
        Row{"greedy, penalties", options(0, 0, 1, 1.1f), &peaked, 0.5},
        Row{"temperature 0.7", options(0.7f, 0, 1, 1), &peaked, 3},
        Row{"temperature 0.7, top-k 40", options(0.7f, 40, 1, 1), &peaked, 1},
        Row{"temperature 0.7, top-p 0.95", options(0.7f, 0, 0.95f, 1), &peaked, 3},
        Row{"temperature 0.7, top-p 0.95, nothing stands out", options(0.7f, 0, 0.95f, 1), &flat, 60}}) {
    Sampler sampler(row.options, never);
    TokenId last = 0;
    const double ms = Time([&] { last = std::max(last, sampler.Sample(*row.logits, {}, history)); });
    EXPECT(last > 0 && ms < row.most_ms);
    std::printf("    %s: %.3f ms\n", row.name, ms);
  }
  float sum = 0;
  const double one = Time([&] { sum += LogProbability(peaked, 5); });
  const double top = Time([&] { sum += TopLogProbabilities(peaked, 20).back().second; });
  EXPECT(sum < 0 && one < 3 && top < 6);
  std::printf("    log probability: %.3f ms, of the best 20: %.3f ms\n", one, top);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
