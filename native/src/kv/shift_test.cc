// Moved pages: keys are seen at their new places, and the error that codes leave in attention is that of a cache which
// was filled there, however often the text was edited. Here what a token says does not depend on what is before it, so
// that nothing but the moving is looked at.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>
#include <vector>

#include "base/random_testing.h"
#include "base/testing.h"
#include "kernels/kernels_testing.h"
#include "kv/cache.h"
#include "model/rope.h"

namespace niwaki {
namespace {

using testing::AllTables;
using testing::Random;
using testing::RelativeError;
using Vec = std::vector<float>;
using Tokens = std::vector<int32_t>;

constexpr KvShape kShape{1, 2, 64};
constexpr int64_t kSize = kShape.head_size;

ThreadPool& Pool() {
  static ThreadPool pool(2);
  return pool;
}
const RopeTable& Rope() {
  static const RopeTable table(RopeConfig{}, kSize);
  return table;
}

// Of a token in a head, before it is turned by its position.
Vec Entry(int32_t token, int64_t head, int kind) {
  Random random(static_cast<uint64_t>(1 + kind + 2 * (head * 1000003 + token)));
  return testing::Floats(kSize, [&] { return random.Gauss(); });
}
Vec Turned(Vec x, int64_t position) {
  Vec cos(static_cast<size_t>(kSize / 2));
  Vec sin(static_cast<size_t>(kSize / 2));
  Rope().Fill(position, 1, kSize / 2, cos.data(), sin.data());
  for (size_t i = 0; i < static_cast<size_t>(kSize / 2); ++i) {
    const float a = x[i];
    const float b = x[i + static_cast<size_t>(kSize / 2)];
    x[i] = a * cos[i] - b * sin[i];
    x[i + static_cast<size_t>(kSize / 2)] = b * cos[i] + a * sin[i];
  }
  return x;
}
Vec Query(int64_t position) {
  Vec q = Turned(Entry(4242, 9, 0), position);
  for (float& x : q) {
    x *= 1.5f / std::sqrt(static_cast<float>(kSize));
  }
  return q;
}

std::unique_ptr<KvCache> NewCache(bool coded, const KernelTable& table) {
  KvCachePlace place(4096);
  place.turn = [](int64_t positions, float* cos, float* sin) { Rope().FillTurn(positions, cos, sin); };
  if (!coded) {
    return NewF16KvCache(kShape, place, table);
  }
  const size_t n = static_cast<size_t>(kShape.kv_heads * kSize);
  return NewCodedKvCache(kShape, place, std::vector<KvCodec>(1),
                         NewKvBasis(kShape, {Vec(n, 0.0f), Vec(n, 1.0f), "norms"}), table);
}

// What a session does, with entries in place of a model.
class Timeline {
 public:
  explicit Timeline(std::unique_ptr<KvCache> cache) : cache_(std::move(cache)) {}

  void Sync(const Tokens& tokens) {
    const int64_t common =
        std::mismatch(tokens.begin(), tokens.begin() + static_cast<int64_t>(std::min(tokens.size(), held_.size())),
                      held_.begin())
            .first -
        tokens.begin();
    const int64_t own = std::min(common, static_cast<int64_t>(tokens.size()) - 1);
    EXPECT(cache_->Settle(own, Pool(), nullptr).ok());
    const std::vector<KvShiftPiece> pieces =
        cache_->PlanShift(held_, std::span(tokens).first(tokens.size() - 1), own, nullptr);
    const int64_t left = cache_->Adopt(tokens, own, nullptr).tokens;
    held_.assign(tokens.begin(), tokens.begin() + left);
    for (const KvShiftPiece& piece : pieces) {
      Fill(tokens, piece.begin);
      EXPECT(cache_->Place(piece, Pool(), nullptr).ok());
      held_.assign(tokens.begin(), tokens.begin() + piece.begin + piece.tokens());
      moved += piece.tokens();
    }
    Fill(tokens, static_cast<int64_t>(tokens.size()));
  }

  Vec Attend(int32_t head) const {
    const int64_t length = static_cast<int64_t>(held_.size());
    const Vec q = Query(length - 1);
    Vec out(q.size());
    cache_->Attend(0, head, {q.data(), 0, out.data(), 0, 1, 1, kSize, nullptr, nullptr}, length);
    return out;
  }
  Vec Naive(int32_t head) const {
    const Vec q = Query(static_cast<int64_t>(held_.size()) - 1);
    std::vector<double> sum(static_cast<size_t>(kSize));
    double total = 0;
    for (size_t t = 0; t < held_.size(); ++t) {
      const Vec k = Turned(Entry(held_[t], head, 0), static_cast<int64_t>(t));
      const Vec v = Entry(held_[t], head, 1);
      double score = 0;
      for (size_t i = 0; i < k.size(); ++i) {
        score += static_cast<double>(q[i]) * k[i];
      }
      const double weight = std::exp(score);
      total += weight;
      for (size_t i = 0; i < v.size(); ++i) {
        sum[i] += weight * v[i];
      }
    }
    Vec out;
    for (const double s : sum) {
      out.push_back(static_cast<float>(s / total));
    }
    return out;
  }
  int64_t moved = 0;

 private:
  void Fill(const Tokens& tokens, int64_t end) {
    while (static_cast<int64_t>(held_.size()) < end) {
      const int64_t begin = static_cast<int64_t>(held_.size());
      const int64_t next = std::min(end, begin + cache_->room(begin));
      EXPECT(cache_->Prepare(begin, next, Pool()).ok());
      for (int64_t t = begin; t < next; ++t) {
        const int32_t token = tokens[static_cast<size_t>(t)];
        for (int32_t head = 0; head < kShape.kv_heads; ++head) {
          cache_->Store(0, head, t, Turned(Entry(token, head, 0), t).data(), Entry(token, head, 1).data());
        }
      }
      cache_->Append(std::span(tokens).subspan(static_cast<size_t>(begin), static_cast<size_t>(next - begin)));
      held_.assign(tokens.begin(), tokens.begin() + next);
    }
  }

  std::unique_ptr<KvCache> cache_;
  Tokens held_;
};

// Inserts or deletes one to three tokens somewhere before the last 150.
void Edit(Tokens* tokens, Random* random, int32_t* fresh) {
  const auto at = tokens->begin() + random->Below(static_cast<int64_t>(tokens->size()) - 150);
  const int64_t count = 1 + random->Below(3);
  if (random->Below(2) == 0) {
    tokens->erase(at, at + count);
  } else {
    Tokens more;
    for (int64_t i = 0; i < count; ++i) {
      more.push_back((*fresh)++);
    }
    tokens->insert(at, more.begin(), more.end());
  }
}

TEST("after a hundred edits attention is that of a cache which was filled where things are") {
  for (const KernelTable* table : AllTables()) {
    for (const bool coded : {false, true}) {
      Timeline edited(NewCache(coded, *table));
      Random random(coded ? 3 : 4);
      Tokens tokens;
      for (int32_t i = 0; i < 1300; ++i) {
        tokens.push_back(i);
      }
      int32_t fresh = 100000;
      edited.Sync(tokens);
      double moved_error = 0;
      double cold_error = 0;
      const int edits = table == AllTables().front() ? 100 : 12;
      for (int edit = 0; edit < edits; ++edit) {
        Edit(&tokens, &random, &fresh);
        edited.Sync(tokens);
        if (edit % 10 == 9 || edit + 1 == edits) {
          Timeline cold(NewCache(coded, *table));
          cold.Sync(tokens);
          EXPECT_EQ(cold.moved, int64_t{0});
          for (int32_t head = 0; head < kShape.kv_heads; ++head) {
            const Vec want = cold.Naive(head);
            moved_error += std::pow(RelativeError(edited.Attend(head), want), 2);
            cold_error += std::pow(RelativeError(cold.Attend(head), want), 2);
          }
        }
      }
      EXPECT(edited.moved > edits * 100);
      const double ratio = std::sqrt(moved_error / cold_error);
      if (!(ratio < (coded ? 1.25 : 1.5))) {
        testing::Fail(__FILE__, __LINE__, std::string(table->name) + ": " + std::to_string(ratio));
      }
    }
  }
}

TEST("a plan is given up when nobody wants it any more, and nothing is lost by it") {
  // A text that repeats itself: most of a page is found everywhere.
  constexpr size_t kPages = 96;
  constexpr size_t kPage = static_cast<size_t>(KvCache::kPageTokens);
  KvCachePlace place(1 << 15);
  place.turn = [](int64_t positions, float* cos, float* sin) { Rope().FillTurn(positions, cos, sin); };
  const std::unique_ptr<KvCache> cache = NewF16KvCache({1, 1, 8}, place, *testing::AllTables().front());
  Tokens held;
  for (size_t page = 0; page < kPages; ++page) {
    Tokens tokens(kPage, 7);
    tokens.back() = static_cast<int32_t>(1000 + page);
    const int64_t begin = static_cast<int64_t>(held.size());
    ASSERT_OK(cache->Prepare(begin, begin + KvCache::kPageTokens, Pool()));
    cache->Append(tokens);
    held.insert(held.end(), tokens.begin(), tokens.end());
  }
  Tokens repeats(1 << 15, 7);
  repeats.front() = 8;
  // The last pages are there too: a plan has something to find, at its end.
  repeats.insert(repeats.end(), held.end() - 5 * KvCache::kPageTokens, held.end());
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  EXPECT(!cache->PlanShift(held, repeats, 0, nullptr).empty());
  const double whole = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  EXPECT(!cache->PlanShift(held, repeats, 0, nullptr).empty());

  const std::atomic<bool> cancel = true;
  const Clock::time_point asked = Clock::now();
  EXPECT(cache->PlanShift(held, repeats, 0, &cancel).empty());
  std::printf("    a plan of %.1f ms ended after %.2f ms when nobody wanted it\n", whole,
              std::chrono::duration<double, std::milli>(Clock::now() - asked).count());
  // What an earlier plan has not placed is still there for the next one.
  const std::vector<KvShiftPiece> again = cache->PlanShift(held, repeats, 0, nullptr);
  EXPECT(!again.empty() && again.back().tokens() >= 3 * KvCache::kPageTokens);
}

TEST("a plan that takes long is given up in its middle") {
  // Made of 64 groups of tokens in any order: each is found at more places than are looked at, so that there are as
  // many places to choose among as there can be.
  constexpr int64_t kTokens = 1 << 16;
  KvCachePlace place(kTokens);
  place.turn = [](int64_t positions, float* cos, float* sin) { Rope().FillTurn(positions, cos, sin); };
  const std::unique_ptr<KvCache> cache = NewF16KvCache({1, 1, 8}, place, *testing::AllTables().front());
  Random random(9);
  const auto write = [&] {
    Tokens tokens;
    while (static_cast<int64_t>(tokens.size()) < kTokens) {
      const int32_t group = static_cast<int32_t>(random.Below(64));
      for (int32_t i = 0; i < 32; ++i) {
        tokens.push_back(group * 32 + i);
      }
    }
    return tokens;
  };
  const Tokens held = write();
  const Tokens other = write();
  for (int64_t begin = 0; begin < kTokens; begin += KvCache::kPageTokens) {
    ASSERT_OK(cache->Prepare(begin, begin + KvCache::kPageTokens, Pool()));
    cache->Append(std::span(held).subspan(static_cast<size_t>(begin), static_cast<size_t>(KvCache::kPageTokens)));
  }
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  Clock::time_point begin = Clock::now();
  cache->PlanShift(held, other, 0, nullptr);
  const double whole = since(begin);
  // Cancelled in its middle, a plan takes about half of that. Where this thread or the other one did not get a
  // processor in time it says nothing: once in a few times is enough.
  double shortest = whole;
  for (int round = 0; round < 8 && shortest > 0.75 * whole; ++round) {
    std::atomic<bool> cancel = false;
    std::thread impatient([&] {
      std::this_thread::sleep_for(std::chrono::duration<double>(whole / 2));
      cancel = true;
    });
    begin = Clock::now();
    const bool empty = cache->PlanShift(held, other, 0, &cancel).empty();
    const double took = since(begin);
    impatient.join();
    shortest = empty ? std::min(shortest, took) : shortest;
  }
  std::printf("    a plan of %.0f ms, cancelled after half of that, took %.0f ms\n", whole * 1e3, shortest * 1e3);
  EXPECT(shortest <= 0.75 * whole);
}

TEST("stretches that change their order, cut anywhere, are seen where they are") {
  for (const KernelTable* table : AllTables()) {
    for (const bool coded : {false, true}) {
      Timeline jumping(NewCache(coded, *table));
      Random random(coded ? 5 : 6);
      Tokens text;
      for (int32_t i = 0; i < 1100; ++i) {
        text.push_back(i);
      }
      double moved_error = 0;
      double cold_error = 0;
      for (int jump = 0; jump < 12; ++jump) {
        const int64_t cursor = 60 + random.Below(980);
        Tokens tokens = {9001, 9002, 9003};
        tokens.insert(tokens.end(), text.begin() + cursor, text.end());
        tokens.push_back(9004);
        tokens.insert(tokens.end(), text.begin(), text.begin() + cursor);
        jumping.Sync(tokens);
        Timeline cold(NewCache(coded, *table));
        cold.Sync(tokens);
        for (int32_t head = 0; head < kShape.kv_heads; ++head) {
          const Vec want = cold.Naive(head);
          moved_error += std::pow(RelativeError(jumping.Attend(head), want), 2);
          cold_error += std::pow(RelativeError(cold.Attend(head), want), 2);
        }
      }
      EXPECT(jumping.moved > 5000);
      const double ratio = std::sqrt(moved_error / cold_error);
      if (!(ratio < (coded ? 1.25 : 1.5))) {
        testing::Fail(__FILE__, __LINE__, std::string(table->name) + ": " + std::to_string(ratio));
      }
    }
  }
}

TEST("every table gives the same bits for moved pages") {
  std::vector<Vec> first;
  for (const KernelTable* table : testing::FastTables()) {
    for (const bool coded : {false, true}) {
      Timeline timeline(NewCache(coded, *table));
      Tokens tokens;
      for (int32_t i = 0; i < 900; ++i) {
        tokens.push_back(i);
      }
      timeline.Sync(tokens);
      tokens.insert(tokens.begin() + 200, {5000, 5001, 5002});
      timeline.Sync(tokens);
      tokens.erase(tokens.begin() + 420);
      timeline.Sync(tokens);
      EXPECT(timeline.moved > 600);
      const Vec out = timeline.Attend(1);
      if (first.size() < 2) {
        first.push_back(out);
      }
      EXPECT(testing::SameValues(out, first[coded ? 1 : 0]));
    }
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
