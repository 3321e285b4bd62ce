// A weight matrix in memory, and its product with a batch of tokens spread over the workers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>

#include "base/aligned.h"
#include "base/thread_pool.h"
#include "gguf/gguf.h"
#include "kernels/kernel_table.h"
#include "niwaki/status.h"

namespace niwaki {

struct Matrix {
  TensorType type = TensorType::kF32;
  int64_t rows = 0;
  int64_t cols = 0;
  PanelLayout layout = PanelLayout::kByteColumns;
  AlignedBuffer data;  // Q1_0: panels (kernels/kernel_table.h); all others: as in the file

  // Rows that a product writes: whole panels for Q1_0.
  int64_t padded_rows() const {
    return type == TensorType::kQ1_0 ? (rows + kPanelRows - 1) / kPanelRows * kPanelRows : rows;
  }
  // Bytes that a tensor of this type and shape takes in memory.
  static int64_t BytesFor(TensorType type, int64_t rows, int64_t cols);
};

// Copies a tensor of two dimensions into memory, repacked to `layout` when it is Q1_0. The file's pages are given back
// while it goes on. `step` is called after each part with the bytes of the file that are done. kOutOfMemory,
// kCancelled.
Result<Matrix> LoadMatrix(const GgufFile& file, const GgufTensor& tensor, PanelLayout layout, ThreadPool& pool,
                          const std::atomic<bool>* cancel, const std::function<void(int64_t)>& step);

// Row `row` as floats: an embedding look-up. y [cols].
void MatrixRow(const Matrix& matrix, const KernelTable& kernels, int64_t row, float* y);

// A batch of activation vectors, in floats and, for Q1_0, quantised once for all matrices that read them.
class Batch {
 public:
  Batch(const KernelTable& kernels, int64_t max_tokens, int64_t max_cols);
  bool ok() const { return acts_.bytes() != 0; }
  int64_t bytes() const { return static_cast<int64_t>(acts_.bytes()); }
  // Takes x [tokens, stride], the first `cols` of each. `x` must stay until the products are done.
  void Set(const float* x, int64_t stride, int64_t cols, int64_t tokens, bool quantized, ThreadPool& pool);

 private:
  friend class Products;
  const KernelTable& kernels_;
  AlignedBuffer acts_;
  const float* x_ = nullptr;
  int64_t stride_ = 0;
  int64_t cols_ = 0;
  int64_t tokens_ = 0;
};

struct Product {
  const Matrix* matrix;
  float* y;          // [tokens, y_stride]
  int64_t y_stride;  // at least matrix->padded_rows()
};

class Products {
 public:
  // Computes all products of one batch in one go over the workers. False when cancelled (results are then undefined).
  // `cancel` (may be null) is looked at before every chunk of rows; a chunk takes well under a millisecond.
  static bool Run(const Batch& batch, std::initializer_list<Product> products, ThreadPool& pool,
                  const std::atomic<bool>* cancel);
  // The same for a single product and some of its panels of 32 rows (ascending); no other rows are written.
  static bool RunPanels(const Batch& batch, const Product& product, std::span<const int32_t> panels, ThreadPool& pool,
                        const std::atomic<bool>* cancel);

 private:
  // Panels [from, to) on the caller's thread.
  static void Panels(const Batch& batch, const Product& product, int64_t from, int64_t to);
};

}  // namespace niwaki
