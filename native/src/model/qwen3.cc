#include "model/qwen3.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace niwaki {
namespace {

int64_t Pad(int64_t n) { return (n + kPanelRows - 1) / kPanelRows * kPanelRows; }

bool Cancelled(const std::atomic<bool>* cancel) { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }

bool IsQ1(const Matrix& matrix) { return matrix.type == TensorType::kQ1_0; }

int64_t QSize(const ModelConfig& c) { return static_cast<int64_t>(c.heads) * c.head_size; }
int64_t KvSize(const ModelConfig& c) { return static_cast<int64_t>(c.kv_heads) * c.head_size; }

int64_t ScratchFloats(const ModelConfig& c) {
  const int64_t d = Pad(c.embedding_length);
  const int64_t row =
      3 * d + 2 * Pad(QSize(c)) + 2 * Pad(KvSize(c)) + 2 * Pad(c.feed_forward_length) + 2 * Pad(c.head_size / 2);
  return row * Qwen3::kChunk;
}

int64_t LogitsFloats(const ModelConfig& c) { return Qwen3::kMaxLogits * Pad(c.vocab_size); }

int64_t InnerCols(const ModelConfig& c) { return std::max<int64_t>(QSize(c), c.feed_forward_length); }
int64_t WholeBlocks(int64_t cols) { return (cols + kQ1BlockSize - 1) / kQ1BlockSize * kQ1BlockSize; }

// Queries of a head that go through its pages together: what is read and widened of a page serves all of them.
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
      input_(kernels, kChunk, config.embedding_length),
      inner_(kernels, kChunk, InnerCols(config)),
      scratch_(static_cast<size_t>(ScratchFloats(config)) * sizeof(float)),
      logits_(static_cast<size_t>(LogitsFloats(config)) * sizeof(float)) {}

std::unique_ptr<Qwen3> Qwen3::New(const ModelConfig& config, Weights weights, const KernelTable& kernels,
                                  ThreadPool& pool) {
  std::unique_ptr<Qwen3> model(new Qwen3(config, std::move(weights), kernels, pool));
  if (!model->input_.ok() || !model->inner_.ok() || model->scratch_.bytes() == 0 || model->logits_.bytes() == 0) {
    return nullptr;
  }
  float* next = model->scratch_.as<float>();
  std::memset(next, 0, model->scratch_.bytes());
  const auto take = [&next](int64_t row) {
    float* part = next;
    next += Pad(row) * kChunk;
    return part;
  };
  model->x_ = take(model->d_);
  model->normed_ = take(model->d_);
  model->delta_ = take(model->d_);
  model->q_ = take(model->q_size_);
  model->attended_ = take(model->q_size_);
  model->k_ = take(model->kv_size_);
  model->v_ = take(model->kv_size_);
  model->gate_ = take(model->ff_);
  model->up_ = take(model->ff_);
  model->cos_ = take(config.head_size / 2);
  model->sin_ = take(config.head_size / 2);
  return model;
}

int64_t Qwen3::ScratchBytes(const ModelConfig& config, const KernelTable& kernels) {
  const int64_t acts =
      kernels.act_bytes(WholeBlocks(config.embedding_length)) + kernels.act_bytes(WholeBlocks(InnerCols(config)));
  return (ScratchFloats(config) + LogitsFloats(config)) * 4 + acts * kChunk;
}

void Qwen3::AddDelta(int64_t token) {
  if (delta_pending_) {
    kernels_.add(x_ + token * d_padded_, delta_ + token * d_padded_, d_);
  }
}

void Qwen3::NextInput(const std::vector<float>& weight, int64_t tokens, bool quantized,
                      const std::atomic<bool>* cancel) {
  input_.Set(normed_, d_padded_, d_, tokens, quantized);
  const int64_t tokens_a_chunk = std::max<int64_t>(1, 16384 / d_);
  pool_->ParallelFor(CeilDiv(tokens, tokens_a_chunk), [&](int64_t chunk, int) {
    if (Cancelled(cancel)) {
      return;
    }
    const int64_t first = chunk * tokens_a_chunk;
    const int64_t last = std::min(tokens, first + tokens_a_chunk);
    for (int64_t t = first; t < last; ++t) {
      AddDelta(t);
      kernels_.rms_norm(x_ + t * d_padded_, weight.data(), d_, config_.norm_epsilon, normed_ + t * d_padded_);
      input_.Quantize(t, t + 1, 0, d_);
    }
  });
  delta_pending_ = false;
}

bool Qwen3::PanelsOf(const Product& product, int64_t from, int64_t to, const std::atomic<bool>* cancel) const {
  for (int64_t panel = from; panel < to && !Cancelled(cancel); panel += Products::kTilePanels) {
    Products::Panels(input_, product, panel, std::min(to, panel + Products::kTilePanels));
  }
  return !Cancelled(cancel);
}

void Qwen3::StoreHead(const LayerWeights& layer, int32_t index, int64_t head, int64_t token, int64_t begin,
                      KvCache& cache) {
  const int64_t size = config_.head_size;
  const int64_t rotation = token * Pad(size / 2);
  float* k = k_ + token * Pad(kv_size_) + head * size;
  kernels_.rms_norm(k, layer.k_norm.data(), size, config_.norm_epsilon, k);
  kernels_.rope_neox(k, size, cos_ + rotation, sin_ + rotation);
  cache.Store(index, static_cast<int32_t>(head), begin + token, k, v_ + token * Pad(kv_size_) + head * size);
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
    for (float* q = q_ + t * stride + column; q < q_ + t * stride + column + group * size; q += size) {
      kernels_.rms_norm(q, layer.q_norm.data(), size, config_.norm_epsilon, q);
      kernels_.rope_neox(q, size, cos_ + rotation, sin_ + rotation);
      for (int64_t i = 0; i < size; ++i) {
        q[i] *= scale;
      }
    }
  }
  const int64_t at = first * stride + column;
  cache.Attend(index, static_cast<int32_t>(head),
               {q_ + at, stride, attended_ + at, stride, last - first, group, size, nullptr, nullptr},
               begin + first + 1, cancel);
  if (group * size % kQ1BlockSize == 0) {
    inner_.Quantize(first, last, column, group * size);
  }
}

bool Qwen3::Attention(const LayerWeights& layer, int32_t index, int64_t tokens, int64_t begin, KvCache& cache,
                      const std::atomic<bool>* cancel) {
  const int64_t size = config_.head_size;
  const int64_t group = config_.heads / config_.kv_heads;
  const Product q{&layer.q, q_, Pad(q_size_)};
  const Product k{&layer.k, k_, Pad(kv_size_)};
  const Product v{&layer.v, v_, Pad(kv_size_)};
  NextInput(layer.attn_norm, tokens, IsQ1(layer.q) || IsQ1(layer.k) || IsQ1(layer.v), cancel);
  inner_.Set(attended_, Pad(q_size_), q_size_, tokens, IsQ1(layer.attn_output));
  if (tokens == 1 && size % kPanelRows == 0) {
    // One token: a head needs no other head's keys, so all of its work is one piece and one round.
    const int64_t panels = size / kPanelRows;
    pool_->ParallelFor(config_.kv_heads, [&](int64_t h, int) {
      if (!Cancelled(cancel)) {
        Products::Panels(input_, q, h * group * panels, (h + 1) * group * panels);
        Products::Panels(input_, k, h * panels, (h + 1) * panels);
        Products::Panels(input_, v, h * panels, (h + 1) * panels);
        StoreHead(layer, index, h, 0, begin, cache);
        AttendHead(layer, index, h, 0, 1, begin, cache, cancel);
      }
    });
  } else {
    if (!Products::Run(input_, {q, k, v}, *pool_, cancel)) {
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
    inner_.Quantize(0, tokens, 0, q_size_);
  }
  delta_pending_ = true;
  return Products::Run(inner_, {{&layer.attn_output, delta_, d_padded_}}, *pool_, cancel);
}

bool Qwen3::FeedForward(const LayerWeights& layer, int64_t tokens, const std::atomic<bool>* cancel) {
  const int64_t stride = Pad(ff_);
  const Product gate{&layer.gate, gate_, stride};
  const Product up{&layer.up, up_, stride};
  NextInput(layer.ffn_norm, tokens, IsQ1(layer.gate) || IsQ1(layer.up), cancel);
  inner_.Set(gate_, stride, ff_, tokens, IsQ1(layer.down));
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
      kernels_.silu_mul(gate_ + t * stride + column, up_ + t * stride + column, count);
    }
    inner_.Quantize(0, tokens, column, count);
  });
  if (Cancelled(cancel)) {
    return false;
  }
  delta_pending_ = true;
  return Products::Run(inner_, {{&layer.down, delta_, d_padded_}}, *pool_, cancel);
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
      MatrixRow(weights_.embedding, kernels_, tokens[static_cast<size_t>(t)], x_ + t * d_padded_);
    }
    rope_.Fill(begin + first, last - first, rotation, cos_ + first * rotation, sin_ + first * rotation);
  });
  delta_pending_ = false;  // a cancelled Forward may have left one
  for (int32_t i = 0; i < config_.layers; ++i) {
    const LayerWeights& layer = weights_.layers[static_cast<size_t>(i)];
    if (!Attention(layer, i, n, begin, cache, cancel) || !FeedForward(layer, n, cancel)) {
      return false;
    }
  }
  for (int64_t t = 0; t < n; ++t) {
    AddDelta(t);
  }
  delta_pending_ = false;
  last_tokens_ = n;
  return true;
}

void Qwen3::Hidden(int64_t count, float* hidden) const {
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(hidden + i * d_, x_ + (last_tokens_ - count + i) * d_padded_, static_cast<size_t>(d_) * sizeof(float));
  }
}

int64_t Qwen3::logits_stride() const { return Pad(config_.vocab_size); }

const float* Qwen3::Logits(const float* hidden, int64_t count, std::span<const int32_t> panels,
                           const std::atomic<bool>* cancel) {
  const Matrix& head = weights_.head();
  const int64_t stride = logits_stride();
  float* logits = logits_.as<float>();
  for (int64_t t = 0; t < count; ++t) {
    kernels_.rms_norm(hidden + t * d_, weights_.output_norm.data(), d_, config_.norm_epsilon, normed_ + t * d_padded_);
  }
  input_.Set(normed_, d_padded_, d_, count, IsQ1(head));
  input_.Quantize(0, count, 0, d_);
  if (panels.empty()) {
    return Products::Run(input_, {{&head, logits, stride}}, *pool_, cancel) ? logits : nullptr;
  }
  std::fill_n(logits, count * stride, -std::numeric_limits<float>::infinity());
  return Products::RunPanels(input_, {&head, logits, stride}, panels, *pool_, cancel) ? logits : nullptr;
}

}  // namespace niwaki
