// The cache of codes: close to the float truth, the same bits however tokens arrive and whatever is taken back, in
// every kernel table; pages' edges; sizes from real allocations.
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random_testing.h"
#include "base/testing.h"
#include "kernels/kernels_testing.h"
#include "kv/cache.h"
#include "kv/key_statistics.h"

namespace niwaki {
namespace {

using testing::AllTables;
using testing::FastTables;
using testing::Random;
using testing::RelativeError;
using testing::SameValues;
using Vec = std::vector<float>;

ThreadPool& Pool() {
  static ThreadPool pool(2);
  return pool;
}

// The key or value of a token: the same whoever asks.
Vec Entry(const KvShape& shape, int64_t head, int64_t position, int kind) {
  Random random(static_cast<uint64_t>(1 + kind + 2 * (head * 1000003 + position)));
  Vec x = testing::Floats(shape.head_size, [&] { return random.Gauss(); });
  if (kind == 0) {  // keys like Qwen3's: a large mean, and some channels much louder than others
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = x[i] * (i % 19 == 3 ? 12.0f : 1.0f) + (i % 23 == 5 ? 30.0f : 0.0f);
    }
  }
  return x;
}
Vec Queries(const KvShape& shape, int64_t group, int64_t position) {
  Random random(static_cast<uint64_t>(77 + position));
  Vec q = testing::Floats(shape.head_size * group, [&] { return random.Gauss() / std::sqrt(float(shape.head_size)); });
  for (size_t i = 0; i < q.size(); ++i) {
    q[i] *= i % static_cast<size_t>(shape.head_size) % 19 == 3 ? 1.0f / 12 : 1.0f;
  }
  return q;
}

KvCalibration Plain(const KvShape& shape) {
  const size_t n = static_cast<size_t>(shape.layers * shape.kv_heads * shape.head_size);
  return {Vec(n, 0.0f), Vec(n, 1.0f), "norms"};
}
// From the entries themselves.
KvCalibration Measured(const KvShape& shape, int64_t tokens) {
  KeyStatistics statistics(shape);
  for (int64_t head = 0; head < shape.layers * shape.kv_heads; ++head) {
    for (int64_t t = 0; t < tokens; ++t) {
      statistics.AddKey(head, Entry(shape, head, t, 0).data());
      statistics.AddQuery(head, Queries(shape, 1, t).data());
    }
  }
  return statistics.Calibration();
}

std::unique_ptr<KvCache> NewCache(const KvShape& shape, KvCodec codec, const KernelTable& table, int64_t most,
                                  const KvCalibration& calibration) {
  return NewCodedKvCache(shape, most, std::vector<KvCodec>(static_cast<size_t>(shape.layers), codec),
                         NewKvBasis(shape, calibration), table);
}

// Tokens [begin, end), in steps of at most `step` that end where pages do.
void Append(KvCache& cache, const KvShape& shape, int64_t begin, int64_t end, int64_t step) {
  while (begin < end) {
    const int64_t next = std::min({end, begin + step, (begin / 128 + 1) * 128});
    ASSERT_OK(cache.Prepare(begin, next, Pool()));
    for (int32_t layer = 0; layer < shape.layers; ++layer) {
      for (int32_t head = 0; head < shape.kv_heads; ++head) {
        for (int64_t t = begin; t < next; ++t) {
          const int64_t h = layer * shape.kv_heads + head;
          cache.Store(layer, head, t, Entry(shape, h, t, 0).data(), Entry(shape, h, t, 1).data());
        }
      }
    }
    begin = next;
  }
}
Vec Attend(const KvCache& cache, const KvShape& shape, int32_t layer, int32_t head, int64_t group, int64_t length) {
  const Vec q = Queries(shape, group, length);
  Vec out(q.size());
  cache.Attend(layer, head, {q.data(), 0, out.data(), 0, 1, group, shape.head_size, nullptr, nullptr}, length);
  return out;
}
Vec Naive(const KvShape& shape, int32_t layer, int32_t head, int64_t group, int64_t length) {
  const Vec q = Queries(shape, group, length);
  const int64_t h = layer * shape.kv_heads + head;
  Vec out;
  for (int64_t g = 0; g < group; ++g) {
    std::vector<double> w;
    for (int64_t t = 0; t < length; ++t) {
      const Vec k = Entry(shape, h, t, 0);
      double score = 0;
      for (int64_t i = 0; i < shape.head_size; ++i) {
        score += static_cast<double>(q[static_cast<size_t>(g * shape.head_size + i)]) * k[static_cast<size_t>(i)];
      }
      w.push_back(score);
    }
    const double top = *std::max_element(w.begin(), w.end());
    double total = 0;
    std::vector<double> sum(static_cast<size_t>(shape.head_size));
    for (int64_t t = 0; t < length; ++t) {
      const double p = std::exp(w[static_cast<size_t>(t)] - top);
      total += p;
      const Vec v = Entry(shape, h, t, 1);
      for (size_t i = 0; i < v.size(); ++i) {
        sum[i] += p * v[i];
      }
    }
    for (const double s : sum) {
      out.push_back(static_cast<float>(s / total));
    }
  }
  return out;
}

TEST("every pair of codecs says what its bits allow, calibrated; without calibration keys like these spoil it") {
  const KvShape shape{1, 1, 64};
  const KvCalibration measured = Measured(shape, 500);
  for (const KvBits keys : {KvBits::k8, KvBits::k4, KvBits::k3}) {
    for (const KvBits values : {KvBits::k8, KvBits::k4, KvBits::k3}) {
      const Vec want = Naive(shape, 0, 0, 2, 500);
      const auto error = [&](const KvCalibration& calibration, const KernelTable& table) {
        const auto cache = NewCache(shape, {keys, values}, table, 1000, calibration);
        Append(*cache, shape, 0, 500, 64);
        return RelativeError(Attend(*cache, shape, 0, 0, 2, 500), want);
      };
      const double bounds[9] = {0, 0, 0, 0.35, 0.25, 0, 0, 0, 0.02};
      const double bound = std::max(bounds[static_cast<int>(keys)], bounds[static_cast<int>(values)]);
      for (const KernelTable* table : AllTables()) {
        EXPECT(error(measured, *table) < bound);
      }
      if (keys != KvBits::k8 && values == KvBits::k8) {  // nothing but the keys' error
        EXPECT(error(Plain(shape), kGenericKernels) > 2 * error(measured, kGenericKernels));
      }
    }
  }
}

TEST("results are the same bits whatever the steps, and in every table") {
  const KvShape shape{2, 2, 64};
  const KvCalibration measured = Measured(shape, 300);
  for (const KvCodecName& named : KvCodecs()) {
    if (named.codec.exact()) {
      continue;
    }
    std::vector<Vec> first;
    for (const KernelTable* table : FastTables()) {
      for (const int64_t step : {1, 7, 64, 128}) {
        const auto cache = NewCache(shape, named.codec, *table, 1000, measured);
        std::vector<Vec> answers;
        int64_t done = 0;
        for (const int64_t length : {1, 31, 32, 33, 127, 128, 129, 160, 255, 256, 257, 300}) {
          Append(*cache, shape, done, length, step);
          done = length;
          answers.push_back(Attend(*cache, shape, 1, 1, 3, length));
        }
        if (first.empty()) {
          first = answers;
        }
        for (size_t i = 0; i < answers.size(); ++i) {
          EXPECT(SameValues(answers[i], first[i]));
        }
      }
    }
  }
}

TEST("queries of a prompt see what each would see alone") {
  const KvShape shape{1, 1, 128};
  for (const KernelTable* table : FastTables()) {
    const auto cache = NewCache(shape, {}, *table, 1000, Plain(shape));
    Append(*cache, shape, 0, 330, 64);
    const int64_t group = 4;
    const int64_t tokens = 40;  // 290 .. 329
    const int64_t width = group * shape.head_size;
    Vec q;
    for (int64_t t = 0; t < tokens; ++t) {
      const Vec one = Queries(shape, group, 291 + t);
      q.insert(q.end(), one.begin(), one.end());
    }
    Vec out(q.size());
    cache->Attend(0, 0, {q.data(), width, out.data(), width, tokens, group, shape.head_size, nullptr, nullptr}, 291);
    for (int64_t t = 0; t < tokens; ++t) {
      EXPECT(SameValues(Attend(*cache, shape, 0, 0, group, 291 + t),
                        Vec(out.begin() + t * width, out.begin() + (t + 1) * width)));
    }
  }
}

TEST("what was taken back leaves nothing behind, at every cut") {
  const KvShape shape{1, 2, 32};
  const KernelTable& table = *FastTables()[0];
  for (const int64_t length : {100, 128, 129, 140, 200, 256, 300, 400}) {
    for (int64_t cut = 0; cut <= length;
         cut += cut < 10 || cut > length - 40 || cut % 128 > 125 || cut % 128 < 3 ? 1 : 9) {
      const auto cache = NewCache(shape, {}, table, 1000, Plain(shape));
      Append(*cache, shape, 0, length, 50);
      const int64_t left = cache->Truncate(cut);
      EXPECT(left <= cut);
      EXPECT(left == cut || (left % 128 == 0 && left + 128 > cut));
      // A few tokens over a border are not lost: drafts and suggestions are taken back.
      const int64_t border = (length - 1) / 128 * 128;
      if (length - border <= 64 && cut >= border - 128) {
        EXPECT_EQ(left, cut);
      }
      Append(*cache, shape, left, 450, 33);
      const auto fresh = NewCache(shape, {}, table, 1000, Plain(shape));
      Append(*fresh, shape, 0, 450, 64);
      EXPECT(SameValues(Attend(*cache, shape, 0, 1, 2, 450), Attend(*fresh, shape, 0, 1, 2, 450)));
    }
  }
}

TEST("bytes are those of the formula, and most is freed that is not needed") {
  const KvShape shape{3, 2, 64};
  for (const KvCodecName& named : KvCodecs()) {
    if (named.codec.exact()) {
      continue;
    }
    const auto cache = NewCache(shape, named.codec, kGenericKernels, 1000, Plain(shape));
    int64_t done = 0;
    for (const int64_t tokens : {1, 128, 129, 192, 193, 256, 257, 384, 512, 1000}) {
      Append(*cache, shape, done, tokens, 64);
      done = tokens;
      EXPECT_EQ(cache->allocated_bytes(), KvBytes(shape, named.codec, tokens));
    }
    // Codes and scales: bits + 16 / head_size a value.
    const double bits = (static_cast<int>(named.codec.keys) + static_cast<int>(named.codec.values)) / 2.0 + 16.0 / 64;
    const double a_token =
        static_cast<double>(KvBytes(shape, named.codec, 128 * 101) - KvBytes(shape, named.codec, 128 * 2)) / (128 * 99);
    EXPECT_NEAR(a_token, bits / 8 * 2 * 3 * 2 * 64, 1e-6);
  }
  for (int64_t tokens = 1; tokens < 700; ++tokens) {
    EXPECT(KvPeakBytes(shape, {}, tokens) >= KvBytes(shape, {}, tokens));
    EXPECT(KvPeakBytes(shape, {}, tokens + 1) >= KvPeakBytes(shape, {}, tokens));
  }
  // What the settings promise: 8B, 32k tokens.
  const KvShape large{36, 8, 128};
  EXPECT(KvBytes(large, {}, 32768) <= int64_t{1210} << 20);
  EXPECT_EQ(KvBytes(large, {KvBits::k16, KvBits::k16}, 32768), int64_t{4608} << 20);
  for (const int64_t budget : {int64_t{1} << 20, int64_t{500} << 20, int64_t{4} << 30}) {
    for (const KvCodecName& named : KvCodecs()) {
      const int64_t tokens = KvTokensWithin(large, named.codec, budget);
      EXPECT(tokens == 0 || KvPeakBytes(large, named.codec, tokens) <= budget);
      EXPECT(KvPeakBytes(large, named.codec, tokens + 128) > budget);
    }
  }
}

TEST("vectors that a rotation gathers in one element stay finite") {
  const KvShape shape{1, 1, 128};
  const auto basis = NewKvBasis(shape, Plain(shape));
  Vec large(128);
  for (size_t i = 0; i < large.size(); ++i) {
    large[i] = basis->signs[i] * 7000;  // 79,000 in the first element afterwards
  }
  const auto cache = NewCache(shape, {}, kGenericKernels, 300, Plain(shape));
  for (int64_t t = 0; t < 200; ++t) {
    ASSERT_OK(cache->Prepare(t, t + 1, Pool()));
    cache->Store(0, 0, t, Entry(shape, 0, t, 1).data(), t == 50 ? large.data() : Entry(shape, 0, t, 1).data());
  }
  for (const float x : Attend(*cache, shape, 0, 0, 2, 200)) {
    EXPECT(std::isfinite(x));
  }
}

TEST("sealing can be cancelled, and is done again") {
  const KvShape shape{2, 2, 32};
  const auto cache = NewCache(shape, {}, kGenericKernels, 300, Plain(shape));
  Append(*cache, shape, 0, 128, 64);
  const std::atomic<bool> cancel{true};
  EXPECT(cache->Prepare(128, 129, Pool(), &cancel).code() == StatusCode::kCancelled);
  Append(*cache, shape, 128, 140, 64);
  const auto fresh = NewCache(shape, {}, kGenericKernels, 300, Plain(shape));
  Append(*fresh, shape, 0, 140, 64);
  EXPECT(SameValues(Attend(*cache, shape, 1, 1, 2, 140), Attend(*fresh, shape, 1, 1, 2, 140)));
}

TEST("more tokens than the session holds are refused") {
  const KvShape shape{1, 1, 32};
  const auto cache = NewCache(shape, {}, kGenericKernels, 200, Plain(shape));
  Append(*cache, shape, 0, 200, 64);
  const Status status = cache->Prepare(200, 201, Pool());
  EXPECT(status.code() == StatusCode::kContextOverflow);
  EXPECT(CodesFit(64) && CodesFit(128) && !CodesFit(80) && !CodesFit(16) && !CodesFit(512));
}

TEST("signs are pinned: saved pages depend on them") {
  const KvShape shape{1, 1, 64};
  const auto basis = NewKvBasis(shape, Plain(shape));
  uint64_t bits = 0;
  for (size_t i = 0; i < 64; ++i) {
    bits |= (basis->signs[i] > 0 ? uint64_t{1} : 0) << i;
  }
  EXPECT_EQ(bits, uint64_t{15687701057909159253u});
}

TEST("calibration: outliers that keys and queries share are found, files are checked") {
  const KvShape shape{2, 2, 64};
  const KvCalibration measured = Measured(shape, 2000);
  EXPECT_NEAR(measured.key_mean[5], 30.0, 1.0);
  EXPECT_NEAR(measured.key_scale[3] / measured.key_scale[4], 12.0, 1.5);  // sqrt(12 / (1 / 12))
  const std::string name(32, 'a');
  const std::vector<uint8_t> bytes = SerializeKvCalibration(measured, shape, name);
  const Result<KvCalibration> read = ParseKvCalibration(bytes, shape, name);
  ASSERT_OK(read.status());
  EXPECT(SameValues(read.value().key_mean, measured.key_mean) &&
         SameValues(read.value().key_scale, measured.key_scale));
  EXPECT(!ParseKvCalibration(bytes, shape, std::string(32, 'b')).ok());
  EXPECT(!ParseKvCalibration(bytes, {2, 2, 32}, name).ok());
  for (size_t i = 0; i < bytes.size(); i += 97) {
    std::vector<uint8_t> damaged = bytes;
    damaged[i] ^= 0x10;
    EXPECT(!ParseKvCalibration(damaged, shape, name).ok());
    damaged = bytes;
    damaged.resize(i);
    EXPECT(!ParseKvCalibration(damaged, shape, name).ok());
  }
}

TEST("scales from norms: a channel pair that is loud in keys and quiet in queries") {
  const KvShape shape{1, 2, 32};
  Vec q(32, 1.0f);
  Vec k(32, 1.0f);
  k[7] = k[7 + 16] = 9;
  q[7] = q[7 + 16] = 1.0f / 9;
  const KvCalibration calibration = CalibrationFromNorms(shape, {q.data()}, {k.data()});
  EXPECT_NEAR(calibration.key_scale[7] / calibration.key_scale[0], 9.0, 1e-4);
  EXPECT_NEAR(calibration.key_scale[32 + 23] / calibration.key_scale[32], 9.0, 1e-4);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
