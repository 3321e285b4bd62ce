// What the caches of a large model really hold: pages are filled through the cache's own functions, and what the
// process has grown by is read from the system.
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <random>
#include <vector>

#include "json.h"
#include "kernels/dispatch.h"
#include "program.h"

namespace niwaki::kvbench {
namespace {

int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  if (!(statm >> total >> resident)) {
    throw Failure("cannot read /proc/self/statm");
  }
  return resident * sysconf(_SC_PAGESIZE);
}

// Vectors that are stored again and again: what they are does not change what they take.
constexpr int64_t kVectors = 64;

}  // namespace

void RunBytes(const Arguments& arguments) {
  const KvShape shape = {static_cast<int32_t>(arguments.Integer("layers", 36)),
                         static_cast<int32_t>(arguments.Integer("kv-heads", 8)),
                         static_cast<int32_t>(arguments.Integer("head-size", 128))};
  const int64_t tokens = arguments.Integer("tokens", 32768);
  const KvCodec codec = Take(ParseKvCodec(arguments.Text("codec", "kv4")));
  const KernelTable& kernels = *Take(FindKernelTable(""));
  ThreadPool pool(static_cast<int>(arguments.Integer("threads", 2)));
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> vectors(static_cast<size_t>(kVectors * shape.head_size));
  for (float& value : vectors) {
    value = normal(random);
  }
  KvCalibration calibration;
  const size_t channels =
      static_cast<size_t>(shape.layers) * static_cast<size_t>(shape.kv_heads) * static_cast<size_t>(shape.head_size);
  calibration.key_mean.assign(channels, 0.0f);
  calibration.key_scale.assign(channels, 1.0f);
  const auto basis = NewKvBasis(shape, calibration);
  // Threads and their stacks are there before it counts.
  pool.ParallelFor(pool.threads() * 4, [](int64_t, int) {});

  const int64_t before = ResidentBytes();
  const auto cache =
      codec.exact() ? NewF16KvCache(shape, tokens, kernels)
                    : NewCodedKvCache(shape, tokens, std::vector<KvCodec>(static_cast<size_t>(shape.layers), codec),
                                      basis, kernels);
  for (int64_t begin = 0; begin < tokens; begin += KvCache::kPageTokens) {
    const int64_t end = std::min(tokens, begin + KvCache::kPageTokens);
    Check(cache->Prepare(begin, end, pool));
    pool.ParallelFor(int64_t{shape.layers} * shape.kv_heads, [&](int64_t head, int) {
      for (int64_t t = begin; t < end; ++t) {
        const float* k = &vectors[static_cast<size_t>((t + head) % kVectors * shape.head_size)];
        const float* v = &vectors[static_cast<size_t>((t * 3 + head) % kVectors * shape.head_size)];
        cache->Store(static_cast<int32_t>(head / shape.kv_heads), static_cast<int32_t>(head % shape.kv_heads), t, k, v);
      }
    });
  }
  const int64_t resident = ResidentBytes() - before;
  JsonObject json;
  json.Text("codec", KvCodecText(codec)).Set("tokens", tokens).Set("allocated", cache->allocated_bytes());
  json.Set("resident", resident).Set("formula", KvBytes(shape, codec, tokens));
  json.Set("formulaF16", tokens * KvCache::BytesPerTokenF16(shape));
  std::printf("%s\n", json.str().c_str());
}

}  // namespace niwaki::kvbench
