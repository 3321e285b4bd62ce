// The cache of keys and values: attention over its pages against a naive softmax, limits, reuse after truncation.
#include <algorithm>

#include "base/f16.h"
#include "base/thread_pool.h"
#include "kernels/kernels_testing.h"
#include "kv/cache.h"

namespace niwaki {
namespace {

ThreadPool& Serial() {
  static ThreadPool pool(1);
  return pool;
}

using testing::AllTables;
using testing::Floats;
using testing::Random;
using testing::RelativeError;
using testing::SameValues;
using Vec = std::vector<float>;

// Keys and values of one token in one layer, a pure function of its arguments.
Vec Entry(const KvShape& shape, int64_t layer, int64_t position, bool value) {
  Random random(static_cast<uint64_t>(layer * 100003 + position * 2 + (value ? 1 : 0)) + 5);
  return Floats(int64_t{shape.kv_heads} * shape.head_size, [&] { return random.Gauss(); });
}
void StoreTokens(KvCache& cache, const KvShape& shape, int64_t begin, int64_t end, int64_t shift = 0) {
  for (int64_t position = begin; position < end; ++position) {
    for (int32_t layer = 0; layer < shape.layers; ++layer) {
      const Vec k = Entry(shape, layer, position + shift, false);
      const Vec v = Entry(shape, layer, position + shift, true);
      for (int32_t head = 0; head < shape.kv_heads; ++head) {
        cache.Store(layer, head, position, k.data() + head * shape.head_size, v.data() + head * shape.head_size);
      }
    }
  }
}
// Page by page, as sessions do.
void Fill(KvCache& cache, const KvShape& shape, int64_t begin, int64_t end, int64_t shift = 0) {
  while (begin < end) {
    const int64_t next = std::min(end, (begin / 128 + 1) * 128);
    ASSERT_OK(cache.Prepare(begin, next, Serial()));
    StoreTokens(cache, shape, begin, next, shift);
    begin = next;
  }
}
Vec Query(const KvShape& shape, int64_t group) {
  Random random(99);
  return Floats(group * shape.head_size, [&] { return random.Gauss() * 0.2f; });
}
// The tokens of `q` [tokens, group, head_size]; the first sees `length` tokens.
void AttendTo(const KvCache& cache, int32_t layer, int32_t head, const Vec& q, int64_t group, int64_t length, Vec* out,
              int64_t tokens = 1) {
  const int64_t stride = static_cast<int64_t>(q.size()) / tokens;
  cache.Attend(layer, head, {q.data(), stride, out->data(), stride, tokens, group, stride / group, nullptr, nullptr},
               length);
}
Vec Attend(const KvCache& cache, const KvShape& shape, int32_t layer, int32_t head, int64_t group, int64_t length) {
  const Vec q = Query(shape, group);
  Vec out(q.size(), -777.0f);
  AttendTo(cache, layer, head, q, group, length, &out);
  return out;
}
Vec Naive(const KvShape& shape, int32_t layer, int32_t head, int64_t group, int64_t length) {
  const Vec q = Query(shape, group);
  const size_t size = static_cast<size_t>(shape.head_size);
  const size_t offset = static_cast<size_t>(head) * size;
  Vec out;
  for (size_t g = 0; g < static_cast<size_t>(group); ++g) {
    std::vector<double> sum(size, 0.0);
    double total = 0;
    for (int64_t j = 0; j < length; ++j) {
      const Vec k = Entry(shape, layer, j, false);
      const Vec v = Entry(shape, layer, j, true);
      double score = 0;
      for (size_t i = 0; i < size; ++i) {
        score += static_cast<double>(q[g * size + i]) * F16ToF32(F32ToF16(k[offset + i]));
      }
      const double weight = std::exp(score);
      total += weight;
      for (size_t i = 0; i < size; ++i) {
        sum[i] += weight * F16ToF32(F32ToF16(v[offset + i]));
      }
    }
    for (const double s : sum) {
      out.push_back(static_cast<float>(s / total));
    }
  }
  return out;
}

TEST("attention over stored tokens, every layer and head, lengths around the pages' borders") {
  const KvShape shape{2, 3, 16};
  for (const KernelTable* table : AllTables()) {
    const std::unique_ptr<KvCache> cache = NewF16KvCache(shape, 400, *table);
    Fill(*cache, shape, 0, 400);
    for (const int64_t length : {1, 127, 128, 129, 256, 257, 400}) {
      for (int32_t layer = 0; layer < 2; ++layer) {
        for (int32_t head = 0; head < 3; ++head) {
          const Vec got = Attend(*cache, shape, layer, head, 2, length);
          EXPECT(RelativeError(got, Naive(shape, layer, head, 2, length)) < 3e-6);
        }
      }
    }
  }
}

TEST("131,072 tokens: pages past 65,536 are the right ones, every table is near a naive softmax") {
  const int64_t length = 131072 + 57;
  const KvShape shape{1, 1, 8};
  // Entries of their own for all positions, so that a page taken for another would show; drawn once.
  std::vector<Vec> keys;
  std::vector<Vec> values;
  Random random(12);
  for (int64_t position = 0; position < length; ++position) {
    keys.push_back(Floats(8, [&] { return random.Uniform(); }));
    values.push_back(Floats(8, [&] { return random.Uniform() + (position % 1024 == 1000 ? 50.0f : 0.0f); }));
  }
  const Vec q = keys[100000];  // most like one key beyond 65,536
  Vec sharp = q;
  for (float& v : sharp) {
    v *= 12;
  }
  for (const int64_t tokens : {65536 + 1, 131072, 131072 + 57}) {
    std::vector<double> sum(8, 0.0);
    double total = 0;
    for (int64_t j = 0; j < tokens; ++j) {
      const size_t at = static_cast<size_t>(j);
      double score = 0;
      for (size_t i = 0; i < 8; ++i) {
        score += static_cast<double>(sharp[i]) * F16ToF32(F32ToF16(keys[at][i]));
      }
      const double weight = std::exp(score);
      total += weight;
      for (size_t i = 0; i < 8; ++i) {
        sum[i] += weight * F16ToF32(F32ToF16(values[at][i]));
      }
    }
    Vec want;
    for (const double s : sum) {
      want.push_back(static_cast<float>(s / total));
    }
    for (const KernelTable* table : AllTables()) {
      const std::unique_ptr<KvCache> cache = NewF16KvCache(shape, 262144, *table);
      for (int64_t position = 0; position < tokens; ++position) {
        ASSERT_OK(cache->Prepare(position, position + 1, Serial()));
        cache->Store(0, 0, position, keys[static_cast<size_t>(position)].data(),
                     values[static_cast<size_t>(position)].data());
      }
      EXPECT_EQ(cache->allocated_bytes(), (tokens + 127) / 128 * 128 * 32);
      Vec got(8);
      AttendTo(*cache, 0, 0, sharp, 1, tokens, &got);
      const double error = RelativeError(got, want);
      if (!(error < 1e-5)) {
        testing::Fail(__FILE__, __LINE__, std::string(table->name) + ": relative error " + std::to_string(error));
      }
    }
  }
}

TEST("large groups take several passes and give the bits of the single heads") {
  const KvShape shape{1, 1, 8};
  for (const KernelTable* table : AllTables()) {
    const std::unique_ptr<KvCache> cache = NewF16KvCache(shape, 200, *table);
    Fill(*cache, shape, 0, 200);
    const int64_t group = 137;  // more than one pass takes
    const Vec all = Attend(*cache, shape, 0, 0, group, 200);
    EXPECT(RelativeError(all, Naive(shape, 0, 0, group, 200)) < 3e-6);
    const Vec q = Query(shape, group);
    for (int64_t g = 0; g < group; ++g) {
      Vec one(8);
      AttendTo(*cache, 0, 0, {q.begin() + g * 8, q.begin() + (g + 1) * 8}, 1, 200, &one);
      EXPECT(SameValues(one, {all.begin() + g * 8, all.begin() + (g + 1) * 8}));
    }
  }
}

TEST("tokens that come together get the bits that each gets alone, also across pages") {
  const KvShape shape{1, 2, 16};
  for (const KernelTable* table : AllTables()) {
    const std::unique_ptr<KvCache> cache = NewF16KvCache(shape, 600, *table);
    Fill(*cache, shape, 0, 600);
    for (const int64_t group : {1, 3, 70}) {
      for (const int64_t tokens : {1, 2, 7, 64}) {
        const Vec q = Query(shape, tokens * group);
        const int64_t stride = group * 16;
        for (const int64_t length : {1, 100, 127, 128, 129, 250, 500}) {
          Vec together(q.size(), -777.0f);
          AttendTo(*cache, 0, 1, q, group, length, &together, tokens);
          for (int64_t t = 0; t < tokens; ++t) {
            Vec alone(static_cast<size_t>(stride), -777.0f);
            AttendTo(*cache, 0, 1, {q.begin() + t * stride, q.begin() + (t + 1) * stride}, group, length + t, &alone);
            EXPECT(SameValues(alone, {together.begin() + t * stride, together.begin() + (t + 1) * stride}));
          }
        }
      }
    }
  }
}

TEST("truncation and new tokens: results are those of a fresh cache, memory is given back") {
  const KvShape shape{1, 2, 8};
  const KernelTable& table = *AllTables().front();
  const std::unique_ptr<KvCache> cache = NewF16KvCache(shape, 300, table);
  Fill(*cache, shape, 0, 100);
  Fill(*cache, shape, 100, 300, 5000);  // other tokens first
  const int64_t page = KvCache::kPageTokens * KvCache::BytesPerTokenF16(shape);
  EXPECT_EQ(cache->allocated_bytes(), 3 * page);
  EXPECT_EQ(cache->Truncate(100), int64_t{100});
  EXPECT_EQ(cache->allocated_bytes(), page);
  Fill(*cache, shape, 100, 260);
  const std::unique_ptr<KvCache> fresh = NewF16KvCache(shape, 300, table);
  Fill(*fresh, shape, 0, 260);
  for (const int64_t length : {50, 100, 101, 200, 260}) {
    EXPECT(SameValues(Attend(*cache, shape, 0, 1, 3, length), Attend(*fresh, shape, 0, 1, 3, length)));
  }
}

TEST("pages come one by one; more than the session may hold is refused") {
  const KvShape shape{3, 2, 8};
  const std::unique_ptr<KvCache> cache = NewF16KvCache(shape, 300, kGenericKernels);
  const int64_t page = KvCache::kPageTokens * KvCache::BytesPerTokenF16(shape);
  EXPECT_EQ(KvCache::BytesPerTokenF16(shape), int64_t{2 * 2 * 3 * 2 * 8});
  EXPECT_EQ(cache->allocated_bytes(), int64_t{0});
  int64_t done = 0;
  for (const auto& [tokens, pages] : {std::pair<int64_t, int64_t>{1, 1}, {128, 1}, {129, 2}, {256, 2}, {300, 3}}) {
    Fill(*cache, shape, done, tokens);
    done = tokens;
    EXPECT_EQ(cache->allocated_bytes(), pages * page);
  }
  const Status full = cache->Prepare(300, 301, Serial());
  EXPECT(full.code() == StatusCode::kContextOverflow);
  EXPECT(full.message().find("301") != std::string::npos && full.message().find("300") != std::string::npos);
  EXPECT_EQ(cache->allocated_bytes(), 3 * page);
}

TEST("concurrent stores and reads of different positions and heads") {
  const KvShape shape{2, 4, 16};
  const KernelTable& table = *AllTables().front();
  const std::unique_ptr<KvCache> serial = NewF16KvCache(shape, 256, table);
  const std::unique_ptr<KvCache> parallel = NewF16KvCache(shape, 256, table);
  Fill(*serial, shape, 0, 256);
  ThreadPool pool(3);
  for (const int64_t begin : {0, 128}) {
    ASSERT_OK(parallel->Prepare(begin, begin + 128, Serial()));
    pool.ParallelFor(128, [&](int64_t i, int) { StoreTokens(*parallel, shape, begin + i, begin + i + 1); });
  }
  std::vector<Vec> got(8);
  pool.ParallelFor(8, [&](int64_t i, int) {
    got[static_cast<size_t>(i)] =
        Attend(*parallel, shape, static_cast<int32_t>(i / 4), static_cast<int32_t>(i % 4), 2, 256);
  });
  for (int32_t i = 0; i < 8; ++i) {
    EXPECT(SameValues(got[static_cast<size_t>(i)], Attend(*serial, shape, i / 4, i % 4, 2, 256)));
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
