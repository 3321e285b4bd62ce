// How long a cancel may have to wait, counted and not timed: kernels that compute nothing set the cancel flag in the
// middle of a chunk of tokens, at every moment in turn, and count the work that is still done afterwards. The shape is
// an 8B model's, two layers of it, at the beginning of a text and deep inside one.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>

#include "base/testing.h"
#include "kernels/kernel_table.h"
#include "kv/cache.h"
#include "model/qwen3.h"

namespace niwaki {
namespace {

// Kinds of work, by how fast they are: all of it takes a core well under a millisecond within the bounds below.
enum Kind { kMatrix, kAttention, kVectors, kLookUp, kStored, kKinds };

struct Meter {
  int64_t calls = 0;
  int64_t trip = 0;  // the call of a kernel during which the flag is set
  std::atomic<bool> cancel{false};
  std::array<int64_t, kKinds> after{};  // work of that call and of those that began later
};
Meter meter;

void Work(Kind kind, int64_t amount) {
  if (++meter.calls == meter.trip) {
    meter.cancel = true;
  }
  if (meter.cancel) {
    meter.after[kind] += amount;
  }
}

KernelTable CountingKernels() {
  KernelTable table = kGenericKernels;
  table.quantize_act = [](const float*, int64_t cols, int64_t, void*) { Work(kVectors, cols); };
  table.matmul_q1_0 = [](const uint8_t*, int64_t blocks, int64_t begin, int64_t end, const void*, int64_t tokens,
                         float*, int64_t) { Work(kMatrix, (end - begin) * kPanelRows * blocks * 128 * tokens); };
  table.rms_norm = [](const float*, const float*, int64_t n, float, float*) { Work(kVectors, n); };
  table.rope_neox = [](float*, int64_t head_size, const float*, const float*) { Work(kVectors, head_size); };
  table.silu_mul = [](float*, const float*, int64_t n) { Work(kVectors, n); };
  table.add = [](float*, const float*, int64_t n) { Work(kVectors, n); };
  table.f32_to_f16 = [](const float*, int64_t n, uint16_t*) { Work(kStored, n); };
  table.f16_to_f32 = [](const uint16_t*, int64_t n, float*) { Work(kLookUp, n); };
  table.attend_page_f16 = [](const AttendQueries& queries, const uint16_t*, const uint16_t*, int64_t) {
    Work(kAttention, queries.tokens * queries.group * queries.head_size * KvCache::kPageTokens * 2);
  };
  return table;
}

ModelConfig Shape8B() {
  ModelConfig config;
  config.context_length = 40960;
  config.embedding_length = 4096;
  config.layers = 2;
  config.feed_forward_length = 12288;
  config.heads = 32;
  config.kv_heads = 8;
  config.head_size = 128;
  config.vocab_size = 64;
  config.norm_epsilon = 1e-6f;
  config.tied_head = true;
  return config;
}

// Nothing reads the matrices but the embedding's look-ups, which a kernel does that counts.
Weights NoWeights(const ModelConfig& config) {
  Weights weights;
  const auto matrix = [](TensorType type, int64_t rows, int64_t cols) {
    Matrix out;
    out.type = type;
    out.rows = rows;
    out.cols = cols;
    return out;
  };
  const int64_t d = config.embedding_length;
  const int64_t q = int64_t{config.heads} * config.head_size;
  const int64_t kv = int64_t{config.kv_heads} * config.head_size;
  const int64_t ff = config.feed_forward_length;
  weights.embedding = matrix(TensorType::kF16, config.vocab_size, d);
  weights.output_norm.resize(static_cast<size_t>(d));
  for (int32_t i = 0; i < config.layers; ++i) {
    LayerWeights layer;
    layer.attn_norm.resize(static_cast<size_t>(d));
    layer.ffn_norm.resize(static_cast<size_t>(d));
    layer.q_norm.resize(static_cast<size_t>(config.head_size));
    layer.k_norm.resize(static_cast<size_t>(config.head_size));
    layer.q = matrix(TensorType::kQ1_0, q, d);
    layer.k = layer.v = matrix(TensorType::kQ1_0, kv, d);
    layer.attn_output = matrix(TensorType::kQ1_0, d, q);
    layer.gate = layer.up = matrix(TensorType::kQ1_0, ff, d);
    layer.down = matrix(TensorType::kQ1_0, d, ff);
    weights.layers.push_back(layer);
  }
  return weights;
}

// The most work of each kind after the flag, over all moments.
std::array<int64_t, kKinds> Longest(int64_t tokens, int64_t begin) {
  static const KernelTable kernels = CountingKernels();
  const ModelConfig config = Shape8B();
  ThreadPool pool(1);
  const std::unique_ptr<Qwen3> model = Qwen3::New(config, NoWeights(config), kernels, pool);
  const std::unique_ptr<KvCache> cache =
      NewF16KvCache({config.layers, config.kv_heads, config.head_size}, config.context_length, kernels);
  for (int64_t at = 0; at < begin + tokens; at += KvCache::kPageTokens) {
    EXPECT(cache->Prepare(at, std::min(begin + tokens, at + KvCache::kPageTokens), pool).ok());
  }
  const std::vector<TokenId> ids(static_cast<size_t>(tokens), 1);
  std::array<int64_t, kKinds> longest{};
  meter.trip = 0;
  meter.calls = 0;
  meter.cancel = false;
  EXPECT(model->Forward(ids, begin, *cache, &meter.cancel));
  const int64_t calls = meter.calls;
  EXPECT(calls > 50);
  // A thousand moments, one after the other where there are fewer.
  const int64_t step = std::max<int64_t>(1, calls * testing::kStride / 997);
  for (meter.trip = 1; meter.trip <= calls; meter.trip += step) {
    meter.calls = 0;
    meter.cancel = false;
    meter.after = {};
    const bool finished = model->Forward(ids, begin, *cache, &meter.cancel);
    EXPECT(!finished || calls - meter.trip < 2 * tokens);  // only the last additions remain
    for (size_t kind = 0; kind < kKinds; ++kind) {
      longest[kind] = std::max(longest[kind], meter.after[kind]);
    }
  }
  std::printf(
      "    %lld tokens from %lld on, %lld calls: products %lld, attention %lld, vectors %lld, look-ups %lld, "
      "stored %lld\n",
      static_cast<long long>(tokens), static_cast<long long>(begin), static_cast<long long>(calls),
      static_cast<long long>(longest[kMatrix]), static_cast<long long>(longest[kAttention]),
      static_cast<long long>(longest[kVectors]), static_cast<long long>(longest[kLookUp]),
      static_cast<long long>(longest[kStored]));
  return longest;
}

void CheckBounds(int64_t tokens, int64_t begin) {
  const std::array<int64_t, kKinds> longest = Longest(tokens, begin);
  // Multiply-adds of a tile of four panels of the widest matrix with a whole chunk: 0.3 ms at the 320 thousand million
  // a second that one core does with AVX-512, 0.7 ms with AVX2.
  EXPECT(longest[kMatrix] <= int64_t{4} * kPanelRows * 12288 * Qwen3::kChunk);
  // One page, for the queries that share it.
  EXPECT(longest[kAttention] <= int64_t{16} * 4 * 128 * KvCache::kPageTokens * 2);
  // Floats that are read and written once, some tens of microseconds: a token's whole state many times over.
  EXPECT(longest[kVectors] <= 400'000);
  EXPECT(longest[kLookUp] <= 4 * 4096);
  EXPECT(longest[kStored] <= 2 * 128);
}

TEST("a cancel in a prompt waits for little work") { CheckBounds(Qwen3::kChunk, 0); }

TEST("nor does it deep inside a text, where attention is most of the work") { CheckBounds(Qwen3::kChunk, 32768); }

TEST("nor while a single token is evaluated there") { CheckBounds(1, 32768); }

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
