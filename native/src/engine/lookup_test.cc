// Prompt lookup: whatever is asked for, the outcome is the one of decoding token by token, only sooner. And teacher
// forcing, and the output head for several tokens and for a few ids.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "engine/engine_impl.h"
#include "engine/engine_testing.h"

namespace niwaki {
namespace {

using testing::Copy;
using testing::LoadNano;
using testing::SameBits;
using Tokens = std::vector<TokenId>;

EngineImpl* Best() {
  static const std::unique_ptr<Engine> engine = LoadNano();
  return static_cast<EngineImpl*>(engine.get());
}

Tokens Encode(const std::string& text) { return Best()->tokenizer().Encode(text, SpecialTokens::kAsText); }

// Texts that the model goes on copying from, and one that it does not.
const std::vector<Tokens>& Prompts() {
  static const std::vector<Tokens> prompts = [] {
    const std::string block =
        "  if (options.verbose) {\n    console.log(`loaded ${count} entries from ${path}`);\n  }\n"
        "  for (const entry of entries) {\n    total += entry.size;\n    names.push(entry.name);\n  }\n";
    const std::string list = "const colors = [\n  'red',\n  'green',\n  'blue',\n];\n";
    return std::vector<Tokens>{
        Encode("function first() {\n" + block + "}\n\nfunction second() {\n" + block.substr(0, 60)),
        Encode(list + list + list + "const colors = [\n"), testing::GoldenPrompts()[5].ids,
        Encode("aaaaaaaaaaaaaaaaaaaaaaaa")};
  }();
  return prompts;
}

struct Outcome {
  DecodeResult result;
  std::vector<TokenEvent> events;
  Tokens timeline;
  std::vector<float> logits;
  StatusCode code = StatusCode::kOk;
};

// `act` is told of each event and may set `cancel`.
Outcome Run(Session& session, const DecodeOptions& options, CancelFlag* cancel = nullptr,
            const TokenSink& act = nullptr) {
  Outcome out;
  const Result<DecodeResult> result = session.Decode(options, cancel, [&](const TokenEvent& event) {
    out.events.push_back(event);
    return !act || act(event);
  });
  if (result.ok()) {
    out.result = result.value();
  }
  out.code = result.status().code();
  out.timeline.assign(session.timeline().begin(), session.timeline().end());
  out.logits = Copy(session.logits());
  return out;
}

bool SameEvents(const std::vector<TokenEvent>& a, const std::vector<TokenEvent>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const TokenEvent& x, const TokenEvent& y) {
    return x.id == y.id && x.text == y.text && x.logprob == y.logprob && x.top == y.top;
  });
}

// Sums over what a case has compared.
struct Totals {
  int64_t tokens = 0;
  int64_t batches = 0;
  int64_t drafted = 0;
  int64_t accepted = 0;
};

// Decodes with and without lookup, the first `prepare` tokens without in both, and expects one outcome.
void Compare(const Tokens& prompt, const DecodeOptions& options, Totals* totals, int32_t context = 0,
             int stop_after = 0, int cancel_after = 0) {
  Outcome outcomes[2];
  for (const bool lookup : {false, true}) {
    Result<std::unique_ptr<Session>> session = Best()->NewSession(context);
    ASSERT_OK(session);
    ASSERT_OK(session.value()->Sync(prompt, nullptr, nullptr));
    DecodeOptions mine = options;
    mine.lookup.max_draft = lookup ? LookupOptions::kMaxDraft : 0;
    mine.lookup.adapt = options.lookup.adapt;
    mine.lookup.expected = lookup ? options.lookup.expected : Tokens();
    CancelFlag cancel{false};
    int calls = 0;
    outcomes[lookup] = Run(*session.value(), mine, &cancel, [&](const TokenEvent&) {
      ++calls;
      cancel = cancel_after > 0 && calls >= cancel_after;
      return calls != stop_after;
    });
  }
  const auto& [plain, drafted] = outcomes;
  EXPECT(plain.code == drafted.code);
  EXPECT(plain.result.tokens == drafted.result.tokens);
  EXPECT_EQ(plain.result.text, drafted.result.text);
  EXPECT(plain.result.reason == drafted.result.reason);
  EXPECT(SameEvents(plain.events, drafted.events));
  EXPECT(plain.timeline == drafted.timeline);
  if (cancel_after == 0) {  // a pass that is cancelled leaves no logits, a draft that is cut short does
    EXPECT(SameBits(plain.logits, drafted.logits));
  }
  EXPECT_EQ(plain.result.drafted + plain.result.accepted, 0);
  EXPECT(drafted.result.accepted <= drafted.result.drafted);
  totals->tokens += static_cast<int64_t>(drafted.result.tokens.size());
  totals->batches += drafted.result.batches;
  totals->drafted += drafted.result.drafted;
  totals->accepted += drafted.result.accepted;
}

DecodeOptions Upto(int max_tokens) {
  DecodeOptions options;
  options.max_tokens = max_tokens;
  options.sampling.banned = {Best()->tokenizer().eos()};
  options.lookup.adapt = false;  // what a draft costs here and now must not decide what a case shows
  return options;
}

TEST("greedy: the same tokens, events, timeline and logits, in fewer passes") {
  Totals totals;
  for (const Tokens& prompt : Prompts()) {
    for (const int count : {0, 1, 2, 3, 17, 90}) {
      DecodeOptions options = Upto(count);
      options.sampling.logprobs = count % 2 == 1;
      options.sampling.top_logprobs = count == 17 ? 3 : 0;
      Compare(prompt, options, &totals);
    }
  }
  EXPECT(totals.accepted > totals.tokens / 2);
  EXPECT(totals.batches < totals.tokens / 2);
  EXPECT(totals.drafted > totals.accepted);  // some were wrong, or the case shows little
  std::printf("    greedy: %lld tokens in %lld passes, %lld drafted, %lld accepted\n",
              static_cast<long long>(totals.tokens), static_cast<long long>(totals.batches),
              static_cast<long long>(totals.drafted), static_cast<long long>(totals.accepted));
}

TEST("what is expected comes in as few passes as it is right, and changes nothing where it is wrong") {
  for (const Tokens& prompt : Prompts()) {
    DecodeOptions options = Upto(32);
    Totals unaided;
    Compare(prompt, options, &unaided);
    Result<std::unique_ptr<Session>> session = Best()->NewSession(0);
    ASSERT_OK(session);
    ASSERT_OK(session.value()->Sync(prompt, nullptr, nullptr));
    const Outcome plain = Run(*session.value(), options, nullptr, [](const TokenEvent&) { return true; });
    const Tokens& said = plain.result.tokens;
    options.lookup.expected = said;
    Totals right;
    Compare(prompt, options, &right);
    // The prompt gives the first token, each pass sixteen of the others.
    EXPECT_EQ(right.batches, static_cast<int64_t>((said.size() - 1 + 15) / 16));
    options.lookup.expected.resize(said.size() / 2);
    options.lookup.expected.back() = said[said.size() / 2 - 1] == 7 ? 8 : 7;
    Totals half;
    Compare(prompt, options, &half);
    EXPECT(half.accepted >= static_cast<int64_t>(said.size() / 2) - 2);
    options.lookup.expected = {said[0] == 7 ? 8 : 7, 9, 10};
    Totals wrong;
    Compare(prompt, options, &wrong);
    EXPECT_EQ(wrong.batches, unaided.batches);  // noticed with the first token, before anything is drafted
    options.lookup.expected = {static_cast<TokenId>(Best()->info().vocab_size)};
    options.lookup.max_draft = LookupOptions::kMaxDraft;
    EXPECT(!session.value()->Decode(options, nullptr, [](const TokenEvent&) { return true; }).ok());
  }
}

TEST("drafts of the length that pays: the same again") {
  Totals totals;
  for (const Tokens& prompt : Prompts()) {
    DecodeOptions options = Upto(90);
    options.lookup.adapt = true;
    Compare(prompt, options, &totals);
    options.sampling.temperature = 0.8f;
    Compare(prompt, options, &totals);
  }
  EXPECT(totals.drafted > 0);
}

TEST("sampling: the same text for every seed") {
  Totals totals;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    DecodeOptions options = Upto(40);
    options.sampling.seed = seed;
    options.sampling.temperature = seed % 3 == 0 ? 0.4f : seed % 3 == 1 ? 0.9f : 1.5f;
    options.sampling.top_p = seed % 2 == 0 ? 0.9f : 1.0f;
    options.sampling.top_k = seed % 5 == 0 ? 20 : 0;
    Compare(Prompts()[seed % Prompts().size()], options, &totals);
  }
  EXPECT(totals.accepted > 100 && totals.drafted > totals.accepted + 50);
  std::printf("    sampled: %lld tokens in %lld passes, %lld drafted, %lld accepted\n",
              static_cast<long long>(totals.tokens), static_cast<long long>(totals.batches),
              static_cast<long long>(totals.drafted), static_cast<long long>(totals.accepted));
}

TEST("penalties, bans, biases, masks and required prefixes hold in drafts too") {
  Totals totals;
  for (const Tokens& prompt : Prompts()) {
    DecodeOptions options = Upto(60);
    options.sampling.repetition_penalty = 1.1f;
    options.sampling.penalty_window = 32;
    Compare(prompt, options, &totals);
    options = Upto(60);
    options.sampling.presence_penalty = 0.5f;
    options.sampling.frequency_penalty = 0.2f;
    options.sampling.penalty_window = 0;
    Compare(prompt, options, &totals);
    options = Upto(60);
    options.sampling.banned.push_back(prompt[prompt.size() / 2]);
    options.sampling.banned.push_back(prompt[prompt.size() / 3]);
    options.sampling.logit_bias = {{prompt.back(), 1.5f}};
    Compare(prompt, options, &totals);
    options = Upto(60);
    options.sampling.allowed.assign(static_cast<size_t>(Best()->info().vocab_size + 31) / 32, 0);
    for (const TokenId id : prompt) {
      options.sampling.allowed[static_cast<size_t>(id) / 32] |= 1u << (id % 32);
    }
    Compare(prompt, options, &totals);
    for (const std::string prefix : {"  i", "con", "'gr", "}\n\nfunc", "zzq"}) {
      options = Upto(60);
      options.required_prefix = prefix;
      Compare(prompt, options, &totals);
    }
  }
  EXPECT(totals.accepted > 300 && totals.drafted > totals.accepted);
}

TEST("stop strings and stop tokens end it where they would without") {
  Totals totals;
  const Tokens& prompt = Prompts()[0];
  Result<std::unique_ptr<Session>> session = Best()->NewSession(0);
  ASSERT_OK(session);
  ASSERT_OK(session.value()->Sync(prompt, nullptr, nullptr));
  const DecodeResult whole = Run(*session.value(), Upto(48)).result;
  EXPECT(whole.text.size() > 80);
  for (size_t begin = 0; begin + 6 < whole.text.size(); begin += 5) {
    DecodeOptions options = Upto(48);
    options.stop_strings = {whole.text.substr(begin, 1 + begin % 5)};
    Compare(prompt, options, &totals);
  }
  for (const TokenId id : whole.tokens) {
    DecodeOptions options = Upto(48);
    options.stop_tokens = {id};
    Compare(prompt, options, &totals);
  }
  EXPECT(totals.accepted > 100);
}

TEST("a sink that stops, a cancel, a full context: at every token of an accepted run") {
  Totals totals;
  const Tokens& prompt = Prompts()[1];
  for (int at = 1; at <= 24; ++at) {
    Compare(prompt, Upto(40), &totals, 0, at);
    Compare(prompt, Upto(40), &totals, 0, 0, at);
    Compare(prompt, Upto(40), &totals, static_cast<int32_t>(prompt.size()) + at - 1);
  }
  EXPECT(totals.accepted > 300);
}

TEST("a session goes on after a draft was cut short, with lookup and without") {
  const Tokens& prompt = Prompts()[1];
  Result<std::unique_ptr<Session>> session = Best()->NewSession(0);
  Result<std::unique_ptr<Session>> reference = Best()->NewSession(0);
  ASSERT_OK(session);
  ASSERT_OK(reference);
  ASSERT_OK(session.value()->Sync(prompt, nullptr, nullptr));
  ASSERT_OK(reference.value()->Sync(prompt, nullptr, nullptr));
  const DecodeResult whole = Run(*reference.value(), Upto(120)).result;
  Tokens said;
  for (int round = 0; round < 12; ++round) {
    DecodeOptions options = Upto(40);
    options.lookup.max_draft = round % 3 == 2 ? 0 : 15;
    int left = 3 + round % 5;
    const Outcome part = Run(*session.value(), options, nullptr, [&](const TokenEvent&) { return --left > 0; });
    said.insert(said.end(), part.result.tokens.begin(), part.result.tokens.end());
    Tokens all = prompt;
    all.insert(all.end(), said.begin(), said.end());
    SyncStats stats;
    ASSERT_OK(session.value()->Sync(all, nullptr, &stats));
    EXPECT_EQ(stats.evaluated, 1);
  }
  EXPECT(said.size() > 40 && std::equal(said.begin(), said.end(), whole.tokens.begin()));
  // A change in the middle of what was drafted from.
  Tokens changed = prompt;
  changed[changed.size() / 2] = prompt[0];
  Totals totals;
  ASSERT_OK(session.value()->Sync(changed, nullptr, nullptr));
  ASSERT_OK(reference.value()->Sync(changed, nullptr, nullptr));
  DecodeOptions options = Upto(40);
  const Outcome plain = Run(*reference.value(), options);
  options.lookup.max_draft = 15;
  EXPECT(Run(*session.value(), options).result.tokens == plain.result.tokens);
}

TEST("forced tokens are said, with the model's probabilities, and the draws go on after them") {
  const Tokens& prompt = Prompts()[0];
  const Tokens forced = Encode("return options.verbose ? total : names.length;\n");
  Result<std::unique_ptr<Session>> session = Best()->NewSession(0);
  ASSERT_OK(session);
  ASSERT_OK(session.value()->Sync(prompt, nullptr, nullptr));
  DecodeOptions options = Upto(static_cast<int>(forced.size()) + 6);
  options.forced = forced;
  options.sampling.logprobs = true;
  const Outcome out = Run(*session.value(), options);
  EXPECT_EQ(out.result.tokens.size(), forced.size() + 6);
  EXPECT(std::equal(forced.begin(), forced.end(), out.result.tokens.begin()));
  Tokens so_far = prompt;
  for (size_t i = 0; i < forced.size(); ++i) {
    ASSERT_OK(session.value()->Sync(so_far, nullptr, nullptr));
    double total = 0;
    for (const float logit : session.value()->logits()) {
      total += std::exp(static_cast<double>(logit));
    }
    EXPECT_NEAR(out.events[i].logprob, session.value()->logits()[static_cast<size_t>(forced[i])] - std::log(total),
                1e-4);
    so_far.push_back(forced[i]);
  }
  ASSERT_OK(session.value()->Sync(so_far, nullptr, nullptr));
  const Outcome rest = Run(*session.value(), Upto(6));
  EXPECT(std::equal(rest.result.tokens.begin(), rest.result.tokens.end(),
                    out.result.tokens.begin() + static_cast<int64_t>(forced.size())));
  Totals totals;
  Compare(prompt, options, &totals);
  options.forced = {prompt.begin(), prompt.begin() + 60};  // a copy
  options.max_tokens = 60;
  Compare(prompt, options, &totals);
  ASSERT_OK(session.value()->Sync(prompt, nullptr, nullptr));
  EXPECT_EQ(Run(*session.value(), options).result.batches, int64_t{4});  // 59 tokens, up to 16 in a pass
  for (const TokenId wrong : {TokenId{-1}, Best()->info().vocab_size}) {
    options.forced = {wrong};
    EXPECT(session.value()->Decode(options, nullptr, nullptr).status().code() == StatusCode::kInvalidArgument);
  }
}

TEST("the output head: several rows at once and some panels give the bits of one full row") {
  for (const std::string& table : testing::FastTables()) {
    const std::unique_ptr<Engine> owner = LoadNano(table);
    EngineImpl& engine = static_cast<EngineImpl&>(*owner);
    Result<std::unique_ptr<Session>> session = engine.NewSession(0);
    ASSERT_OK(session);
    const size_t d = static_cast<size_t>(engine.info().embedding_length);
    const size_t vocabulary = static_cast<size_t>(engine.info().vocab_size);
    const int64_t rows = Qwen3::kMaxLogits;
    const Tokens prompt(Prompts()[0].begin(), Prompts()[0].begin() + rows);
    ASSERT_OK(session.value()->Sync(prompt, nullptr, nullptr));
    std::vector<float> hidden(static_cast<size_t>(rows) * d);
    engine.model().Hidden(rows, hidden.data());
    std::vector<std::vector<float>> single;
    for (int64_t row = 0; row < rows; ++row) {
      const float* logits = engine.model().Logits(hidden.data() + row * static_cast<int64_t>(d), 1, {}, nullptr);
      single.emplace_back(logits, logits + vocabulary);
    }
    EXPECT(SameBits(single.back(), session.value()->logits()));
    const float* all = engine.model().Logits(hidden.data(), rows, {}, nullptr);
    for (int64_t row = 0; row < rows; ++row) {
      EXPECT(SameBits({all + row * engine.model().logits_stride(), vocabulary}, single[static_cast<size_t>(row)]));
    }
    const int32_t last = static_cast<int32_t>((vocabulary - 1) / 32);
    const std::vector<int32_t> panels = {0, 3, 4, 17, last};
    const float* some = engine.model().Logits(hidden.data(), 3, panels, nullptr);
    for (int64_t row = 0; row < 3; ++row) {
      size_t wrong = 0;
      for (size_t id = 0; id < vocabulary; ++id) {
        const float logit = some[static_cast<size_t>(row * engine.model().logits_stride()) + id];
        const bool wanted = std::find(panels.begin(), panels.end(), static_cast<int32_t>(id / 32)) != panels.end();
        wrong += logit != (wanted ? single[static_cast<size_t>(row)][id] : -INFINITY) ? 1 : 0;
      }
      EXPECT_EQ(wrong, size_t{0});
    }
    CancelFlag cancel{true};
    EXPECT(engine.model().Logits(hidden.data(), rows, {}, &cancel) == nullptr);
    EXPECT(engine.model().Logits(hidden.data(), rows, panels, &cancel) == nullptr);
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
