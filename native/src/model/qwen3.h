// The forward pass of Qwen3 dense models: RMSNorm, grouped-query attention with normalised queries and keys, NEOX
// rotary positions, SwiGLU. (Qwen3 technical report, arXiv 2505.09388; tensor names as in GGUF files.)
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "kv/cache.h"
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
  // Bytes of activations and logits.
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

  const Weights& weights() const { return weights_; }
  const RopeTable& rope() const { return rope_; }

 private:
  Qwen3(const ModelConfig& config, Weights weights, const KernelTable& kernels, ThreadPool& pool);
  // Work of one layer, in rounds over the workers. All return false when cancelled.
  bool Attention(const LayerWeights& layer, int32_t index, int64_t tokens, int64_t begin, KvCache& cache,
                 const std::atomic<bool>* cancel);
  bool FeedForward(const LayerWeights& layer, int64_t tokens, const std::atomic<bool>* cancel);
  // x += delta, normed = RMSNorm(x) * weight, and normed quantised as input_ for products.
  void NextInput(const std::vector<float>& weight, int64_t tokens, bool quantized, const std::atomic<bool>* cancel);
  void AddDelta(int64_t token);
  // Panels [from, to) of the product with input_, a tile at a time. False when cancelled.
  bool PanelsOf(const Product& product, int64_t from, int64_t to, const std::atomic<bool>* cancel) const;
  // The new key and value of one kv head: normalised, rotated, stored.
  void StoreHead(const LayerWeights& layer, int32_t index, int64_t head, int64_t token, int64_t begin, KvCache& cache);
  // What the queries of one kv head see: normalised, rotated, attended, and the result quantised as inner_.
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
  int64_t last_tokens_ = 0;
  bool delta_pending_ = false;  // delta_ is still to be added to x_
  Batch input_;                 // of a layer's first products: normed_
  Batch inner_;                 // of its second ones: attended_ or gate_
  AlignedBuffer scratch_;
  AlignedBuffer logits_;  // [kMaxLogits, vocab padded to whole panels]; rows that nobody asks for are never touched
  // Parts of scratch_, each [kChunk, ...padded to whole panels]
  float* x_ = nullptr;         // residual stream [d]
  float* normed_ = nullptr;    // [d]
  float* q_ = nullptr;         // [q_size]
  float* k_ = nullptr;         // [kv_size]
  float* v_ = nullptr;         // [kv_size]
  float* attended_ = nullptr;  // [q_size]
  float* gate_ = nullptr;      // [ff]
  float* up_ = nullptr;        // [ff]
  float* delta_ = nullptr;     // [d]
  float* cos_ = nullptr;       // [head_size / 2]
  float* sin_ = nullptr;       // [head_size / 2]
};

}  // namespace niwaki
