// Sessions: the decoding loop - stops, token healing, sampling, streaming and cancelling.
#include <algorithm>
#include <limits>
#include <set>

#include "base/utf8.h"
#include "engine/engine_testing.h"
#include "sample/logprobs.h"
#include "sample/sampler.h"

namespace niwaki {
namespace {

using testing::Copy;
using testing::LoadNano;
using testing::SameBits;
using Tokens = std::vector<TokenId>;

Engine* Best() {
  static const std::unique_ptr<Engine> engine = LoadNano();
  return engine.get();
}

const testing::GoldenPrompt& Prompt(size_t index) {
  static const std::vector<testing::GoldenPrompt> prompts = testing::GoldenPrompts();
  return prompts[index];
}
constexpr size_t kSpm = 1;  // goes on over several lines
constexpr size_t kPython = 2;
constexpr size_t kUnicode = 5;  // ends in a mess that makes the model unsure

std::unique_ptr<Session> Synced(const Tokens& prompt, int32_t context = 0) {
  Result<std::unique_ptr<Session>> session = Best()->NewSession(context);
  if (!session.ok() || !session.value()->Sync(prompt, nullptr, nullptr).ok()) {
    testing::Fail(__FILE__, __LINE__, "no session");
    return nullptr;
  }
  return std::move(session.value());
}

DecodeResult Run(const Tokens& prompt, const DecodeOptions& options, const TokenSink& sink = nullptr,
                 const CancelFlag* cancel = nullptr) {
  const std::unique_ptr<Session> session = Synced(prompt);
  const Result<DecodeResult> result = session->Decode(options, cancel, sink);
  EXPECT(result.ok());
  return result.ok() ? result.value() : DecodeResult{};
}

DecodeOptions Upto(int max_tokens) {
  DecodeOptions options;
  options.max_tokens = max_tokens;
  return options;
}

std::string BytesOf(const Tokens& tokens) { return Best()->tokenizer().Decode(tokens); }

bool ValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const Utf8Char c = FirstChar(text);
    if (c.code_point == kInvalidChar) {
      return false;
    }
    text.remove_prefix(c.length);
  }
  return true;
}

TokenId ArgMax(std::span<const float> logits, const std::vector<TokenId>& ids) {
  TokenId best = -1;
  for (const TokenId id : ids) {
    if (best < 0 || logits[static_cast<size_t>(id)] > logits[static_cast<size_t>(best)]) {
      best = id;
    }
  }
  return best;
}

TEST("max_tokens is obeyed, and a longer run begins like a shorter one") {
  const DecodeResult longer = Run(Prompt(kSpm).ids, Upto(30));
  EXPECT_EQ(longer.tokens.size(), size_t{30});
  EXPECT(longer.reason == StopReason::kMaxTokens);
  for (const int count : {0, 1, 7}) {
    const DecodeResult shorter = Run(Prompt(kSpm).ids, Upto(count));
    EXPECT_EQ(shorter.tokens.size(), static_cast<size_t>(count));
    EXPECT(std::equal(shorter.tokens.begin(), shorter.tokens.end(), longer.tokens.begin()));
    EXPECT_EQ(shorter.text, longer.text.substr(0, shorter.text.size()));
  }
}

TEST("events carry ids, text and the log probabilities of the raw logits") {
  const Tokens& prompt = Prompt(kPython).ids;
  const std::unique_ptr<Session> session = Synced(prompt);
  const std::vector<float> first = Copy(session->logits());
  std::vector<TokenEvent> events;
  DecodeOptions options = Upto(5);
  options.sampling.logprobs = true;
  options.sampling.banned = {ArgMax(first, Best()->tokenizer().IdsWithPrefix(""))};  // must not change probabilities
  const Result<DecodeResult> result = session->Decode(options, nullptr, [&](const TokenEvent& event) {
    events.push_back(event);
    return true;
  });
  ASSERT_OK(result);
  EXPECT_EQ(events.size(), size_t{5});
  Tokens timeline = prompt;
  for (const TokenEvent& event : events) {
    const std::unique_ptr<Session> reference = Synced(timeline);
    double total = 0;
    for (const float logit : reference->logits()) {
      total += std::exp(static_cast<double>(logit));
    }
    EXPECT_NEAR(event.logprob, reference->logits()[static_cast<size_t>(event.id)] - std::log(total), 1e-4);
    timeline.push_back(event.id);
  }
  EXPECT(std::equal(result.value().tokens.begin(), result.value().tokens.end(), timeline.end() - 5));
}

TEST("token healing: the emitted bytes begin with the required prefix") {
  const std::vector<std::string> prefixes = {
      "r",
      "ret",
      "return this.",
      " ",
      "  ",
      "\n",
      "\t\t\n",
      "function clampValue(",
      "}",
      "zzzzq",
      "0",
      "é",
      "日",
      "日本語",
      "🎉",
      "naïve café – 日本語 🎉",
      "\xe6",
      "\xe6\x97",
      "\xf0\x9f\x8e",
      "\xff",
      "<|fim_middle|>",  // the characters, never the control token
  };
  const Tokenizer& tokenizer = Best()->tokenizer();
  for (const std::string& prefix : prefixes) {
    DecodeOptions options = Upto(static_cast<int>(prefix.size()) + 6);
    options.required_prefix = prefix;
    const Tokens& prompt = Prompt(kSpm).ids;
    const DecodeResult result = Run(prompt, options);
    EXPECT_EQ(BytesOf(result.tokens).substr(0, prefix.size()), prefix);
    EXPECT(ValidUtf8(result.text));
    if (ValidUtf8(prefix)) {
      EXPECT_EQ(result.text.substr(0, prefix.size()), prefix);
    }
    for (const TokenId id : result.tokens) {
      EXPECT(!tokenizer.IsControl(id));
    }
    // Once the prefix is used up the choice is free again: the rest is the plain continuation.
    Tokens healed;
    while (BytesOf(healed).size() < prefix.size() && healed.size() < result.tokens.size()) {
      healed.push_back(result.tokens[healed.size()]);
    }
    Tokens longer = prompt;
    longer.insert(longer.end(), healed.begin(), healed.end());
    const DecodeResult rest = Run(longer, Upto(static_cast<int>(result.tokens.size() - healed.size())));
    EXPECT(std::equal(rest.tokens.begin(), rest.tokens.end(),
                      result.tokens.begin() + static_cast<int64_t>(healed.size()), result.tokens.end()));
  }
}

TEST("token healing takes the best token among those that fit") {
  const Tokens& prompt = Prompt(kPython).ids;
  const std::unique_ptr<Session> session = Synced(prompt);
  const std::vector<float> logits = Copy(session->logits());
  for (const std::string prefix : {"o", " o", "os", "f", "[", "self", "\n"}) {
    const std::vector<TokenId> fitting = Best()->tokenizer().IdsWithPrefix(prefix);
    EXPECT(!fitting.empty());
    DecodeOptions options = Upto(1);
    options.required_prefix = prefix;
    EXPECT_EQ(Run(prompt, options).tokens.at(0), ArgMax(logits, fitting));
  }
}

TEST("token healing: a word is cut as the prompt itself cuts it") {
  const Tokenizer& tokenizer = Best()->tokenizer();
  const std::string line = "palette.add('red');\n";
  const std::string text = line + line + line;
  // The vocabulary has tokens that begin with "pa", but spells "palette" as "p", "alette".
  EXPECT(!tokenizer.IdsWithPrefix("pa").empty());
  const Tokens word = tokenizer.Encode("palette", SpecialTokens::kAsText);
  EXPECT_EQ(tokenizer.Bytes(word.front()), std::string_view("p"));
  DecodeOptions options = Upto(12);
  options.required_prefix = "pa";
  const DecodeResult result = Run(tokenizer.Encode(text, SpecialTokens::kAsText), options);
  EXPECT_EQ(result.text.substr(0, 12), std::string("palette.add("));
}

TEST("stop strings end the text before the match, also when they are spread over tokens") {
  const Tokens& prompt = Prompt(kSpm).ids;
  const DecodeResult whole = Run(prompt, Upto(40));
  EXPECT(whole.text.size() > 60);
  std::set<size_t> lengths;
  for (size_t begin = 0; begin + 8 < whole.text.size() && begin < 60; begin += 7) {
    const std::string stop = whole.text.substr(begin, 2 + begin % 6);
    const size_t match = whole.text.find(stop);
    DecodeOptions options = Upto(40);
    options.stop_strings = {"never seen here", stop, ""};
    std::string streamed;
    const DecodeResult result = Run(prompt, options, [&](const TokenEvent& event) {
      streamed += event.text;
      return true;
    });
    EXPECT(result.reason == StopReason::kStopString);
    EXPECT_EQ(result.text, whole.text.substr(0, match));
    EXPECT_EQ(streamed, result.text);
    // All sampled tokens are reported, those of the match included, and none after it.
    const std::string sampled = BytesOf(result.tokens);
    EXPECT(sampled.size() >= match + stop.size());
    EXPECT(BytesOf({result.tokens.begin(), result.tokens.end() - 1}).size() < match + stop.size());
    lengths.insert(match);
  }
  EXPECT(lengths.size() >= 5);

  DecodeOptions both = Upto(40);  // the earlier match counts, whatever the order of the list
  both.stop_strings = {whole.text.substr(30, 9), whole.text.substr(4, 4)};
  EXPECT_EQ(Run(prompt, both).text, whole.text.substr(0, 4));
  DecodeOptions none = Upto(40);  // what looked like the beginning of a stop string comes out at the end
  none.stop_strings = {whole.text.substr(whole.text.size() - 3) + "\x01", "never seen here"};
  const DecodeResult unstopped = Run(prompt, none);
  EXPECT_EQ(unstopped.text, whole.text);
  EXPECT(unstopped.reason == StopReason::kMaxTokens);
}

TEST("stop tokens end the stream and are not emitted") {
  const Tokens& prompt = Prompt(kSpm).ids;
  const DecodeResult whole = Run(prompt, Upto(12));
  const TokenId stop = whole.tokens[7];
  const int64_t at = std::find(whole.tokens.begin(), whole.tokens.end(), stop) - whole.tokens.begin();
  DecodeOptions options = Upto(12);
  options.stop_tokens = {stop, -5, 1 << 29};
  const DecodeResult result = Run(prompt, options);
  EXPECT(result.reason == StopReason::kStopToken);
  EXPECT(result.tokens == Tokens(whole.tokens.begin(), whole.tokens.begin() + at));
  EXPECT_EQ(result.text, BytesOf(result.tokens));
}

TEST("a token that ends texts is never emitted, and ends the stream when nothing else is left") {
  const Engine& engine = *Best();
  const TokenId eos = engine.tokenizer().eos();
  EXPECT(eos >= 0);
  DecodeOptions options = Upto(8);
  for (TokenId id = 0; id < engine.info().vocab_size; ++id) {
    if (id != eos) {
      options.sampling.banned.push_back(id);
    }
  }
  const DecodeResult result = Run(Prompt(kSpm).ids, options);
  EXPECT(result.reason == StopReason::kEndOfText);
  EXPECT(result.tokens.empty() && result.text.empty());

  options.sampling.banned.push_back(eos);
  const std::unique_ptr<Session> session = Synced(Prompt(kSpm).ids);
  EXPECT(session->Decode(options, nullptr, nullptr).status().code() == StatusCode::kInvalidArgument);
}

TEST("bans hold, also under token healing; impossible wishes are refused") {
  const Tokens& prompt = Prompt(kPython).ids;
  const DecodeResult plain = Run(prompt, Upto(16));
  DecodeOptions options = Upto(16);
  options.sampling.banned = {plain.tokens[0], plain.tokens[3], -1, 1 << 29};
  for (const TokenId id : Run(prompt, options).tokens) {
    EXPECT(id != plain.tokens[0] && id != plain.tokens[3]);
  }
  DecodeOptions healing = Upto(1);
  healing.required_prefix = "re";
  const TokenId favourite = Run(prompt, healing).tokens.at(0);
  healing.sampling.banned = {favourite};
  const DecodeResult second = Run(prompt, healing);
  EXPECT(second.tokens.at(0) != favourite && BytesOf(second.tokens).substr(0, 2) == "re");
  healing.sampling.banned = Best()->tokenizer().IdsWithPrefix("re");
  const std::unique_ptr<Session> session = Synced(prompt);
  EXPECT(session->Decode(healing, nullptr, nullptr).status().code() == StatusCode::kInvalidArgument);
}

TEST("sampling is determined by the seed, and never yields a control token") {
  const Tokens& prompt = Prompt(kUnicode).ids;
  DecodeOptions options = Upto(24);
  options.sampling.temperature = 1.5f;
  std::set<Tokens> texts;
  for (const uint64_t seed : {1u, 2u, 3u}) {
    options.sampling.seed = seed;
    const DecodeResult first = Run(prompt, options);
    EXPECT(Run(prompt, options).tokens == first.tokens);
    texts.insert(first.tokens);
  }
  EXPECT_EQ(texts.size(), size_t{3});
  options.sampling.temperature = 50;  // nearly uniform
  options.max_tokens = 64;
  for (const TokenId id : Run(prompt, options).tokens) {
    EXPECT(!Best()->tokenizer().IsControl(id));
  }
  options.sampling.temperature = 1.5f;
  options.sampling.top_k = 1;
  EXPECT(Run(prompt, options).tokens == Run(prompt, Upto(64)).tokens);
}

TEST("streamed pieces are valid UTF-8 and join to the result's text") {
  int broken = 0;  // tokens that end inside a character: or the case shows nothing
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    DecodeOptions options = Upto(48);
    options.sampling.temperature = seed == 1 ? 0.0f : 40.0f;
    options.sampling.seed = seed;
    options.stop_strings = {"\n\n\n\n\n"};
    options.required_prefix = "日本";
    std::string streamed;
    Tokens ids;
    const DecodeResult result = Run(Prompt(kUnicode).ids, options, [&](const TokenEvent& event) {
      EXPECT(ValidUtf8(event.text));
      broken += ValidUtf8(Best()->tokenizer().Bytes(event.id)) ? 0 : 1;
      streamed += event.text;
      ids.push_back(event.id);
      return true;
    });
    EXPECT_EQ(streamed, result.text);
    EXPECT(ValidUtf8(result.text));
    EXPECT(ids.size() >= result.tokens.size() && std::equal(result.tokens.begin(), result.tokens.end(), ids.begin()));
    const std::string bytes = BytesOf(result.tokens);
    if (ValidUtf8(bytes) && result.reason == StopReason::kMaxTokens) {
      EXPECT_EQ(result.text, bytes);
    }
  }
  EXPECT(broken > 5);
}

TEST("a sink that returns false stops at once and is not called again") {
  for (const int count : {1, 4}) {
    DecodeOptions options = Upto(20);
    options.stop_strings = {Run(Prompt(kSpm).ids, Upto(count)).text + "\x01"};  // everything so far is held back
    int calls = 0;
    std::string streamed;
    const DecodeResult result = Run(Prompt(kSpm).ids, options, [&](const TokenEvent& event) {
      streamed += event.text;
      return ++calls < count;
    });
    EXPECT(result.reason == StopReason::kCallback);
    EXPECT_EQ(calls, count);
    EXPECT_EQ(result.tokens.size(), static_cast<size_t>(count));
    EXPECT_EQ(result.text, streamed);
  }
}

TEST("a full context ends the stream") {
  const Tokens& prompt = Prompt(0).ids;
  const int32_t context = static_cast<int32_t>(prompt.size()) + 4;
  const std::unique_ptr<Session> session = Synced(prompt, context);
  const Result<DecodeResult> result = session->Decode(Upto(30), nullptr, nullptr);
  ASSERT_OK(result);
  EXPECT(result.value().reason == StopReason::kContextFull);
  EXPECT_EQ(result.value().tokens.size(), size_t{5});  // the fifth is sampled from the last token's logits
  EXPECT_EQ(static_cast<int32_t>(session->timeline().size()), context);
}

TEST("a cancelled Decode keeps what it said, and the session goes on to the same text") {
  const Tokens& prompt = Prompt(kSpm).ids;
  const DecodeResult whole = Run(prompt, Upto(20));
  const std::unique_ptr<Session> session = Synced(prompt);
  CancelFlag cancel{false};
  int calls = 0;
  const Result<DecodeResult> result = session->Decode(Upto(20), &cancel, [&](const TokenEvent&) {
    cancel = ++calls == 6;
    return true;
  });
  ASSERT_OK(result);
  EXPECT(result.value().reason == StopReason::kCancelled);
  EXPECT_EQ(result.value().tokens.size(), size_t{6});
  Tokens so_far = prompt;
  so_far.insert(so_far.end(), result.value().tokens.begin(), result.value().tokens.end());
  SyncStats stats;
  ASSERT_OK(session->Sync(so_far, nullptr, &stats));
  EXPECT_EQ(stats.evaluated, int64_t{1});
  const Result<DecodeResult> rest = session->Decode(Upto(14), nullptr, nullptr);
  ASSERT_OK(rest);
  EXPECT(
      std::equal(rest.value().tokens.begin(), rest.value().tokens.end(), whole.tokens.begin() + 6, whole.tokens.end()));
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
