#include "model/weights.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <string>

#include "base/f16.h"
#include "quant/bf16.h"
#include "quant/q1_0.h"

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

// The tensor's kind, all of a vector, and three rows of a matrix. What cannot be read is for the loader to say.
void AddSamples(const GgufFile& file, const GgufTensor& tensor, Fingerprint* fingerprint) {
  fingerprint->Add(tensor.name);
  fingerprint->Add(int64_t{tensor.type});
  for (const int64_t n : tensor.shape) {
    fingerprint->Add(n);
  }
  const int64_t rows = tensor.shape.size() == 2 ? tensor.shape[1] : 1;
  std::vector<uint8_t> row(tensor.data.size() / static_cast<size_t>(rows));
  for (const int64_t at : {int64_t{0}, rows / 2, rows - 1}) {
    const Result<const uint8_t*> read = file.ReadBlocks(tensor, static_cast<size_t>(at) * row.size(), row);
    if (read.ok()) {
      fingerprint->Add(read.value(), row.size());
    }
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

// Reads matrices into one piece of memory, one after another. All of it is one round of the workers: each has a stretch
// of the memory for its own, reads, checks and repacks it part by part out of a buffer that stays in its cache, and is
// the first to touch its pages, so that the system clears them on all processors at once. That, and not the copying, is
// what takes the time.
class MatrixReader {
 public:
  MatrixReader(const GgufFile& file, PanelLayout layout, uint8_t* memory)
      : file_(file), layout_(layout), next_(memory) {}

  // What the tensor, which has two dimensions, will be after Run.
  Matrix Add(const std::string& name) {
    const GgufTensor& tensor = *file_.FindInfo(name);
    Matrix matrix;
    matrix.layout = layout_;
    matrix.type = static_cast<TensorType>(tensor.type);
    matrix.cols = tensor.shape[0];
    matrix.rows = tensor.shape[1];
    matrix.data = next_;
    next_ += PaddedBytes(tensor);
    const int64_t row_bytes = static_cast<int64_t>(tensor.data.size()) / matrix.rows;
    const int64_t rows = std::max<int64_t>(1, kPartBytes / (row_bytes * kPanelRows)) * kPanelRows;
    for (int64_t begin = 0; begin < matrix.rows; begin += rows) {
      parts_.push_back({&tensor, matrix, row_bytes, begin, std::min(matrix.rows, begin + rows)});
      bytes_ += parts_.back().bytes();
      if (matrix.type == TensorType::kQ1_0) {
        largest_ = std::max(largest_, parts_.back().bytes());
      }
    }
    return matrix;
  }

  // `progress` (may be null) gets 0..1, on this thread.
  Status Run(ThreadPool& pool, const std::atomic<bool>* cancel, const std::function<void(float)>& progress) {
    const auto cancelled = [&] { return cancel != nullptr && cancel->load(std::memory_order_relaxed); };
    std::vector<std::vector<uint8_t>> buffers(static_cast<size_t>(pool.threads()),
                                              std::vector<uint8_t>(static_cast<size_t>(largest_)));
    std::atomic<int64_t> done{0};
    std::atomic<bool> failed{false};
    std::mutex mutex;
    Status failure;
    pool.ParallelFor(static_cast<int64_t>(parts_.size()), [&](int64_t index, int worker) {
      if (failed.load() || cancelled()) {
        return;
      }
      const Part& part = parts_[static_cast<size_t>(index)];
      const Status status = Load(part, buffers[static_cast<size_t>(worker)].data());
      if (!status.ok()) {
        const std::lock_guard<std::mutex> lock(mutex);
        failure = failed.exchange(true) ? failure : status;
      }
      const int64_t sum = done.fetch_add(part.bytes()) + part.bytes();
      if (worker == 0 && progress) {
        progress(static_cast<float>(static_cast<double>(sum) / static_cast<double>(bytes_)));
      }
    });
    return cancelled() ? Status(StatusCode::kCancelled, "loading was cancelled") : failure;
  }

 private:
  static constexpr int64_t kPartBytes = 256 << 10;  // of the file: with what becomes of them half of a core's cache

  struct Part {
    const GgufTensor* tensor;
    Matrix matrix;
    int64_t row_bytes;
    int64_t row_begin;
    int64_t row_end;
    int64_t bytes() const { return (row_end - row_begin) * row_bytes; }
  };

  Status Load(const Part& part, uint8_t* buffer) const {
    const Matrix& matrix = part.matrix;
    const bool repack = matrix.type == TensorType::kQ1_0;
    const int64_t begin = part.row_begin * part.row_bytes;
    uint8_t* into = repack ? buffer : matrix.data + begin;
    const size_t bytes = static_cast<size_t>(part.bytes());
    const Result<const uint8_t*> read = file_.ReadBlocks(*part.tensor, static_cast<size_t>(begin), {into, bytes});
    if (!read.ok()) {
      return read.status();
    }
    if (repack) {
      PackPanels(layout_, read.value(), matrix.rows, matrix.cols, part.row_begin, part.row_end, matrix.data);
    } else if (read.value() != into) {
      std::memcpy(into, read.value(), bytes);
    }
    return Status();
  }

  const GgufFile& file_;
  const PanelLayout layout_;
  uint8_t* next_;
  std::vector<Part> parts_;
  int64_t bytes_ = 0;
  int64_t largest_ = 0;  // of the parts that are repacked
};

}  // namespace

Fingerprint FingerprintOf(const GgufFile& file) {
  Fingerprint fingerprint;
  for (const GgufTensor& tensor : file.tensors()) {
    AddSamples(file, tensor, &fingerprint);
  }
  for (const auto& [key, value] : file.metadata()) {
    fingerprint.Add(key);
    fingerprint.Add(GgufValueText(value));
  }
  return fingerprint;
}

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
  const int64_t bytes = MatrixBytes(file);
  weights.memory = AlignedBuffer(static_cast<size_t>(bytes));
  if (weights.memory.bytes() == 0) {
    return Status(StatusCode::kOutOfMemory, "there is no memory for the model's weights (" +
                                                std::to_string(bytes >> 20) +
                                                " MB); close other programs or choose a smaller model");
  }
  weights.bytes = bytes;
  weights.fingerprint = FingerprintOf(file);
  MatrixReader reader(file, layout, weights.memory.data());
  const auto vector = [&](const std::string& name, std::vector<float>* out) {
    *out = LoadVector(*file.FindTensor(name));
    weights.bytes += static_cast<int64_t>(out->size() * sizeof(float));
  };

  weights.embedding = reader.Add("token_embd.weight");
  if (!config.tied_head) {
    weights.output = reader.Add("output.weight");
  }
  vector("output_norm.weight", &weights.output_norm);
  weights.layers.resize(static_cast<size_t>(config.layers));
  for (int32_t i = 0; i < config.layers; ++i) {
    LayerWeights& layer = weights.layers[static_cast<size_t>(i)];
    const std::string b = "blk." + std::to_string(i) + ".";
    vector(b + "attn_norm.weight", &layer.attn_norm);
    layer.q = reader.Add(b + "attn_q.weight");
    layer.k = reader.Add(b + "attn_k.weight");
    layer.v = reader.Add(b + "attn_v.weight");
    vector(b + "attn_q_norm.weight", &layer.q_norm);
    vector(b + "attn_k_norm.weight", &layer.k_norm);
    layer.attn_output = reader.Add(b + "attn_output.weight");
    vector(b + "ffn_norm.weight", &layer.ffn_norm);
    layer.gate = reader.Add(b + "ffn_gate.weight");
    layer.up = reader.Add(b + "ffn_up.weight");
    layer.down = reader.Add(b + "ffn_down.weight");
  }
  const Status status = reader.Run(pool, cancel, progress);
  if (status.code() == StatusCode::kCancelled) {
    return status;
  }
  NIWAKI_RETURN_IF_ERROR(file.Check());  // a file that has changed explains strange values, not the other way round
  NIWAKI_RETURN_IF_ERROR(status);
  return weights;
}

}  // namespace niwaki
