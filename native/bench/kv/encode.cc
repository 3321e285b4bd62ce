// What codes cost while a prompt is evaluated: the time in which pages are sealed, taken by a cache around the
// product's, and that in which vectors are moved into the basis of the codes, beside the whole evaluation.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "filled.h"
#include "json.h"

namespace niwaki::kvbench {
namespace {

int64_t Nanoseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

struct Spent {
  int64_t wall = 0;
  int64_t processor = 0;  // of all threads
};
class Stopwatch {
 public:
  Spent Read() const {
    return {Nanoseconds(CLOCK_MONOTONIC) - start_.wall, Nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - start_.processor};
  }

 private:
  const Spent start_ = {Nanoseconds(CLOCK_MONOTONIC), Nanoseconds(CLOCK_PROCESS_CPUTIME_ID)};
};

class TimedCache final : public KvCache {
 public:
  explicit TimedCache(std::unique_ptr<KvCache> cache) : cache_(std::move(cache)) {}

  Status Prepare(int64_t begin, int64_t end, ThreadPool& pool, const std::atomic<bool>* cancel) override {
    const Stopwatch stopwatch;
    Status status = cache_->Prepare(begin, end, pool, cancel);
    const Spent spent = stopwatch.Read();
    prepare_.wall += spent.wall;
    prepare_.processor += spent.processor;
    return status;
  }
  void Store(int32_t layer, int32_t kv_head, int64_t position, const float* k, const float* v) override {
    cache_->Store(layer, kv_head, position, k, v);
  }
  void Attend(int32_t layer, int32_t kv_head, const AttendQueries& queries, int64_t length,
              const std::atomic<bool>* cancel) const override {
    cache_->Attend(layer, kv_head, queries, length, cancel);
  }
  int64_t Truncate(int64_t tokens) override { return cache_->Truncate(tokens); }
  int64_t allocated_bytes() const override { return cache_->allocated_bytes(); }

  const Spent& prepare() const { return prepare_; }

 private:
  const std::unique_ptr<KvCache> cache_;
  Spent prepare_;
};

// Processor time of one Store on one thread: of a whole page, because a clock around each would take longer than it.
double StoreNanoseconds(const KvShape& shape, int64_t begin, KvCache& cache) {
  const std::vector<float> vectors(static_cast<size_t>(2 * shape.head_size), 0.5f);
  const int64_t start = Nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  for (int32_t layer = 0; layer < shape.layers; ++layer) {
    for (int32_t head = 0; head < shape.kv_heads; ++head) {
      for (int64_t i = 0; i < KvCache::kPageTokens; ++i) {
        cache.Store(layer, head, begin + i, vectors.data(), vectors.data() + shape.head_size);
      }
    }
  }
  const int64_t stores = int64_t{shape.layers} * shape.kv_heads * KvCache::kPageTokens;
  return static_cast<double>(Nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start) / static_cast<double>(stores);
}

std::string Evaluate(Model& model, KvCodec codec, const std::vector<TokenId>& tokens) {
  const int64_t count = static_cast<int64_t>(tokens.size());
  TimedCache cache(NewProductCache(model.shape(), count + KvCache::kPageTokens, codec, model.kernels()));
  const Stopwatch stopwatch;
  model.Extend(tokens, 0, cache, count, nullptr);
  // The prompt's last page is sealed when the token after it comes; that is the prompt's doing too.
  Check(cache.Prepare(count, count + 1, model.pool(), nullptr));
  const Spent all = stopwatch.Read();
  constexpr double kMillisecond = 1e6;
  JsonObject json;
  json.Set("milliseconds", static_cast<double>(all.wall) / kMillisecond);
  json.Set("processor", static_cast<double>(all.processor) / kMillisecond);
  json.Set("prepare", static_cast<double>(cache.prepare().wall) / kMillisecond);
  json.Set("prepareProcessor", static_cast<double>(cache.prepare().processor) / kMillisecond);
  StoreNanoseconds(model.shape(), count, cache);  // the page's memory is there afterwards
  json.Set("storeNanoseconds", StoreNanoseconds(model.shape(), count, cache));
  json.Set("stores", count * model.shape().layers * model.shape().kv_heads);
  return json.str();
}

}  // namespace

void RunEncode(const Arguments& arguments) {
  Model model(arguments.Text("model"), arguments.Text("kernels", ""),
              static_cast<int>(arguments.Integer("threads", 2)));
  const int64_t count = arguments.Integer("tokens", 512);  // whole pages
  std::vector<TokenId> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<TokenId>(300 + i * 104'729 % 15'000));
  }
  const std::pair<const char*, KvCodec> codecs[] = {{"f16", Take(ParseKvCodec("f16"))},
                                                    {"kv4", Take(ParseKvCodec("kv4"))}};
  Evaluate(model, codecs[1].second, {tokens.begin(), tokens.begin() + std::min<int64_t>(count, 32)});  // warms up
  JsonArray rounds[2];
  for (int64_t round = 0; round < arguments.Integer("rounds", 3); ++round) {
    for (size_t i = 0; i < 2; ++i) {
      const size_t which = round % 2 == 0 ? i : 1 - i;
      rounds[which].Add(Evaluate(model, codecs[which].second, tokens));
    }
  }
  JsonObject json;
  json.Text("kernels", model.kernels().name).Set("tokens", count);
  json.Set("threads", int64_t{model.pool().threads()});
  json.Raw(codecs[0].first, rounds[0].str()).Raw(codecs[1].first, rounds[1].str());
  std::printf("%s\n", json.str().c_str());
}

}  // namespace niwaki::kvbench
