// The forward pass of Qwen3 dense models: RMSNorm, grouped-query attention with normalised queries and keys, NEOX
// rotary positions, SwiGLU. (Qwen3 technical report, arXiv 2505.09388; tensor names as in GGUF files.)
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "kv/cache.h"
#include "model/activations.h"
#include "model/config.h"
#include "model/weights.h"
#include "niwaki/engine.h"  // TokenId

namespace niwaki {

class Qwen3 {
 public:
  // Tokens that go through the layers together. Results do not depend on it.
  static constexpr int64_t kChunk = 64;

  // Null when there is no memory for the activations.
  static std::unique_ptr<Qwen3> New(const ModelConfig& config, Weights weights, const KernelTable& kernels,
                                    ThreadPool& pool);
  // Bytes of activations and logits of one computation.
  static int64_t ScratchBytes(const ModelConfig& config, const KernelTable& kernels);

  // All work is cut into pieces of well under a millisecond (qwen3_cancel_test.cc counts), and `cancel` is looked at
  // before each.
  //
  // Evaluates tokens (at most kChunk) at positions begin, begin + 1, ... and stores their keys and values; the cache
  // must hold all positions before `begin` and have room. False when cancelled: the chunk's entries in the cache are
  // then undefined.
  bool Forward(std::span<const TokenId> tokens, int64_t begin, KvCache& cache, const std::atomic<bool>* cancel);
  // Copies what the last layer says after the last `count` tokens of the last Forward: what Logits goes on from.
  // hidden [count, embedding_length].
  void Hidden(int64_t count, float* hidden) const;

  // Rows that one call of Logits computes at the most: a token and the longest draft after it.
  static constexpr int64_t kMaxLogits = LookupOptions::kMaxDraft + 1;
  // Logits for `count` (at most kMaxLogits) rows of hidden [count, embedding_length], in one product. Where `panels`
  // (ascending) is not empty, only ids of these panels (id / 32) are computed, and all others are -infinity. Null when
  // cancelled. Row i begins at i * logits_stride(); valid until the next call.
  const float* Logits(const float* hidden, int64_t count, std::span<const int32_t> panels,
                      const std::atomic<bool>* cancel);
  int64_t logits_stride() const;

  // From the next call on these compute; they must outlive the model.
  void UsePool(ThreadPool& pool) { pool_ = &pool; }
  ThreadPool& pool() { return *pool_; }  // the one in use

  // A call of Forward or Logits is being paused (ThreadPool::PauseWith), and other calls are to be made before it goes
  // on: those get other activations. Null, and nothing has changed, when there is no memory for them.
  std::unique_ptr<Activations> SetAside();
  // The paused call goes on, with what SetAside gave. Of the sets that nobody needs any more one is kept for the next
  // pause.
  void TakeBack(std::unique_ptr<Activations> set_aside);
  // Sets of activations that are held now. Any thread.
  int sets() const { return sets_.load(std::memory_order_relaxed); }

  const Weights& weights() const { return weights_; }
  const RopeTable& rope() const { return rope_; }

 private:
  Qwen3(const ModelConfig& config, Weights weights, const KernelTable& kernels, ThreadPool& pool);
  // Work of one layer, in rounds over the workers. All return false when cancelled.
  bool Attention(const LayerWeights& layer, int32_t index, int64_t tokens, int64_t begin, KvCache& cache,
                 const std::atomic<bool>* cancel);
  bool FeedForward(const LayerWeights& layer, int64_t tokens, const std::atomic<bool>* cancel);
  // x += delta, normed = RMSNorm(x) * weight, and normed quantised as the input of products.
  void NextInput(const std::vector<float>& weight, int64_t tokens, bool quantized, const std::atomic<bool>* cancel);
  void AddDelta(int64_t token);
  // Panels [from, to) of the product with the input, a tile at a time. False when cancelled.
  bool PanelsOf(const Product& product, int64_t from, int64_t to, const std::atomic<bool>* cancel) const;
  // The new key and value of one kv head: normalised, rotated, stored.
  void StoreHead(const LayerWeights& layer, int32_t index, int64_t head, int64_t token, int64_t begin, KvCache& cache);
  // What the queries of one kv head see: normalised, rotated, attended, and the result quantised as the inner one.
  void AttendHead(const LayerWeights& layer, int32_t index, int64_t head, int64_t first, int64_t last, int64_t begin,
                  KvCache& cache, const std::atomic<bool>* cancel);

  const ModelConfig config_;
  Weights weights_;
  const KernelTable& kernels_;
  ThreadPool* pool_;
  const int64_t d_;  // embedding length
  const int64_t d_padded_;
  const int64_t q_size_;  // heads * head_size
  const int64_t kv_size_;
  const int64_t ff_;
  const RopeTable rope_;
  std::unique_ptr<Activations> now_;    // of the call that computes; never null
  std::unique_ptr<Activations> spare_;  // may be null
  std::atomic<int> sets_{1};
};

}  // namespace niwaki
