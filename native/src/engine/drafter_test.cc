// What drafts are made of: the index of suffixes against a plain search, how lengths follow what became of drafts, and
// copies with changes.
#include "engine/drafter.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>

#include "base/random_testing.h"
#include "base/testing.h"
#include "engine/draft_policy.h"
#include "engine/suffix_index.h"

namespace niwaki {
namespace {

using Tokens = std::vector<TokenId>;

// How many tokens before `next` agree with the end of the text.
int Agreement(const Tokens& text, size_t next) {
  int length = 0;
  while (length < SuffixIndex::kLongest && static_cast<size_t>(length) < next &&
         text[next - 1 - static_cast<size_t>(length)] == text[text.size() - 1 - static_cast<size_t>(length)]) {
    ++length;
  }
  return length;
}

SuffixIndex::Match Search(const Tokens& text, int min_length) {
  SuffixIndex::Match best;
  for (size_t next = text.size() < 2 ? 0 : text.size() - 1; next > 0; --next) {
    const int length = Agreement(text, next);
    if (length >= min_length && length > best.length) {
      best = {static_cast<int64_t>(next), length};
    }
  }
  return best;
}

TEST("it finds what a plain search finds, while the text grows, shrinks and changes") {
  testing::Random random(11);
  const auto below = [&](size_t n) { return static_cast<int>(random.Below(static_cast<int64_t>(n))); };
  SuffixIndex index;
  Tokens text;
  int found = 0;
  int longest = 0;
  for (int step = 0; step < 6000; ++step) {
    if (below(40) == 0 && !text.empty()) {  // an edit: the end changes
      text.resize(text.size() - static_cast<size_t>(below(std::min<size_t>(text.size(), 100))));
      index.Update(text);
    } else if (below(10) == 0 && text.size() > 80 && text.size() < 2000) {  // a copy
      const size_t from = static_cast<size_t>(below(text.size() - 40));
      const Tokens copy(text.begin() + static_cast<int64_t>(from), text.begin() + static_cast<int64_t>(from) + 40);
      text.insert(text.end(), copy.begin(), copy.end());
      index.Update(text);
    } else {
      text.push_back(below(40));
      index.Push(text.back());
    }
    const std::span<const TokenId> held = index.tokens();
    EXPECT(std::equal(held.begin(), held.end(), text.begin(), text.end()));
    for (const int min_length : {2, 4}) {
      const SuffixIndex::Match want = Search(text, min_length);
      const SuffixIndex::Match got = index.Find(min_length);
      // Only the latest occurrences are looked at, so that a search is short; here pairs are rare enough.
      EXPECT_EQ(got.next, want.next);
      EXPECT_EQ(got.length, want.length);
      found += got.next >= 0 ? 1 : 0;
      longest = std::max(longest, got.length);
    }
  }
  EXPECT(found > 1000 && longest == SuffixIndex::kLongest);
}

TEST("short texts, and pairs that occur everywhere") {
  SuffixIndex index;
  EXPECT_EQ(index.Find(2).next, -1);
  for (const TokenId id : {5, 5}) {
    index.Push(id);
    EXPECT_EQ(index.Find(2).next, -1);
  }
  index.Push(5);
  EXPECT_EQ(index.Find(2).next, 2);
  index.Update(Tokens(100'000, 7));
  EXPECT_EQ(index.Find(2).next, 99'999);
  EXPECT_EQ(index.Find(2).length, SuffixIndex::kLongest);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 2000; ++i) {
    index.Push(i % 3);
    EXPECT(i < 6 || index.Find(2).next > 0);
  }
  const double us = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / 2000;
  std::printf("    a token and a search in a text of 100,000 tokens: %.2f us\n", us);
  EXPECT(us < 50);  // a search through the text would take more
}

TEST("drafts grow while they are right, shrink when they are wrong, and come back") {
  using Kind = DraftPolicy::Kind;
  DraftPolicy policy;
  const int first = policy.Length(Kind::kMedium, 15);
  EXPECT(first > 0 && first < 15);
  EXPECT(policy.Length(Kind::kShort, 15) <= first && policy.Length(Kind::kLong, 15) >= first);
  EXPECT_EQ(policy.Length(Kind::kLong, 0), 0);
  for (int i = 0; i < 8; ++i) {
    policy.Judge(Kind::kMedium, 8, 8);
  }
  EXPECT(policy.Length(Kind::kMedium, 15) > 8);
  EXPECT_EQ(policy.Length(Kind::kMedium, 6), 6);
  for (int i = 0; i < 30; ++i) {
    policy.Judge(Kind::kMedium, 8, 0);
  }
  EXPECT_EQ(policy.Length(Kind::kMedium, 15), 0);
  for (int i = 0; i < 300; ++i) {
    policy.Time(1, 10);
  }
  EXPECT(policy.Length(Kind::kMedium, 15) > 0);
}

TEST("drafts are as long as batches are cheap, and one odd time changes little") {
  using Kind = DraftPolicy::Kind;
  DraftPolicy cheap;
  DraftPolicy dear;
  for (int i = 0; i < 30; ++i) {
    for (int tokens = 1; tokens <= LookupOptions::kMaxDraft + 1; ++tokens) {
      cheap.Time(tokens, 10 + 0.5 * (tokens - 1));
      dear.Time(tokens, 10.0 * tokens);  // a batch is worth nothing
    }
  }
  EXPECT_NEAR(cheap.Cost(9), 1.4, 0.05);
  EXPECT_NEAR(dear.Cost(9), 9, 1);
  EXPECT(cheap.Length(Kind::kMedium, 15) > DraftPolicy().Length(Kind::kMedium, 15));
  EXPECT_EQ(dear.Length(Kind::kLong, 15), 0);
  cheap.Time(9, 5000);
  EXPECT_NEAR(cheap.Cost(9), 1.4, 0.15);
  for (int i = 0; i < 2000; ++i) {  // what looked dear is tried again
    dear.Time(1, 10);
  }
  EXPECT(dear.Length(Kind::kLong, 15) > 0);
  DraftPolicy tiles;  // passes over 2 to 8 tokens cost the same
  for (int i = 0; i < 30; ++i) {
    for (int tokens = 1; tokens <= 16; ++tokens) {
      tiles.Time(tokens, tokens == 1 ? 10 : tokens <= 8 ? 16 : 40);
    }
  }
  EXPECT_EQ(tiles.Length(Kind::kMedium, 15), 7);
}

Tokens Propose(Drafter& drafter, int most) {
  LookupOptions options;
  options.max_draft = most;
  options.adapt = false;
  const std::span<const TokenId> draft = drafter.Propose(options, most);
  return {draft.begin(), draft.end()};
}

TEST("a copy goes on, is taken up behind a change, and repeats the change where the same tokens come") {
  // The source is 0..9 X 10..19 X 20..29 X 30..39 with X = 100, 101; 200, 201, 202 is said instead.
  Tokens source;
  Tokens wanted;
  for (TokenId id = 0; id < 40; ++id) {
    source.push_back(id);
    wanted.push_back(id);
    if (id % 10 == 9 && id < 39) {
      source.insert(source.end(), {100, 101});
      wanted.insert(wanted.end(), {200, 201, 202});
    }
  }
  Drafter drafter;
  drafter.Begin(source);
  int passes = 0;
  int drafted = 0;
  int accepted = 0;
  for (size_t said = 0; said < wanted.size(); ++passes) {
    const Tokens draft = Propose(drafter, 6);
    drafted += static_cast<int>(draft.size());
    size_t right = 0;
    while (right < draft.size() && said + right < wanted.size() && draft[right] == wanted[said + right]) {
      drafter.Push(draft[right]);
      ++right;
    }
    said += right;
    accepted += static_cast<int>(right);
    if (said < wanted.size()) {
      drafter.Push(wanted[said++]);
    }
  }
  // 49 tokens: two to find the place, seven in one pass, the change token by token and one token behind it, and from
  // then on seven in a pass: the second and the third change are foreseen.
  EXPECT(passes <= 13);
  EXPECT(accepted >= 36 && drafted <= accepted + 12);
}

TEST("a change that is not repeated is no rule, and the end of the text is no source for itself") {
  const Tokens source = {1, 2, 3, 50, 4, 5, 6, 50, 7, 8, 9, 50, 10, 11, 12};
  Drafter drafter;
  const auto say = [&](const Tokens& tokens) {
    for (const TokenId id : tokens) {
      (void)Propose(drafter, 3);
      drafter.Push(id);
    }
  };
  drafter.Begin(source);
  say({1, 2, 3, 60, 4, 5, 6});
  EXPECT((Propose(drafter, 4) == Tokens{60, 7, 8, 9}));
  say({50, 7, 8, 9});  // not this time
  EXPECT((Propose(drafter, 4) == Tokens{50, 10, 11, 12}));
  drafter.Begin(Tokens{7, 7, 7, 7});
  EXPECT((Propose(drafter, 5) == Tokens{7, 7, 7, 7, 7}));
  testing::Random random(4);
  Tokens text;
  for (int round = 0; round < 20; ++round) {  // whatever is said, proposals are tokens of the text
    drafter.Begin(text);
    for (int i = 0; i < 300; ++i) {
      const Tokens draft = Propose(drafter, 15);
      EXPECT(draft.size() <= 15);
      for (const TokenId id : draft) {
        EXPECT(id >= 0 && id < 5);
      }
      text.push_back(draft.empty() || random.Below(3) == 0 ? static_cast<TokenId>(random.Below(5)) : draft.front());
      drafter.Push(text.back());
    }
  }
}

TEST("what is expected has its place in the text, and a copy that departs from it is taken up again there") {
  // The same tokens come before and behind the place: it is the one that says all that is expected, the last one.
  const Tokens expected = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  Tokens text = {3, 40, 41, 42};
  text.insert(text.end(), expected.begin(), expected.end());
  text.insert(text.end(), {11, 3, 43, 44, 2, 50});
  Drafter drafter;
  const auto say = [&](const Tokens& tokens) {
    for (const TokenId id : tokens) {
      (void)Propose(drafter, 3);
      drafter.Push(id);
    }
  };
  drafter.Begin(text, expected);
  EXPECT((Propose(drafter, 4) == Tokens{1, 2, 3, 4}));
  say({1, 2, 60, 61, 4});
  EXPECT((Propose(drafter, 4) == Tokens{5, 6, 7, 8}));
  say({5, 6, 70, 8, 9});
  EXPECT((Propose(drafter, 4) == Tokens{10, 11, 60, 61}));  // as it was changed before
  drafter.Begin(text, Tokens{90, 91, 92, 93});              // it stands nowhere
  EXPECT((Propose(drafter, 3) == Tokens{90, 91, 92}));
  say({90, 5});
  EXPECT(Propose(drafter, 3).empty());
  drafter.Begin(text, Tokens{1});
  EXPECT((Propose(drafter, 3) == Tokens{1}));
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
