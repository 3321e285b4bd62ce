#include "model/weights.h"

#include <cstring>
#include <string>

#include "base/f16.h"
#include "quant/bf16.h"

namespace niwaki {
namespace {

std::vector<float> LoadVector(const GgufTensor& tensor) {
  std::vector<float> out(static_cast<size_t>(tensor.elements()));
  if (static_cast<TensorType>(tensor.type) == TensorType::kF32) {
    std::memcpy(out.data(), tensor.data.data(), tensor.data.size());
  } else {
    const bool bfloat = static_cast<TensorType>(tensor.type) == TensorType::kBF16;
    for (size_t i = 0; i < out.size(); ++i) {
      uint16_t half;
      std::memcpy(&half, tensor.data.data() + 2 * i, 2);
      out[i] = bfloat ? BF16ToF32(half) : F16ToF32(half);
    }
  }
  return out;
}

// The tensor's kind, all of a small one, and three pieces of a large one.
void AddSamples(const GgufTensor& tensor, Fingerprint* fingerprint) {
  constexpr size_t kPiece = 4096;
  fingerprint->Add(tensor.name);
  fingerprint->Add(int64_t{tensor.type});
  for (const int64_t n : tensor.shape) {
    fingerprint->Add(n);
  }
  const size_t bytes = tensor.data.size();
  if (bytes <= 3 * kPiece) {
    fingerprint->Add(tensor.data.data(), bytes);
    return;
  }
  for (const size_t at : {size_t{0}, bytes / 2, bytes - kPiece}) {
    fingerprint->Add(tensor.data.data() + at, kPiece);
  }
}

// Bytes of a matrix, and up to where the next one may begin.
int64_t PaddedBytes(const GgufTensor& tensor) {
  return (Matrix::BytesFor(static_cast<TensorType>(tensor.type), tensor.shape[1], tensor.shape[0]) + 63) / 64 * 64;
}
int64_t MatrixBytes(const GgufFile& file) {
  int64_t bytes = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    bytes += tensor.shape.size() == 2 ? PaddedBytes(tensor) : 0;
  }
  return bytes;
}

}  // namespace

int64_t WeightBytes(const GgufFile& file) {
  int64_t bytes = MatrixBytes(file);
  for (const GgufTensor& tensor : file.tensors()) {
    bytes += tensor.shape.size() == 2 ? 0 : tensor.elements() * 4;
  }
  return bytes;
}

Result<Weights> LoadWeights(const GgufFile& file, const ModelConfig& config, PanelLayout layout, ThreadPool& pool,
                            const std::atomic<bool>* cancel, const std::function<void(float)>& progress) {
  Weights weights;
  const double total = static_cast<double>(file.bytes().size());
  int64_t done = 0;
  const auto step = [&](int64_t bytes) {
    done += bytes;
    if (progress) {
      progress(static_cast<float>(static_cast<double>(done) / total));
    }
  };
  const int64_t bytes = MatrixBytes(file);
  weights.memory = AlignedBuffer(static_cast<size_t>(bytes));
  if (weights.memory.bytes() == 0) {
    return Status(StatusCode::kOutOfMemory, "there is no memory for the model's weights (" +
                                                std::to_string(bytes >> 20) +
                                                " MB); close other programs or choose a smaller model");
  }
  weights.bytes = bytes;
  uint8_t* next = weights.memory.data();
  Status failure;
  const auto matrix = [&](const std::string& name, Matrix* out) {
    if (!failure.ok()) {
      return;
    }
    const GgufTensor& tensor = *file.FindTensor(name);
    AddSamples(tensor, &weights.fingerprint);
    const Result<Matrix> loaded = LoadMatrix(file, tensor, layout, next, pool, cancel, step);
    if (!loaded.ok()) {
      failure = loaded.status();
      return;
    }
    *out = loaded.value();
    next += PaddedBytes(tensor);
  };
  const auto vector = [&](const std::string& name, std::vector<float>* out) {
    const GgufTensor& tensor = *file.FindTensor(name);
    AddSamples(tensor, &weights.fingerprint);
    *out = LoadVector(tensor);
    weights.bytes += static_cast<int64_t>(out->size() * sizeof(float));
  };

  matrix("token_embd.weight", &weights.embedding);
  if (!config.tied_head) {
    matrix("output.weight", &weights.output);
  }
  vector("output_norm.weight", &weights.output_norm);
  weights.layers.resize(static_cast<size_t>(config.layers));
  for (int32_t i = 0; i < config.layers && failure.ok(); ++i) {
    LayerWeights& layer = weights.layers[static_cast<size_t>(i)];
    const std::string b = "blk." + std::to_string(i) + ".";
    vector(b + "attn_norm.weight", &layer.attn_norm);
    matrix(b + "attn_q.weight", &layer.q);
    matrix(b + "attn_k.weight", &layer.k);
    matrix(b + "attn_v.weight", &layer.v);
    vector(b + "attn_q_norm.weight", &layer.q_norm);
    vector(b + "attn_k_norm.weight", &layer.k_norm);
    matrix(b + "attn_output.weight", &layer.attn_output);
    vector(b + "ffn_norm.weight", &layer.ffn_norm);
    matrix(b + "ffn_gate.weight", &layer.gate);
    matrix(b + "ffn_up.weight", &layer.up);
    matrix(b + "ffn_down.weight", &layer.down);
  }
  if (!failure.ok()) {
    return failure;
  }
  return weights;
}

}  // namespace niwaki
