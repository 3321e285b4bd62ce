// How long attention of one token takes in one layer of a large model, on one thread, with each codec. The layers of a
// cache are gone through one after the other, as in a model, and there are enough of them that their pages come from
// memory.
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "filled.h"
#include "json.h"
#include "kernels/dispatch.h"

namespace niwaki::kvbench {
namespace {

// Far more than any processor's caches hold.
constexpr int64_t kStreamedBytes = int64_t{256} << 20;

double ThreadMilliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

struct Timed {
  std::string name;
  KvShape shape;
  std::unique_ptr<KvCache> cache;
  std::vector<double> milliseconds;  // a layer
};

class Queries {
 public:
  Queries(const KvShape& shape, int64_t group) : shape_(shape), group_(group) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal(0, 1 / std::sqrt(static_cast<float>(shape.head_size)));
    q_.resize(static_cast<size_t>(shape.kv_heads * group * shape.head_size));
    for (float& value : q_) {
      value = normal(random);
    }
    out_.resize(q_.size());
  }
  // One token in all layers; milliseconds of this thread, a layer.
  double Attend(const Timed& timed, int64_t length) {
    const double start = ThreadMilliseconds();
    for (int32_t layer = 0; layer < timed.shape.layers; ++layer) {
      for (int32_t head = 0; head < shape_.kv_heads; ++head) {
        const int64_t at = head * group_ * shape_.head_size;
        const int64_t stride = shape_.kv_heads * group_ * shape_.head_size;
        timed.cache->Attend(
            layer, head,
            {q_.data() + at, stride, out_.data() + at, stride, 1, group_, shape_.head_size, nullptr, nullptr}, length);
      }
    }
    return (ThreadMilliseconds() - start) / timed.shape.layers;
  }

 private:
  const KvShape shape_;
  const int64_t group_;
  std::vector<float> q_;
  std::vector<float> out_;
};

}  // namespace

void RunAttention(const Arguments& arguments) {
  const int64_t tokens = arguments.Integer("depth", 8192);
  const int64_t rounds = arguments.Integer("rounds", 7);
  const KernelTable& kernels = *Take(FindKernelTable(arguments.Text("kernels", "")));
  const KvShape layer = {1, static_cast<int32_t>(arguments.Integer("kv-heads", 8)),
                         static_cast<int32_t>(arguments.Integer("head-size", 128))};
  ThreadPool pool(static_cast<int>(arguments.Integer("threads", 2)));
  const Filler filler(layer.head_size);
  Queries queries(layer, arguments.Integer("group", 4));
  std::vector<Timed> all;
  for (const auto& [name, codec] : KvCodecs()) {
    KvShape shape = layer;
    shape.layers = static_cast<int32_t>(std::max<int64_t>(2, kStreamedBytes / KvBytes(layer, codec, tokens) + 1));
    auto cache = NewProductCache(shape, tokens, codec, kernels);
    filler.Fill(shape, tokens, *cache, pool);
    all.push_back({name, shape, std::move(cache), {}});
  }
  for (int64_t round = -1; round < rounds; ++round) {  // the first one warms up
    for (size_t i = 0; i < all.size(); ++i) {
      Timed& timed = all[round % 2 == 0 ? i : all.size() - 1 - i];
      const double milliseconds = queries.Attend(timed, tokens);
      if (round >= 0) {
        timed.milliseconds.push_back(milliseconds);
      }
    }
  }
  JsonObject codecs;
  for (const Timed& timed : all) {
    JsonArray times;
    for (const double one : timed.milliseconds) {
      times.Add(Number(one));
    }
    codecs.Raw(timed.name, times.str());
  }
  JsonObject json;
  json.Text("kernels", kernels.name).Set("depth", tokens).Raw("milliseconds", codecs.str());
  std::printf("%s\n", json.str().c_str());
}

}  // namespace niwaki::kvbench
