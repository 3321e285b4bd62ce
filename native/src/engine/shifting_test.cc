// Shifted reuse: after an edit in the middle what follows is moved, nearly right, never shared, and exact again once
// somebody has computed it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "base/random_testing.h"
#include "engine/session_testing.h"

namespace niwaki {
namespace {

using testing::Copy;
using testing::Fresh;
using testing::kF16;
using testing::kKv4;
using testing::LoadNano;
using testing::Open;
using testing::SameBits;
using testing::SaysTheSame;
using testing::Sync;
using testing::Text;
using testing::Tokens;

SessionOptions Shifting(KvCodec codec) {
  SessionOptions options(codec);
  options.shift = true;
  return options;
}

Tokens Insert(Tokens tokens, size_t at, size_t count, size_t begin = 333) {
  const Tokens more = Text(count, begin);
  tokens.insert(tokens.begin() + static_cast<int64_t>(at), more.begin(), more.end());
  return tokens;
}
Tokens Erase(Tokens tokens, size_t at, size_t count) {
  tokens.erase(tokens.begin() + static_cast<int64_t>(at), tokens.begin() + static_cast<int64_t>(at + count));
  return tokens;
}

// KL(exact || other) of the next token's distribution, in nats.
double Divergence(const std::vector<float>& exact, const std::vector<float>& other) {
  const auto sum = [](const std::vector<float>& logits) {
    const double top = *std::max_element(logits.begin(), logits.end());
    double total = 0;
    for (const float x : logits) {
      total += std::exp(x - top);
    }
    return top + std::log(total);
  };
  const double a = sum(exact);
  const double b = sum(other);
  double kl = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    kl += std::exp(exact[i] - a) * ((exact[i] - a) - (other[i] - b));
  }
  return kl;
}

TEST("an edit in the middle: little is computed, and the next token is nearly as likely as before") {
  const std::unique_ptr<Engine> engine = LoadNano();
  for (const KvCodec codec : {kF16, kKv4}) {
    for (const auto& [at, count] : {std::pair<size_t, size_t>{300, 3}, {5, 1}, {640, 40}, {257, 200}}) {
      for (const bool insert : {true, false}) {
        const Tokens before = Text(1200);
        const Tokens after = insert ? Insert(before, at, count) : Erase(before, at, count);
        const std::unique_ptr<Session> session = Open(*engine, Shifting(codec));
        Sync(*session, before);
        const SyncStats stats = Sync(*session, after);
        EXPECT(stats.shifted >= 256);
        // The edited page, the first tokens behind it, and the page at hand.
        EXPECT(stats.evaluated <= static_cast<int64_t>(3 * 128 + 32 + (insert ? count : 0)));
        EXPECT_EQ(stats.evaluated + stats.reused, static_cast<int64_t>(after.size()));
        EXPECT_EQ(session->timeline().size(), after.size());
        const double kl = Divergence(Fresh(*engine, codec, after), Copy(session->logits()));
        if (!(kl < 0.1)) {
          testing::Fail(__FILE__, __LINE__, "KL " + std::to_string(kl));
        }
      }
    }
  }
}

// Prompts with what follows the cursor first, as two places of one text have them: the function between the places
// stands at the beginning of the one and at the end of the other.
TEST("a jump to another function: hardly anything is computed, there and back") {
  const std::unique_ptr<Engine> engine = LoadNano();
  const Tokens text = Text(1500);
  const auto prompt = [&](size_t cursor, size_t typed) {
    Tokens tokens = {6, 300, 1, 2};
    tokens.insert(tokens.end(), text.begin() + static_cast<int64_t>(cursor), text.end());
    tokens.push_back(3);
    tokens.insert(tokens.end(), text.begin(), text.begin() + static_cast<int64_t>(cursor));
    const Tokens fresh = Text(typed, 700 + cursor);
    tokens.insert(tokens.end(), fresh.begin(), fresh.end());
    return tokens;
  };
  for (const KvCodec codec : {kF16, kKv4}) {
    for (const auto& [from, to] : {std::pair<size_t, size_t>{700, 1010}, {700, 333}, {100, 1200}, {1411, 45}}) {
      const std::unique_ptr<Session> session = Open(*engine, Shifting(codec));
      Sync(*session, prompt(from, 3));
      for (const size_t cursor : {to, from}) {
        const Tokens wanted = prompt(cursor, 5);
        const SyncStats stats = Sync(*session, wanted);
        EXPECT_EQ(stats.evaluated + stats.reused, static_cast<int64_t>(wanted.size()));
        EXPECT(std::equal(wanted.begin(), wanted.end(), session->timeline().begin(), session->timeline().end()));
        // Three seams, each 32 tokens and what the page has before its next group, what the page at hand has where it
        // is not worth moving, and what is new.
        if (!(stats.evaluated <= 3 * (32 + 31) + 48 + 16)) {
          testing::Fail(__FILE__, __LINE__, std::to_string(stats.evaluated) + " tokens");
        }
        const double kl = Divergence(Fresh(*engine, codec, wanted), Copy(session->logits()));
        if (!(kl < 0.2)) {
          testing::Fail(__FILE__, __LINE__, "KL " + std::to_string(kl));
        }
      }
    }
  }
}

TEST("what was moved is shared with nobody, and taken back when the exact text is there") {
  const std::unique_ptr<Engine> engine = LoadNano();
  for (const KvCodec codec : {kF16, kKv4}) {
    const Tokens before = Text(900);
    const Tokens after = Insert(before, 200, 5);
    const std::unique_ptr<Session> session = Open(*engine, Shifting(codec));
    Sync(*session, before);
    EXPECT(Sync(*session, after).shifted > 0);
    EXPECT(!SaysTheSame(*session, *engine, codec, after));
    Tokens typed = after;
    for (size_t i = 0; i < 100; ++i) {  // over the end of a page
      typed.push_back(Text(1, 40 + i)[0]);
      Sync(*session, typed);
    }
    const std::unique_ptr<Session> other = Open(*engine, codec);
    EXPECT_EQ(Sync(*other, typed).shared, int64_t{256});  // the edited page was computed anew
    EXPECT(SaysTheSame(*other, *engine, codec, typed));
    typed.push_back(7);
    EXPECT_EQ(Sync(*session, typed).evaluated, int64_t{1});  // somebody is typing: not now
    session->Shift(false);                                   // now
    const SyncStats stats = Sync(*session, typed);
    EXPECT(stats.shared > 384 && stats.evaluated < 129);
    EXPECT(SaysTheSame(*session, *engine, codec, typed));
    session->Shift(true);
    typed.push_back(8);
    EXPECT_EQ(Sync(*session, typed).evaluated, int64_t{1});
    EXPECT(SaysTheSame(*session, *engine, codec, typed));
  }
}

TEST("many edits: the text is the right one, and little is computed for each") {
  const std::unique_ptr<Engine> engine = LoadNano();
  for (const KvCodec codec : {kF16, kKv4}) {
    const std::unique_ptr<Session> session = Open(*engine, Shifting(codec));
    Tokens tokens = Text(1500);
    Sync(*session, tokens);
    testing::Random random(5);
    int64_t evaluated = 0;
    constexpr int kEdits = 80;
    for (int edit = 0; edit < kEdits; ++edit) {
      const size_t at = 10 + static_cast<size_t>(random.Below(static_cast<int64_t>(tokens.size()) - 200));
      const size_t count = 1 + static_cast<size_t>(random.Below(3));
      tokens = random.Below(2) == 0 ? Insert(tokens, at, count, at) : Erase(tokens, at, count);
      const SyncStats stats = Sync(*session, tokens);
      evaluated += stats.evaluated;
      EXPECT(std::equal(tokens.begin(), tokens.end(), session->timeline().begin(), session->timeline().end()));
      for (const float x : session->logits()) {
        EXPECT(std::isfinite(x));
      }
      EXPECT(Divergence(Fresh(*engine, codec, tokens), Copy(session->logits())) < 1.0);
    }
    std::printf("    %.0f tokens an edit\n", static_cast<double>(evaluated) / kEdits);
    EXPECT(evaluated < kEdits * 600);
  }
}

TEST("interrupted while it computes what lies between, and gone on with") {
  const std::unique_ptr<Engine> engine = LoadNano();
  for (const KvCodec codec : {kF16, kKv4}) {
    const Tokens before = Text(1200);
    const Tokens after = Insert(before, 200, 150);
    std::unique_ptr<Session> whole = Open(*engine, Shifting(codec));
    Sync(*whole, before);
    const SyncStats want = Sync(*whole, after);
    whole.reset();  // what it has computed in between would be shared
    for (const int64_t until : {180, 250, 350}) {
      const std::unique_ptr<Session> session = Open(*engine, Shifting(codec));
      Sync(*session, before);
      CancelFlag cancel{false};
      const Status status = session->Sync(after, &cancel, nullptr, [&](int64_t done, int64_t) {
        if (done >= until) {
          cancel = true;
        }
      });
      EXPECT(status.code() == StatusCode::kCancelled);
      Tokens typed = after;
      typed.push_back(9);
      const SyncStats stats = Sync(*session, typed);
      EXPECT(stats.shifted > 0);
      EXPECT(stats.evaluated <= want.evaluated + 129);
    }
  }
}

TEST("cancelled before anything is placed: what could be moved is still there") {
  const std::unique_ptr<Engine> engine = LoadNano();
  const Tokens before = Text(1200);
  const Tokens after = Insert(before, 300, 3);
  for (const KvCodec codec : {kF16, kKv4}) {
    SessionOptions options = Shifting(codec);
    options.isolated = true;
    const std::unique_ptr<Session> other = Open(*engine, options);
    Sync(*other, before);
    const SyncStats want = Sync(*other, after);
    const std::unique_ptr<Session> session = Open(*engine, options);
    Sync(*session, before);
    const CancelFlag cancel{true};
    EXPECT(session->Sync(after, &cancel, nullptr).code() == StatusCode::kCancelled);
    EXPECT_EQ(session->timeline().size(), before.size());
    const SyncStats stats = Sync(*session, after);
    EXPECT(stats.shifted > 256);
    EXPECT_EQ(stats.shifted, want.shifted);
    EXPECT_EQ(stats.evaluated, want.evaluated);
    EXPECT(SameBits(Copy(session->logits()), Copy(other->logits())));
  }
}

TEST("the memory of moved pages can be taken as well") {
  const std::unique_ptr<Engine> engine = LoadNano();
  engine->SetKvBudget(1);
  const std::unique_ptr<Session> a = Open(*engine, Shifting(kKv4));
  const std::unique_ptr<Session> b = Open(*engine, Shifting(kKv4));
  Tokens tokens = Text(900);
  for (int round = 0; round < 3; ++round) {
    Sync(*a, tokens);
    tokens = Insert(tokens, 200, 5);
    EXPECT(Sync(*a, tokens).shifted > 0);
    Sync(*b, Text(700, 50));
    EXPECT_EQ(engine->kv_bytes(), b->kv_bytes());
    EXPECT(SaysTheSame(*b, *engine, kKv4, Text(700, 50)));
  }
  Sync(*a, tokens);
  EXPECT(SaysTheSame(*a, *engine, kKv4, tokens));
}

TEST("forks of a moved timeline say what it says") {
  const std::unique_ptr<Engine> engine = LoadNano();
  for (const KvCodec codec : {kF16, kKv4}) {
    const std::unique_ptr<Session> session = Open(*engine, Shifting(codec));
    Sync(*session, Text(900));
    const Tokens after = Insert(Text(900), 300, 2);
    Sync(*session, after);
    Result<std::unique_ptr<Session>> fork = session->Fork();
    ASSERT_OK(fork.status());
    Tokens typed = after;
    typed.push_back(11);
    Sync(*session, typed);
    Sync(*fork.value(), typed);
    EXPECT(SameBits(session->logits(), fork.value()->logits()));
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
