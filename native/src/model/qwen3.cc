#include "model/qwen3.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace niwaki {
namespace {

int64_t Pad(int64_t n) { return (n + kPanelRows - 1) / kPanelRows * kPanelRows; }

bool Cancelled(const std::atomic<bool>* cancel) { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }

bool IsQ1(const Matrix& matrix) { return matrix.type == TensorType::kQ1_0; }

int64_t QSize(const ModelConfig& c) { return static_cast<int64_t>(c.heads) * c.head_size; }
int64_t KvSize(const ModelConfig& c) { return static_cast<int64_t>(c.kv_heads) * c.head_size; }

// Queries of a head that go through its pages together: what is read and unpacked of a page serves all of them. Four
// such pieces make a chunk. A whole chunk in one piece unpacks each page once instead of four times and is a few
// percent faster in depth (docs/KV.md), but whoever wants to pause this waits for the piece in hand, four times as
// long.
constexpr int64_t kAttentionTokens = 16;

// Tokens whose rows of the embedding are unpacked in one piece, and whose keys and values are stored in one.
constexpr int64_t kLookUpTokens = 4;
constexpr int64_t kStoreTokens = 16;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

Qwen3::Qwen3(const ModelConfig& config, Weights weights, const KernelTable& kernels, ThreadPool& pool)
    : config_(config),
      weights_(std::move(weights)),
      kernels_(kernels),
      pool_(&pool),
      d_(config.embedding_length),
      d_padded_(Pad(config.embedding_length)),
      q_size_(QSize(config)),
      kv_size_(KvSize(config)),
      ff_(config.feed_forward_length),
      rope_(config.rope, config.head_size),
      now_(Activations::New(config, kernels, kChunk, kMaxLogits)) {}

std::unique_ptr<Qwen3> Qwen3::New(const ModelConfig& config, Weights weights, const KernelTable& kernels,
                                  ThreadPool& pool) {
  std::unique_ptr<Qwen3> model(new Qwen3(config, std::move(weights), kernels, pool));
  return model->now_ == nullptr ? nullptr : std::move(model);
}

int64_t Qwen3::ScratchBytes(const ModelConfig& config, const KernelTable& kernels) {
  return Activations::Bytes(config, kernels, kChunk, kMaxLogits);
}

std::unique_ptr<Activations> Qwen3::SetAside() {
  if (spare_ == nullptr) {
    spare_ = Activations::New(config_, kernels_, kChunk, kMaxLogits);
    if (spare_ == nullptr) {
      return nullptr;
    }
    sets_.fetch_add(1, std::memory_order_relaxed);
  }
  return std::exchange(now_, std::move(spare_));
}

void Qwen3::TakeBack(std::unique_ptr<Activations> set_aside) {
  std::unique_ptr<Activations> used = std::exchange(now_, std::move(set_aside));
  if (spare_ == nullptr) {
    spare_ = std::move(used);
  } else {
    sets_.fetch_sub(1, std::memory_order_relaxed);
  }
}

void Qwen3::AddDelta(int64_t token) {
  if (now_->delta_pending) {
    kernels_.add(now_->x + token * d_padded_, now_->delta + token * d_padded_, d_);
  }
}

void Qwen3::NextInput(const std::vector<float>& weight, int64_t tokens, bool quantized,
                      const std::atomic<bool>* cancel) {
  now_->input.Set(now_->normed, d_padded_, d_, tokens, quantized);
  // A few microseconds each: worth a worker from the second on, as a draft's pass has nothing else to do meanwhile.
  const int64_t tokens_a_chunk = std::max<int64_t>(1, 2048 / d_);
  pool_->ParallelFor(CeilDiv(tokens, tokens_a_chunk), [&](int64_t chunk, int) {
    if (Cancelled(cancel)) {
      return;
    }
    const int64_t first = chunk * tokens_a_chunk;
    const int64_t last = std::min(tokens, first + tokens_a_chunk);
    for (int64_t t = first; t < last; ++t) {
      AddDelta(t);
      kernels_.rms_norm(now_->x + t * d_padded_, weight.data(), d_, config_.norm_epsilon, now_->normed + t * d_padded_);
      now_->input.Quantize(t, t + 1, 0, d_);
    }
  });
  now_->delta_pending = false;
}

bool Qwen3::PanelsOf(const Product& product, int64_t from, int64_t to, const std::atomic<bool>* cancel) const {
  for (int64_t panel = from; panel < to && !Cancelled(cancel); panel += Products::kTilePanels) {
    Products::Panels(now_->input, product, panel, std::min(to, panel + Products::kTilePanels));
  }
  return !Cancelled(cancel);
}

void Qwen3::StoreHead(const LayerWeights& layer, int32_t index, int64_t head, int64_t token, int64_t begin,
                      KvCache& cache) {
  const int64_t size = config_.head_size;
  const int64_t rotation = token * Pad(size / 2);
  float* k = now_->k + token * Pad(kv_size_) + head * size;
  kernels_.rms_norm(k, layer.k_norm.data(), size, config_.norm_epsilon, k);
  kernels_.rope_neox(k, size, now_->cos + rotation, now_->sin + rotation);
  cache.Store(index, static_cast<int32_t>(head), begin + token, k, now_->v + token * Pad(kv_size_) + head * size);
}

void Qwen3::AttendHead(const LayerWeights& layer, int32_t index, int64_t head, int64_t first, int64_t last,
                       int64_t begin, KvCache& cache, const std::atomic<bool>* cancel) {
  const int64_t size = config_.head_size;
  const int64_t group = config_.heads / config_.kv_heads;
  const int64_t stride = Pad(q_size_);
  const int64_t column = head * group * size;
  const float scale = 1.0f / std::sqrt(static_cast<float>(size));
  for (int64_t t = first; t < last; ++t) {
    const int64_t rotation = t * Pad(size / 2);
    for (float* q = now_->q + t * stride + column; q < now_->q + t * stride + column + group * size; q += size) {
      kernels_.rms_norm(q, layer.q_norm.data(), size, config_.norm_epsilon, q);
      kernels_.rope_neox(q, size, now_->cos + rotation, now_->sin + rotation);
      for (int64_t i = 0; i < size; ++i) {
        q[i] *= scale;
      }
    }
  }
  const int64_t at = first * stride + column;
  cache.Attend(index, static_cast<int32_t>(head),
               {now_->q + at, stride, now_->attended + at, stride, last - first, group, size, nullptr, nullptr},
               begin + first + 1, cancel);
  if (group * size % kQ1BlockSize == 0) {
    now_->inner.Quantize(first, last, column, group * size);
  }
}

bool Qwen3::Attention(const LayerWeights& layer, int32_t index, int64_t tokens, int64_t begin, KvCache& cache,
                      const std::atomic<bool>* cancel) {
  const int64_t size = config_.head_size;
  const int64_t group = config_.heads / config_.kv_heads;
  const Product q{&layer.q, now_->q, Pad(q_size_)};
  const Product k{&layer.k, now_->k, Pad(kv_size_)};
  const Product v{&layer.v, now_->v, Pad(kv_size_)};
  NextInput(layer.attn_norm, tokens, IsQ1(layer.q) || IsQ1(layer.k) || IsQ1(layer.v), cancel);
  now_->inner.Set(now_->attended, Pad(q_size_), q_size_, tokens, IsQ1(layer.attn_output));
  if (tokens == 1 && size % kPanelRows == 0) {
    // One token: a head needs no other head's keys, so all of its work is one piece and one round.
    const int64_t panels = size / kPanelRows;
    pool_->ParallelFor(config_.kv_heads, [&](int64_t h, int) {
      if (!Cancelled(cancel)) {
        Products::Panels(now_->input, q, h * group * panels, (h + 1) * group * panels);
        Products::Panels(now_->input, k, h * panels, (h + 1) * panels);
        Products::Panels(now_->input, v, h * panels, (h + 1) * panels);
        StoreHead(layer, index, h, 0, begin, cache);
        AttendHead(layer, index, h, 0, 1, begin, cache, cancel);
      }
    });
  } else {
    if (!Products::Run(now_->input, {q, k, v}, *pool_, cancel)) {
      return false;
    }
    const int64_t stores = CeilDiv(tokens, kStoreTokens);
    pool_->ParallelFor(config_.kv_heads * stores, [&](int64_t unit, int) {
      const int64_t first = unit % stores * kStoreTokens;
      for (int64_t t = first; t < std::min(tokens, first + kStoreTokens) && !Cancelled(cancel); ++t) {
        StoreHead(layer, index, unit / stores, t, begin, cache);
      }
    });
    const int64_t parts = CeilDiv(tokens, kAttentionTokens);
    pool_->ParallelFor(config_.kv_heads * parts, [&](int64_t unit, int) {  // neighbours in time read the same pages
      const int64_t first = unit % parts * kAttentionTokens;
      if (!Cancelled(cancel)) {
        AttendHead(layer, index, unit / parts, first, std::min(tokens, first + kAttentionTokens), begin, cache, cancel);
      }
    });
  }
  if (Cancelled(cancel)) {
    return false;
  }
  if (group * size % kQ1BlockSize != 0) {  // blocks that straddle heads
    now_->inner.Quantize(0, tokens, 0, q_size_);
  }
  now_->delta_pending = true;
  return Products::Run(now_->inner, {{&layer.attn_output, now_->delta, d_padded_}}, *pool_, cancel);
}

bool Qwen3::FeedForward(const LayerWeights& layer, int64_t tokens, const std::atomic<bool>* cancel) {
  const int64_t stride = Pad(ff_);
  const Product gate{&layer.gate, now_->gate, stride};
  const Product up{&layer.up, now_->up, stride};
  NextInput(layer.ffn_norm, tokens, IsQ1(layer.gate) || IsQ1(layer.up), cancel);
  now_->inner.Set(now_->gate, stride, ff_, tokens, IsQ1(layer.down));
  // Blocks of 128 rows: gate, up, SwiGLU and quantisation of a block while it is in the cache.
  const int64_t units = (ff_ + kQ1BlockSize - 1) / kQ1BlockSize;
  const int64_t chunks = Products::Chunks(units, 2 * ff_ * d_ * tokens, *pool_);
  constexpr int64_t kPanels = kQ1BlockSize / kPanelRows;
  const int64_t all_panels = stride / kPanelRows;
  pool_->ParallelFor(chunks, [&](int64_t chunk, int) {
    const int64_t first = units * chunk / chunks;
    const int64_t last = units * (chunk + 1) / chunks;
    const int64_t to = std::min(last * kPanels, all_panels);
    if (!PanelsOf(gate, first * kPanels, to, cancel) || !PanelsOf(up, first * kPanels, to, cancel)) {
      return;
    }
    const int64_t column = first * kQ1BlockSize;
    const int64_t count = std::min(last * kQ1BlockSize, ff_) - column;
    for (int64_t t = 0; t < tokens; ++t) {
      kernels_.silu_mul(now_->gate + t * stride + column, now_->up + t * stride + column, count);
    }
    now_->inner.Quantize(0, tokens, column, count);
  });
  if (Cancelled(cancel)) {
    return false;
  }
  now_->delta_pending = true;
  return Products::Run(now_->inner, {{&layer.down, now_->delta, d_padded_}}, *pool_, cancel);
}

bool Qwen3::Forward(std::span<const TokenId> tokens, int64_t begin, KvCache& cache, const std::atomic<bool>* cancel) {
  const int64_t n = static_cast<int64_t>(tokens.size());
  const int64_t rotation = Pad(config_.head_size / 2);
  pool_->ParallelFor(CeilDiv(n, kLookUpTokens), [&](int64_t chunk, int) {
    if (Cancelled(cancel)) {
      return;
    }
    const int64_t first = chunk * kLookUpTokens;
    const int64_t last = std::min(n, first + kLookUpTokens);
    for (int64_t t = first; t < last; ++t) {
      MatrixRow(weights_.embedding, kernels_, tokens[static_cast<size_t>(t)], now_->x + t * d_padded_);
    }
    rope_.Fill(begin + first, last - first, rotation, now_->cos + first * rotation, now_->sin + first * rotation);
  });
  now_->delta_pending = false;  // a cancelled Forward may have left one
  for (int32_t i = 0; i < config_.layers; ++i) {
    const LayerWeights& layer = weights_.layers[static_cast<size_t>(i)];
    if (!Attention(layer, i, n, begin, cache, cancel) || !FeedForward(layer, n, cancel)) {
      return false;
    }
  }
  for (int64_t t = 0; t < n; ++t) {
    AddDelta(t);
  }
  now_->delta_pending = false;
  now_->last_tokens = n;
  return true;
}

void Qwen3::Hidden(int64_t count, float* hidden) const {
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(hidden + i * d_, now_->x + (now_->last_tokens - count + i) * d_padded_,
                static_cast<size_t>(d_) * sizeof(float));
  }
}

int64_t Qwen3::logits_stride() const { return Pad(config_.vocab_size); }

const float* Qwen3::Logits(const float* hidden, int64_t count, std::span<const int32_t> panels,
                           const std::atomic<bool>* cancel) {
  const Matrix& head = weights_.head();
  const int64_t stride = logits_stride();
  float* logits = now_->logits();
  for (int64_t t = 0; t < count; ++t) {
    kernels_.rms_norm(hidden + t * d_, weights_.output_norm.data(), d_, config_.norm_epsilon,
                      now_->normed + t * d_padded_);
  }
  now_->input.Set(now_->normed, d_padded_, d_, count, IsQ1(head));
  now_->input.Quantize(0, count, 0, d_);
  if (panels.empty()) {
    return Products::Run(now_->input, {{&head, logits, stride}}, *pool_, cancel) ? logits : nullptr;
  }
  std::fill_n(logits, count * stride, -std::numeric_limits<float>::infinity());
  return Products::RunPanels(now_->input, {&head, logits, stride}, panels, *pool_, cancel) ? logits : nullptr;
}

}  // namespace niwaki
