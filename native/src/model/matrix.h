// A weight matrix in memory, and its product with a batch of tokens spread over the workers.
#pragma once

#include <atomic>
#include <cstdint>
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
  uint8_t* data = nullptr;  // Q1_0: panels (kernels/kernel_table.h); all others: as in the file. Owned by the loader.
  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(data);
  }

  // Rows that a product writes: whole panels for Q1_0.
  int64_t padded_rows() const {
    return type == TensorType::kQ1_0 ? (rows + kPanelRows - 1) / kPanelRows * kPanelRows : rows;
  }
  // Bytes that a tensor of this type and shape takes in memory.
  static int64_t BytesFor(TensorType type, int64_t rows, int64_t cols);
};

// Row `row` as floats: an embedding look-up. y [cols].
void MatrixRow(const Matrix& matrix, const KernelTable& kernels, int64_t row, float* y);

// A batch of activation vectors, in floats and, for Q1_0, quantised once for all matrices that read them.
class Batch {
 public:
  Batch(const KernelTable& kernels, int64_t max_tokens, int64_t max_cols);
  bool ok() const { return acts_.bytes() != 0; }
  int64_t bytes() const { return static_cast<int64_t>(acts_.bytes()); }
  // Takes x [tokens, stride], the first `cols` of each, which must stay until the products are done. With `quantized`
  // all of it must be quantised by calls of Quantize before the first product.
  void Set(const float* x, int64_t stride, int64_t cols, int64_t tokens, bool quantized);
  // Quantises columns [begin, begin + count) of tokens [first, last), if it is wanted at all. `begin` is a multiple of
  // 128, and so is `count`. Calls for different parts may run concurrently.
  void Quantize(int64_t first, int64_t last, int64_t begin, int64_t count);

 private:
  friend class Products;
  const KernelTable& kernels_;
  AlignedBuffer acts_;
  const float* x_ = nullptr;
  int64_t stride_ = 0;
  int64_t cols_ = 0;
  int64_t tokens_ = 0;
  bool quantized_ = false;
};

struct Product {
  const Matrix* matrix;
  float* y;          // [tokens, y_stride]
  int64_t y_stride;  // at least matrix->padded_rows()
};

class Products {
 public:
  // Panels that the kernels take at once for many tokens: fewer in one call are slower, more are not faster.
  static constexpr int64_t kTilePanels = 4;

  // Computes all products of one batch in one go over the workers. False when cancelled (results are then undefined).
  // `cancel` (may be null) is looked at before every chunk of rows; a chunk takes well under a millisecond.
  static bool Run(const Batch& batch, std::initializer_list<Product> products, ThreadPool& pool,
                  const std::atomic<bool>* cancel);
  // The same for a single product and some of its panels of 32 rows (ascending); no other rows are written.
  static bool RunPanels(const Batch& batch, const Product& product, std::span<const int32_t> panels, ThreadPool& pool,
                        const std::atomic<bool>* cancel);

  // Panels [from, to) of one product on the caller's thread: for callers that have more to do with the rows at once.
  static void Panels(const Batch& batch, const Product& product, int64_t from, int64_t to);
  // Parts that work of so many multiply-adds, in `units` equal pieces, is best cut into: enough that a thread which is
  // put aside holds up little, few enough that the cutting costs nothing, and small enough that a cancel is noticed.
  static int64_t Chunks(int64_t units, int64_t work, const ThreadPool& pool);
};

}  // namespace niwaki
