// Decoding under a guide, with the embedded model: what it rules out is not said, what it forces is, and nothing else
// changes.
#include <atomic>
#include <functional>
#include <thread>

#include "engine/session_testing.h"

namespace niwaki {
namespace {

using std::chrono::milliseconds;
using testing::LoadNano;
using testing::Open;
using testing::Sync;
using testing::Text;
using testing::Tokens;

// Answers from a function of all that was said so far.
class ScriptedGuide : public TokenGuide {
 public:
  struct Word {
    std::vector<TokenId> forced;
    std::function<bool(TokenId)> may = [](TokenId) { return true; };
    bool may_end = false;
  };
  ScriptedGuide(int32_t vocabulary, std::function<Word(const Tokens&)> script)
      : vocabulary_(vocabulary), script_(std::move(script)) {}

  void Begin(int64_t tokens) override { budget = tokens; }
  void Tell(std::span<const TokenId> said, std::span<const TokenId> draft) override {
    said_.insert(said_.end(), said.begin(), said.end());
    draft_.assign(draft.begin(), draft.end());
    drafted += static_cast<int64_t>(draft.size());
    ++tells;
  }
  Result<bool> Wait(milliseconds, Step* step) override {
    *step = {};
    const Word word = script_(said_);
    step->forced = word.forced;
    said_.insert(said_.end(), word.forced.begin(), word.forced.end());
    step->choices.push_back(ChoiceOf(script_(said_)));
    Tokens with_draft = said_;
    for (size_t i = 0; i < draft_.size() && word.forced.empty(); ++i) {
      if (!script_(with_draft).may(draft_[i])) {
        break;
      }
      with_draft.push_back(draft_[i]);
      step->choices.push_back(ChoiceOf(script_(with_draft)));
    }
    draft_.clear();
    return true;
  }

  int64_t budget = -1;
  int64_t drafted = 0;
  int tells = 0;

 private:
  Choice ChoiceOf(const Word& word) const {
    Choice choice;
    choice.allowed.resize((static_cast<size_t>(vocabulary_) + 31) / 32);
    for (TokenId id = 0; id < vocabulary_; ++id) {
      if (word.may(id)) {
        choice.allowed[static_cast<size_t>(id) / 32] |= 1u << (id % 32);
      }
    }
    choice.may_end = word.may_end;
    return choice;
  }

  const int32_t vocabulary_;
  const std::function<Word(const Tokens&)> script_;
  Tokens said_;
  Tokens draft_;
};

DecodeOptions Drawing(uint64_t seed) {
  DecodeOptions options;
  options.max_tokens = 24;
  options.sampling.temperature = 1.2f;
  options.sampling.seed = seed;
  return options;
}

Result<DecodeResult> Say(Engine& engine, const DecodeOptions& options, const Tokens& prompt = Text(60),
                         std::vector<float>* logprobs = nullptr) {
  SessionOptions isolated(512);
  isolated.isolated = true;
  const std::unique_ptr<Session> session = Open(engine, isolated);
  Sync(*session, prompt);
  return session->Decode(options, nullptr, [&](const TokenEvent& event) {
    if (logprobs != nullptr) {
      logprobs->push_back(event.logprob);
    }
    return true;
  });
}

// Tokens 300 to 399 and 5000 on at even places, anything but these at odd ones.
ScriptedGuide::Word Alternating(const Tokens& said) {
  const auto is_in = [](TokenId id) { return (id >= 300 && id < 400) || id >= 5000; };
  return {{}, [is_in, even = said.size() % 2 == 0](TokenId id) { return is_in(id) == even; }, false};
}

TEST("what a guide rules out is never said, and the end neither") {
  const std::unique_ptr<Engine> engine = LoadNano();
  for (const bool narrow : {false, true}) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      ScriptedGuide guide(engine->info().vocab_size, [&](const Tokens& said) {
        ScriptedGuide::Word word = Alternating(said);
        if (narrow) {  // few tokens: the other way of the sampler, and panels of the head
          word.may = [size = static_cast<TokenId>(said.size())](TokenId id) { return id % 1000 == 30 + size; };
        }
        return word;
      });
      DecodeOptions options = Drawing(seed);
      options.guide = &guide;
      const Result<DecodeResult> said = Say(*engine, options);
      ASSERT_OK(said);
      EXPECT_EQ(said.value().tokens.size(), size_t{24});
      EXPECT(said.value().reason == StopReason::kMaxTokens);
      for (size_t i = 0; i < said.value().tokens.size(); ++i) {
        const Tokens before(said.value().tokens.begin(), said.value().tokens.begin() + static_cast<int64_t>(i));
        const TokenId id = said.value().tokens[i];
        EXPECT(narrow ? id % 1000 == 30 + static_cast<TokenId>(i) : Alternating(before).may(id));
      }
    }
  }
}

TEST("a guide that allows everything changes nothing, with lookup neither") {
  const std::unique_ptr<Engine> engine = LoadNano();
  for (const int draft : {0, 7}) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
      DecodeOptions options = Drawing(seed);
      options.sampling.temperature = seed == 0 ? 0.0f : 0.3f;
      options.sampling.banned = {engine->tokenizer().eos()};
      options.lookup.max_draft = draft;
      options.lookup.adapt = false;
      const Result<DecodeResult> alone = Say(*engine, options);
      ASSERT_OK(alone);
      ScriptedGuide guide(engine->info().vocab_size, [](const Tokens&) { return ScriptedGuide::Word(); });
      options.guide = &guide;
      const Result<DecodeResult> guided = Say(*engine, options);
      ASSERT_OK(guided);
      // Ends of text are never allowed where the guide says that it is not the end.
      const Tokens& tokens = alone.value().tokens;
      EXPECT(guided.value().tokens.size() >= tokens.size());
      EXPECT(std::equal(tokens.begin(), tokens.end(), guided.value().tokens.begin()));
    }
  }
}

TEST("drafts under a mask: the same tokens, in fewer passes") {
  const std::unique_ptr<Engine> engine = LoadNano();
  Tokens prompt;  // it repeats itself
  for (int i = 0; i < 90; ++i) {
    prompt.push_back(static_cast<TokenId>(300 + i % 15));
  }
  const auto script = [](const Tokens& said) {
    return ScriptedGuide::Word{{}, [n = said.size()](TokenId id) { return n == 9 ? id == 777 : id < 3000; }, false};
  };
  int64_t accepted = 0;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    DecodeOptions options = Drawing(seed);
    options.sampling.temperature = 0.2f;
    ScriptedGuide one(engine->info().vocab_size, script);
    options.guide = &one;
    const Result<DecodeResult> alone = Say(*engine, options, prompt);
    ASSERT_OK(alone);
    ScriptedGuide other(engine->info().vocab_size, script);
    options.guide = &other;
    options.lookup.max_draft = 5;
    options.lookup.adapt = false;
    const Result<DecodeResult> drafted = Say(*engine, options, prompt);
    ASSERT_OK(drafted);
    EXPECT(alone.value().tokens == drafted.value().tokens);
    EXPECT(alone.value().tokens.size() > 9 && alone.value().tokens[9] == 777);
    EXPECT(other.drafted > 0);
    accepted += drafted.value().accepted;
  }
  EXPECT(accepted > 0);
}

TEST("what is forced is said, and all else as where each of it was the only choice") {
  const std::unique_ptr<Engine> engine = LoadNano();
  Tokens text;
  for (TokenId i = 0; i < 40; ++i) {
    text.push_back(300 + i * 37 % 500);
  }
  // Three free tokens, then twenty of the text, then free ones again.
  const auto inside = [](size_t at) { return at >= 3 && at < 23; };
  const auto one_by_one = [&](const Tokens& said) {
    ScriptedGuide::Word word;
    word.may = [&, at = said.size()](TokenId id) { return inside(at) ? id == text[at] : id % 2 == 0; };
    return word;
  };
  const auto at_once = [&](const Tokens& said) {
    ScriptedGuide::Word word = one_by_one(said);
    if (said.size() == 3) {
      word.forced.assign(text.begin() + 3, text.begin() + 23);
    }
    return word;
  };
  for (const bool logprobs : {false, true}) {
    for (const float temperature : {0.0f, 1.0f}) {
      DecodeOptions options = Drawing(11);
      options.max_tokens = 30;
      options.sampling.temperature = temperature;
      options.sampling.logprobs = logprobs;
      options.sampling.repetition_penalty = 1.3f;
      ScriptedGuide slow(engine->info().vocab_size, one_by_one);
      options.guide = &slow;
      std::vector<float> slow_logprobs;
      const Result<DecodeResult> alone = Say(*engine, options, Text(60), &slow_logprobs);
      ASSERT_OK(alone);
      ScriptedGuide quick(engine->info().vocab_size, at_once);
      options.guide = &quick;
      std::vector<float> quick_logprobs;
      const Result<DecodeResult> jumped = Say(*engine, options, Text(60), &quick_logprobs);
      ASSERT_OK(jumped);
      EXPECT(alone.value().tokens == jumped.value().tokens);
      EXPECT_EQ(alone.value().text, jumped.value().text);
      EXPECT(slow_logprobs == quick_logprobs);
      EXPECT_EQ(jumped.value().guided, int64_t{20});
      EXPECT_EQ(alone.value().guided, int64_t{0});
      EXPECT(jumped.value().batches < alone.value().batches - 15);
    }
  }
}

TEST("an answer ends where only the end is left, and may end where the guide says so") {
  const std::unique_ptr<Engine> engine = LoadNano();
  DecodeOptions options = Drawing(1);
  ScriptedGuide over(engine->info().vocab_size, [](const Tokens& said) {
    return ScriptedGuide::Word{{}, [n = said.size()](TokenId id) { return n < 5 && id == 400; }, said.size() == 5};
  });
  options.guide = &over;
  Result<DecodeResult> said = Say(*engine, options);
  ASSERT_OK(said);
  EXPECT_EQ(said.value().tokens.size(), size_t{5});
  EXPECT(said.value().reason == StopReason::kEndOfText);

  // A stop token is never said before, though its own bit is set.
  ScriptedGuide stop(engine->info().vocab_size, [](const Tokens& t) {
    return ScriptedGuide::Word{{}, [](TokenId id) { return id == 400 || id == 401; }, t.size() >= 8};
  });
  options.guide = &stop;
  options.stop_tokens = {401};
  options.sampling.logit_bias = {{401, 50.0f}};
  said = Say(*engine, options);
  ASSERT_OK(said);
  EXPECT(said.value().tokens == Tokens(8, 400));
  EXPECT(said.value().reason == StopReason::kStopToken);
}

TEST("the guide is told how many tokens there can be: by the request, and by the session") {
  const std::unique_ptr<Engine> engine = LoadNano();
  const auto all = [](const Tokens&) { return ScriptedGuide::Word(); };
  for (const int max_tokens : {10, 500}) {
    const std::unique_ptr<Session> session = Open(*engine, SessionOptions(100));
    Sync(*session, Text(70));
    ScriptedGuide guide(engine->info().vocab_size, all);
    DecodeOptions options;
    options.max_tokens = max_tokens;
    options.guide = &guide;
    const Result<DecodeResult> said = session->Decode(options, nullptr, nullptr);
    ASSERT_OK(said);
    EXPECT_EQ(guide.budget, static_cast<int64_t>(said.value().tokens.size()));
    EXPECT_EQ(guide.budget, int64_t{max_tokens == 10 ? 10 : 31});
  }
}

TEST("a required prefix and a guide hold together") {
  const std::unique_ptr<Engine> engine = LoadNano();
  const Tokens words = engine->tokenizer().Encode("return value", SpecialTokens::kAsText);
  EXPECT_EQ(words.size(), size_t{2});
  DecodeOptions options = Drawing(3);
  options.max_tokens = 4;
  options.required_prefix = "retur";
  ScriptedGuide guide(engine->info().vocab_size, [&](const Tokens& said) {
    return ScriptedGuide::Word{{}, [&, n = said.size()](TokenId id) { return n > 0 || id == words[0]; }, false};
  });
  options.guide = &guide;
  Result<DecodeResult> said = Say(*engine, options);
  ASSERT_OK(said);
  EXPECT_EQ(said.value().tokens[0], words[0]);

  ScriptedGuide forcing(engine->info().vocab_size, [&](const Tokens& t) {
    return ScriptedGuide::Word{t.empty() ? words : Tokens(), [](TokenId) { return true; }, false};
  });
  options.guide = &forcing;
  said = Say(*engine, options);
  ASSERT_OK(said);
  EXPECT_EQ(said.value().text.substr(0, 12), std::string("return value"));

  options.required_prefix = "other";
  ScriptedGuide against(engine->info().vocab_size, [&](const Tokens& t) {
    return ScriptedGuide::Word{t.empty() ? words : Tokens(), [](TokenId) { return true; }, false};
  });
  options.guide = &against;
  EXPECT(Say(*engine, options).status().code() == StatusCode::kInvalidArgument);
}

// Answers when it is let, or not at all.
class SlowGuide final : public ScriptedGuide {
 public:
  explicit SlowGuide(int32_t vocabulary) : ScriptedGuide(vocabulary, [](const Tokens&) { return Word(); }) {}
  Result<bool> Wait(milliseconds most, Step* step) override {
    ++waits;
    if (failed) {
      return Status(StatusCode::kInternal, "the worker has ended");
    }
    if (!free) {
      std::this_thread::sleep_for(most);
      return false;
    }
    return ScriptedGuide::Wait(most, step);
  }
  std::atomic<bool> free{false};
  std::atomic<bool> failed{false};
  std::atomic<int> waits{0};
};

TEST("a cancel in the wait is noticed at once, and the session goes on afterwards") {
  const std::unique_ptr<Engine> engine = LoadNano();
  for (const bool after_some : {false, true}) {
    const std::unique_ptr<Session> session = Open(*engine, SessionOptions(300));
    Sync(*session, Text(60));
    SlowGuide guide(engine->info().vocab_size);
    guide.free = after_some;
    DecodeOptions options;
    options.max_tokens = 200;
    options.lookup.max_draft = 5;
    options.guide = &guide;
    CancelFlag cancel{false};
    std::atomic<int64_t> cancelled_at{0};
    const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch() / milliseconds(1); };
    std::thread other([&] {
      while (guide.waits < 10) {
        std::this_thread::sleep_for(milliseconds(1));
      }
      guide.free = false;
      std::this_thread::sleep_for(milliseconds(20));
      cancelled_at = now();
      cancel = true;
    });
    const Result<DecodeResult> said = session->Decode(options, &cancel, nullptr);
    const int64_t ended_at = now();
    other.join();
    ASSERT_OK(said);
    EXPECT(said.value().reason == StopReason::kCancelled);
    EXPECT_EQ(said.value().tokens.empty(), !after_some);
    EXPECT(ended_at - cancelled_at < 20);
    // What the cache holds is what the timeline says.
    Tokens all = Text(60);
    all.insert(all.end(), said.value().tokens.begin(), said.value().tokens.end());
    Sync(*session, all);
    EXPECT(testing::SaysTheSame(*session, *engine, SessionOptions(300), all));
  }
}

TEST("a guide that fails ends the answer with its reason") {
  const std::unique_ptr<Engine> engine = LoadNano();
  SlowGuide guide(engine->info().vocab_size);
  guide.failed = true;
  DecodeOptions options;
  options.guide = &guide;
  const Result<DecodeResult> said = Say(*engine, options);
  EXPECT(said.status().code() == StatusCode::kInternal);
  EXPECT_EQ(said.status().message(), std::string("the worker has ended"));
  options.forced = {300};
  EXPECT(Say(*engine, options).status().code() == StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
