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

int64_t MaxCols(const ModelConfig& c) {
  return std::max({static_cast<int64_t>(c.embedding_length), QSize(c), static_cast<int64_t>(c.feed_forward_length)});
}

// Queries of a head that go through its pages together: what is read and widened of a page serves all of them.
constexpr int64_t kAttentionTokens = 16;

}  // namespace

Qwen3::Qwen3(const ModelConfig& config, Weights weights, const KernelTable& kernels, ThreadPool& pool)
    : config_(config),
      weights_(std::move(weights)),
      kernels_(kernels),
      pool_(pool),
      d_(config.embedding_length),
      d_padded_(Pad(config.embedding_length)),
      q_size_(QSize(config)),
      kv_size_(KvSize(config)),
      ff_(config.feed_forward_length),
      rope_(config.rope, config.head_size),
      batch_(kernels, kChunk, MaxCols(config)),
      scratch_(static_cast<size_t>(ScratchFloats(config)) * sizeof(float)),
      logits_(static_cast<size_t>(LogitsFloats(config)) * sizeof(float)) {}

std::unique_ptr<Qwen3> Qwen3::New(const ModelConfig& config, Weights weights, const KernelTable& kernels,
                                  ThreadPool& pool) {
  std::unique_ptr<Qwen3> model(new Qwen3(config, std::move(weights), kernels, pool));
  if (!model->batch_.ok() || model->scratch_.bytes() == 0 || model->logits_.bytes() == 0) {
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
  const int64_t cols = (MaxCols(config) + kQ1BlockSize - 1) / kQ1BlockSize * kQ1BlockSize;
  return (ScratchFloats(config) + LogitsFloats(config)) * 4 + kernels.act_bytes(cols) * kChunk;
}

void Qwen3::Normalize(const std::vector<float>& weight, int64_t tokens) {
  for (int64_t t = 0; t < tokens; ++t) {
    kernels_.rms_norm(x_ + t * d_padded_, weight.data(), d_, config_.norm_epsilon, normed_ + t * d_padded_);
  }
}

bool Qwen3::Attention(const LayerWeights& layer, int32_t index, int64_t tokens, int64_t begin, KvCache& cache,
                      const std::atomic<bool>* cancel) {
  const int64_t head = config_.head_size;
  const int64_t q_stride = Pad(q_size_);
  const int64_t kv_stride = Pad(kv_size_);
  const int64_t rotation_stride = Pad(head / 2);
  Normalize(layer.attn_norm, tokens);
  batch_.Set(normed_, d_padded_, d_, tokens, IsQ1(layer.q) || IsQ1(layer.k) || IsQ1(layer.v), pool_);
  if (!Products::Run(batch_, {{&layer.q, q_, q_stride}, {&layer.k, k_, kv_stride}, {&layer.v, v_, kv_stride}}, pool_,
                     cancel)) {
    return false;
  }
  // Heads in parts of some tokens: first all keys and values go into the cache, then the queries look at them. One
  // token needs no such order: a head's own key and value are all that it adds, so both steps are one.
  const int64_t group = config_.heads / config_.kv_heads;
  const auto store = [&](int32_t h, int64_t t) {
    float* k = k_ + t * kv_stride + h * head;
    kernels_.rms_norm(k, layer.k_norm.data(), head, config_.norm_epsilon, k);
    kernels_.rope_neox(k, head, cos_ + t * rotation_stride, sin_ + t * rotation_stride);
    cache.Store(index, h, begin + t, k, v_ + t * kv_stride + h * head);
  };
  const float scale = 1.0f / std::sqrt(static_cast<float>(head));
  const auto attend = [&](int32_t h, int64_t first, int64_t count) {
    for (int64_t t = first; t < first + count; ++t) {
      for (int64_t g = 0; g < group; ++g) {
        float* q = q_ + t * q_stride + (h * group + g) * head;
        kernels_.rms_norm(q, layer.q_norm.data(), head, config_.norm_epsilon, q);
        kernels_.rope_neox(q, head, cos_ + t * rotation_stride, sin_ + t * rotation_stride);
        for (int64_t i = 0; i < head; ++i) {
          q[i] *= scale;
        }
      }
    }
    const int64_t offset = first * q_stride + h * group * head;
    cache.Attend(index, h, {q_ + offset, q_stride, attended_ + offset, q_stride, count, group, head, nullptr, nullptr},
                 begin + first + 1);
  };
  if (tokens == 1) {
    pool_.ParallelFor(config_.kv_heads, [&](int64_t h, int) {
      store(static_cast<int32_t>(h), 0);
      attend(static_cast<int32_t>(h), 0, 1);
    });
  } else {
    pool_.ParallelFor(config_.kv_heads, [&](int64_t h, int) {
      for (int64_t t = 0; t < tokens; ++t) {
        store(static_cast<int32_t>(h), t);
      }
    });
    const int64_t parts = (tokens + kAttentionTokens - 1) / kAttentionTokens;
    pool_.ParallelFor(config_.kv_heads * parts, [&](int64_t unit, int) {  // neighbours in time read the same pages
      const int64_t first = unit % parts * kAttentionTokens;
      if (!Cancelled(cancel)) {
        attend(static_cast<int32_t>(unit / parts), first, std::min(kAttentionTokens, tokens - first));
      }
    });
  }
  if (Cancelled(cancel)) {
    return false;
  }
  batch_.Set(attended_, q_stride, q_size_, tokens, IsQ1(layer.attn_output), pool_);
  if (!Products::Run(batch_, {{&layer.attn_output, delta_, d_padded_}}, pool_, cancel)) {
    return false;
  }
  for (int64_t t = 0; t < tokens; ++t) {
    kernels_.add(x_ + t * d_padded_, delta_ + t * d_padded_, d_);
  }
  return true;
}

bool Qwen3::FeedForward(const LayerWeights& layer, int64_t tokens, const std::atomic<bool>* cancel) {
  const int64_t stride = Pad(ff_);
  Normalize(layer.ffn_norm, tokens);
  batch_.Set(normed_, d_padded_, d_, tokens, IsQ1(layer.gate) || IsQ1(layer.up), pool_);
  if (!Products::Run(batch_, {{&layer.gate, gate_, stride}, {&layer.up, up_, stride}}, pool_, cancel)) {
    return false;
  }
  const int64_t tokens_a_chunk = std::max<int64_t>(1, 16384 / ff_);
  pool_.ParallelFor((tokens + tokens_a_chunk - 1) / tokens_a_chunk, [&](int64_t chunk, int) {
    for (int64_t t = chunk * tokens_a_chunk; t < std::min(tokens, (chunk + 1) * tokens_a_chunk); ++t) {
      kernels_.silu_mul(gate_ + t * stride, up_ + t * stride, ff_);
    }
  });
  batch_.Set(gate_, stride, ff_, tokens, IsQ1(layer.down), pool_);
  if (!Products::Run(batch_, {{&layer.down, delta_, d_padded_}}, pool_, cancel)) {
    return false;
  }
  for (int64_t t = 0; t < tokens; ++t) {
    kernels_.add(x_ + t * d_padded_, delta_ + t * d_padded_, d_);
  }
  return true;
}

bool Qwen3::Forward(std::span<const TokenId> tokens, int64_t begin, KvCache& cache, const std::atomic<bool>* cancel) {
  const int64_t n = static_cast<int64_t>(tokens.size());
  for (int64_t t = 0; t < n; ++t) {
    MatrixRow(weights_.embedding, kernels_, tokens[static_cast<size_t>(t)], x_ + t * d_padded_);
  }
  rope_.Fill(begin, n, Pad(config_.head_size / 2), cos_, sin_);
  for (int32_t i = 0; i < config_.layers; ++i) {
    const LayerWeights& layer = weights_.layers[static_cast<size_t>(i)];
    if (!Attention(layer, i, n, begin, cache, cancel) || !FeedForward(layer, n, cancel)) {
      return false;
    }
  }
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
  batch_.Set(normed_, d_padded_, d_, count, IsQ1(head), pool_);
  if (panels.empty()) {
    return Products::Run(batch_, {{&head, logits, stride}}, pool_, cancel) ? logits : nullptr;
  }
  std::fill_n(logits, count * stride, -std::numeric_limits<float>::infinity());
  return Products::RunPanels(batch_, {&head, logits, stride}, panels, pool_, cancel) ? logits : nullptr;
}

}  // namespace niwaki
