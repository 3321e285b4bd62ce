#include "model/activations.h"

#include <algorithm>
#include <cstring>

namespace niwaki {
namespace {

int64_t Pad(int64_t n) { return (n + kPanelRows - 1) / kPanelRows * kPanelRows; }
int64_t WholeBlocks(int64_t cols) { return (cols + kQ1BlockSize - 1) / kQ1BlockSize * kQ1BlockSize; }

int64_t QSize(const ModelConfig& c) { return static_cast<int64_t>(c.heads) * c.head_size; }
int64_t KvSize(const ModelConfig& c) { return static_cast<int64_t>(c.kv_heads) * c.head_size; }
int64_t InnerCols(const ModelConfig& c) { return std::max<int64_t>(QSize(c), c.feed_forward_length); }

int64_t RowFloats(const ModelConfig& c) {
  return 3 * Pad(c.embedding_length) + 2 * Pad(QSize(c)) + 2 * Pad(KvSize(c)) + 2 * Pad(c.feed_forward_length) +
         2 * Pad(c.head_size / 2);
}

}  // namespace

Activations::Activations(const ModelConfig& config, const KernelTable& kernels, int64_t chunk, int64_t logits)
    : input(kernels, chunk, config.embedding_length),
      inner(kernels, chunk, InnerCols(config)),
      scratch_(static_cast<size_t>(RowFloats(config) * chunk) * sizeof(float)),
      logits_(static_cast<size_t>(logits * Pad(config.vocab_size)) * sizeof(float)) {}

std::unique_ptr<Activations> Activations::New(const ModelConfig& config, const KernelTable& kernels, int64_t chunk,
                                              int64_t logits) {
  std::unique_ptr<Activations> made(new Activations(config, kernels, chunk, logits));
  if (!made->input.ok() || !made->inner.ok() || made->scratch_.bytes() == 0 || made->logits_.bytes() == 0) {
    return nullptr;
  }
  float* next = made->scratch_.as<float>();
  std::memset(next, 0, made->scratch_.bytes());
  const auto take = [&next, chunk](int64_t row) {
    float* part = next;
    next += Pad(row) * chunk;
    return part;
  };
  made->x = take(config.embedding_length);
  made->normed = take(config.embedding_length);
  made->delta = take(config.embedding_length);
  made->q = take(QSize(config));
  made->attended = take(QSize(config));
  made->k = take(KvSize(config));
  made->v = take(KvSize(config));
  made->gate = take(config.feed_forward_length);
  made->up = take(config.feed_forward_length);
  made->cos = take(config.head_size / 2);
  made->sin = take(config.head_size / 2);
  return made;
}

int64_t Activations::Bytes(const ModelConfig& config, const KernelTable& kernels, int64_t chunk, int64_t logits) {
  const int64_t acts =
      kernels.act_bytes(WholeBlocks(config.embedding_length)) + kernels.act_bytes(WholeBlocks(InnerCols(config)));
  return (RowFloats(config) * chunk + logits * Pad(config.vocab_size)) * static_cast<int64_t>(sizeof(float)) +
         acts * chunk;
}

}  // namespace niwaki
