// All weights of a model in memory. Nothing refers to the file afterwards.
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "base/fingerprint.h"
#include "model/config.h"
#include "model/matrix.h"

namespace niwaki {

struct LayerWeights {
  std::vector<float> attn_norm;  // [embedding]
  Matrix q, k, v;                // [heads * head_size, embedding], [kv_heads * head_size, embedding] twice
  std::vector<float> q_norm;     // [head_size]
  std::vector<float> k_norm;     // [head_size]
  Matrix attn_output;            // [embedding, heads * head_size]
  std::vector<float> ffn_norm;   // [embedding]
  Matrix gate, up;               // [feed_forward, embedding]
  Matrix down;                   // [embedding, feed_forward]
};

struct Weights {
  AlignedBuffer memory;            // of all matrices: one piece, so that huge pages cover small ones too
  Matrix embedding;                // [vocab, embedding]
  Matrix output;                   // [vocab, embedding], empty when tied
  std::vector<float> output_norm;  // [embedding]
  std::vector<LayerWeights> layers;
  int64_t bytes = 0;
  Fingerprint fingerprint;  // FingerprintOf the file
  const Matrix& head() const { return output.rows != 0 ? output : embedding; }
};

// The file must have passed CheckTensors. `progress` gets 0..1.
Result<Weights> LoadWeights(const GgufFile& file, const ModelConfig& config, PanelLayout layout, ThreadPool& pool,
                            const std::atomic<bool>* cancel, const std::function<void(float)>& progress);
// Of samples of all tensors, as they lie in the file, and of its metadata. The file must have passed CheckTensors.
Fingerprint FingerprintOf(const GgufFile& file);
// Bytes that LoadWeights will hold.
int64_t WeightBytes(const GgufFile& file);

}  // namespace niwaki
