#include "model/matrix.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "quant/bf16.h"
#include "quant/q1_0.h"
#include "quant/q8_0.h"

namespace niwaki {
namespace {

bool Cancelled(const std::atomic<bool>* cancel) { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }

// Work below this (multiply-adds) is not worth waking a worker for: some ten microseconds on one core.
constexpr int64_t kChunkWork = 500'000;
constexpr int64_t kChunksPerThread = 8;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

int64_t Matrix::BytesFor(TensorType type, int64_t rows, int64_t cols) {
  switch (type) {
    case TensorType::kQ1_0:
      return PanelBytes(rows, cols);
    case TensorType::kQ8_0:
      return rows * (cols / kQ8_0BlockSize) * kQ8_0BlockBytes;
    case TensorType::kBF16:
    case TensorType::kF16:
      return rows * cols * 2;
    case TensorType::kF32:
      return rows * cols * 4;
  }
  return 0;
}

void MatrixRow(const Matrix& matrix, const KernelTable& kernels, int64_t row, float* y) {
  switch (matrix.type) {
    case TensorType::kQ1_0:
      UnpackPanelRow(matrix.layout, matrix.data, matrix.cols, row, y);
      break;
    case TensorType::kQ8_0:
      DequantizeRowQ8_0(matrix.data, matrix.cols, row, y);
      break;
    case TensorType::kBF16: {
      const uint16_t* from = matrix.as<uint16_t>() + row * matrix.cols;
      std::transform(from, from + matrix.cols, y, BF16ToF32);
      break;
    }
    case TensorType::kF16:
      kernels.f16_to_f32(matrix.as<uint16_t>() + row * matrix.cols, matrix.cols, y);
      break;
    case TensorType::kF32:
      std::memcpy(y, matrix.as<float>() + row * matrix.cols, static_cast<size_t>(matrix.cols) * sizeof(float));
      break;
  }
}

Batch::Batch(const KernelTable& kernels, int64_t max_tokens, int64_t max_cols)
    : kernels_(kernels),
      acts_(static_cast<size_t>(kernels.act_bytes(CeilDiv(max_cols, kQ1BlockSize) * kQ1BlockSize) * max_tokens)) {}

void Batch::Set(const float* x, int64_t stride, int64_t cols, int64_t tokens, bool quantized) {
  x_ = x;
  stride_ = stride;
  cols_ = cols;
  tokens_ = tokens;
  quantized_ = quantized;
}

void Batch::Quantize(int64_t first, int64_t last, int64_t begin, int64_t count) {
  if (!quantized_) {
    return;
  }
  const int64_t act_bytes = kernels_.act_bytes(cols_);
  for (int64_t t = first; t < last; ++t) {
    kernels_.quantize_act(x_ + t * stride_ + begin, count, tokens_,
                          acts_.data() + t * act_bytes + begin / kQ1BlockSize * kernels_.act_block_bytes);
  }
}

void Products::Panels(const Batch& batch, const Product& product, int64_t from, int64_t to) {
  const Matrix& m = *product.matrix;
  const int64_t row_end = std::min(m.rows, to * kPanelRows);
  switch (m.type) {
    case TensorType::kQ1_0:
      batch.kernels_.matmul_q1_0(m.data, m.cols / kQ1BlockSize, from, to, batch.acts_.data(), batch.tokens_, product.y,
                                 product.y_stride);
      break;
    case TensorType::kQ8_0:
      batch.kernels_.matmul_q8_0(m.data, m.cols, from * kPanelRows, row_end, batch.x_, batch.stride_, batch.tokens_,
                                 product.y, product.y_stride);
      break;
    case TensorType::kBF16:
      batch.kernels_.matmul_bf16(m.as<uint16_t>(), m.cols, from * kPanelRows, row_end, batch.x_, batch.stride_,
                                 batch.tokens_, product.y, product.y_stride);
      break;
    case TensorType::kF16:
      batch.kernels_.matmul_f16(m.as<uint16_t>(), m.cols, from * kPanelRows, row_end, batch.x_, batch.stride_,
                                batch.tokens_, product.y, product.y_stride);
      break;
    case TensorType::kF32:
      batch.kernels_.matmul_f32(m.as<float>(), m.cols, from * kPanelRows, row_end, batch.x_, batch.stride_,
                                batch.tokens_, product.y, product.y_stride);
      break;
  }
}

int64_t Products::Chunks(int64_t units, int64_t work, const ThreadPool& pool) {
  const int64_t most = static_cast<int64_t>(pool.threads()) * kChunksPerThread;
  const int64_t worth = std::max<int64_t>(1, work / kChunkWork);
  return std::min(units, std::max(std::min(most, worth), worth / 16));
}

bool Products::Run(const Batch& batch, std::initializer_list<Product> products, ThreadPool& pool,
                   const std::atomic<bool>* cancel) {
  // All products' rows in one sequence, in units of a panel (or of 32 rows for plain matrices).
  int64_t units = 0;
  for (const Product& product : products) {
    units += CeilDiv(product.matrix->rows, kPanelRows);
  }
  // Borders of chunks fall between tiles. For a single token nothing is shared in a tile, and small matrices had better
  // be spread evenly.
  const int64_t tile = batch.tokens_ > 1 ? kTilePanels : 1;
  const int64_t chunks = Chunks(CeilDiv(units, tile), units * kPanelRows * batch.cols_ * batch.tokens_, pool);
  pool.ParallelFor(chunks, [&](int64_t chunk, int) {
    if (Cancelled(cancel)) {
      return;
    }
    const int64_t begin = CeilDiv(units, tile) * chunk / chunks * tile;
    const int64_t end = std::min(units, CeilDiv(units, tile) * (chunk + 1) / chunks * tile);
    int64_t first = 0;
    for (const Product& product : products) {
      const Matrix& m = *product.matrix;
      const int64_t count = CeilDiv(m.rows, kPanelRows);
      const int64_t from = std::max(begin, first) - first;
      const int64_t to = std::min(end, first + count) - first;
      first += count;
      if (from >= to) {
        continue;
      }
      Panels(batch, product, from, to);
    }
  });
  return !Cancelled(cancel);
}

bool Products::RunPanels(const Batch& batch, const Product& product, std::span<const int32_t> panels, ThreadPool& pool,
                         const std::atomic<bool>* cancel) {
  const int64_t count = static_cast<int64_t>(panels.size());
  const int64_t worth = std::max<int64_t>(1, count * kPanelRows * batch.cols_ * batch.tokens_ / kChunkWork);
  const int64_t chunks = std::min(count, worth);
  pool.ParallelFor(chunks, [&](int64_t chunk, int) {
    for (int64_t i = count * chunk / chunks; i < count * (chunk + 1) / chunks && !Cancelled(cancel); ++i) {
      const int64_t panel = panels[static_cast<size_t>(i)];
      Panels(batch, product, panel, panel + 1);
    }
  });
  return !Cancelled(cancel);
}

}  // namespace niwaki
