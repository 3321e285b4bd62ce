// What one computation of a model writes while it runs: activations, and logits of its last tokens. A computation that
// is paused keeps its own until it goes on; who computes meanwhile has others.
#pragma once

#include <cstdint>
#include <memory>

#include "base/aligned.h"
#include "kernels/kernel_table.h"
#include "model/config.h"
#include "model/matrix.h"

namespace niwaki {

class Activations {
 public:
  // For `chunk` tokens that go through the layers together, and logits after `logits` tokens. Null when there is no
  // memory.
  static std::unique_ptr<Activations> New(const ModelConfig& config, const KernelTable& kernels, int64_t chunk,
                                          int64_t logits);
  // Bytes that one takes. Rows of logits that nobody asks for are never touched, so a process grows by less.
  static int64_t Bytes(const ModelConfig& config, const KernelTable& kernels, int64_t chunk, int64_t logits);

  Batch input;                 // of a layer's first products: normed
  Batch inner;                 // of its second ones: attended or gate
  int64_t last_tokens = 0;     // of the last pass through all layers
  bool delta_pending = false;  // delta is still to be added to x

  // Each [chunk, ... padded to whole panels]
  float* x = nullptr;         // residual stream [embedding]
  float* normed = nullptr;    // [embedding]
  float* q = nullptr;         // [heads * head_size]
  float* k = nullptr;         // [kv_heads * head_size]
  float* v = nullptr;         // [kv_heads * head_size]
  float* attended = nullptr;  // [heads * head_size]
  float* gate = nullptr;      // [feed_forward]
  float* up = nullptr;        // [feed_forward]
  float* delta = nullptr;     // [embedding]
  float* cos = nullptr;       // [head_size / 2]
  float* sin = nullptr;       // [head_size / 2]

  float* logits() const { return logits_.as<float>(); }  // [logits, vocabulary padded to whole panels]

 private:
  Activations(const ModelConfig& config, const KernelTable& kernels, int64_t chunk, int64_t logits);

  AlignedBuffer scratch_;
  AlignedBuffer logits_;
};

}  // namespace niwaki
