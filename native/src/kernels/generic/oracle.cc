// The float oracle: what the maths says, with no activation quantisation and sums in double precision. Slow on purpose;
// the other tables' errors are measured against it.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/f16.h"
#include "kernels/kernel_table.h"
#include "quant/bf16.h"
#include "quant/q8_0.h"

namespace niwaki {
namespace {

int64_t ActBytes(int64_t cols) { return (cols * 4 + 63) / 64 * 64; }

void QuantizeAct(const float* x, int64_t cols, int64_t, void* act) {
  float* out = static_cast<float*>(act);
  for (int64_t i = 0; i < cols; ++i) {
    out[i] = x[i];
  }
}

void MatmulQ1(const uint8_t* panels, int64_t blocks, int64_t panel_begin, int64_t panel_end, const void* acts,
              int64_t tokens, float* y, int64_t y_stride) {
  const int64_t act_floats = ActBytes(blocks * kQ1BlockSize) / 4;
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    for (int64_t t = 0; t < tokens; ++t) {
      const float* x = static_cast<const float*>(acts) + t * act_floats;
      for (int64_t r = 0; r < kPanelRows; ++r) {
        const int64_t byte = r < 16 ? 2 * r : 2 * (r - 16) + 1;
        double acc = 0;
        for (int64_t b = 0; b < blocks; ++b) {
          const uint8_t* w = panels + (p * blocks + b) * kPanelBlockBytes;
          double sum = 0;
          for (int64_t i = 0; i < kQ1BlockSize; ++i) {
            const bool positive = ((w[i / 8 * kPanelRows + byte] >> (i % 8)) & 1) != 0;
            const double value = x[b * kQ1BlockSize + i];
            sum += positive ? value : -value;
          }
          acc += sum * F16ToF32(static_cast<uint16_t>(w[512 + 2 * r] | (w[513 + 2 * r] << 8)));
        }
        y[t * y_stride + p * kPanelRows + r] = static_cast<float>(acc);
      }
    }
  }
}

// Weight i of a matrix of `cols` a row.
float WeightF32(const float* w, int64_t i) { return w[i]; }
float WeightF16(const uint16_t* w, int64_t i) { return F16ToF32(w[i]); }
float WeightBF16(const uint16_t* w, int64_t i) { return BF16ToF32(w[i]); }
float WeightQ8(const uint8_t* w, int64_t i) {
  const uint8_t* block = w + i / kQ8_0BlockSize * kQ8_0BlockBytes;
  const float d = F16ToF32(static_cast<uint16_t>(block[0] | (block[1] << 8)));
  return static_cast<float>(static_cast<int8_t>(block[2 + i % kQ8_0BlockSize])) * d;
}

template <typename W, float (*Weight)(const W*, int64_t)>
void Matmul(const W* w, int64_t cols, int64_t row_begin, int64_t row_end, const float* x, int64_t x_stride,
            int64_t tokens, float* y, int64_t y_stride) {
  for (int64_t r = row_begin; r < row_end; ++r) {
    for (int64_t t = 0; t < tokens; ++t) {
      double sum = 0;
      for (int64_t i = 0; i < cols; ++i) {
        sum += static_cast<double>(Weight(w, r * cols + i)) * x[t * x_stride + i];
      }
      y[t * y_stride + r] = static_cast<float>(sum);
    }
  }
}

void RmsNorm(const float* x, const float* weight, int64_t n, float eps, float* y) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    sum += static_cast<double>(x[i]) * x[i];
  }
  const double scale = 1.0 / std::sqrt(sum / static_cast<double>(n) + eps);
  for (int64_t i = 0; i < n; ++i) {
    y[i] = static_cast<float>(x[i] * scale * weight[i]);
  }
}

void RopeNeox(float* x, int64_t head_size, const float* cos, const float* sin) {
  const int64_t half = head_size / 2;
  for (int64_t i = 0; i < half; ++i) {
    const double a = x[i];
    const double b = x[half + i];
    x[i] = static_cast<float>(a * cos[i] - b * sin[i]);
    x[half + i] = static_cast<float>(b * cos[i] + a * sin[i]);
  }
}

void SiluMul(float* gate, const float* up, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const double g = gate[i];
    gate[i] = static_cast<float>(g / (1.0 + std::exp(-g)) * up[i]);
  }
}

void Add(float* x, const float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    x[i] += y[i];
  }
}

void F32ToF16All(const float* x, int64_t n, uint16_t* y) {
  for (int64_t i = 0; i < n; ++i) {
    y[i] = F32ToF16(x[i]);
  }
}

void F16ToF32All(const uint16_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) {
    y[i] = F16ToF32(x[i]);
  }
}

void AttendPage(const AttendQueries& a, const uint16_t* keys, const uint16_t* values, int64_t first) {
  for (int64_t row = 0; row < a.tokens * a.group; ++row) {
    const int64_t token = row / a.group;
    const float* q = a.q + token * a.q_stride + row % a.group * a.head_size;
    float* out = a.out + token * a.out_stride + row % a.group * a.head_size;
    const int64_t count = first + token < 128 ? first + token : 128;
    double scores[128];
    double top = a.max[row];
    for (int64_t j = 0; j < count; ++j) {
      scores[j] = 0;
      for (int64_t i = 0; i < a.head_size; ++i) {
        scores[j] += static_cast<double>(q[i]) * F16ToF32(keys[KeyIndex(i, j, a.head_size)]);
      }
      top = scores[j] > top ? scores[j] : top;
    }
    const double keep = std::exp(a.max[row] - top);
    double total = a.sum[row] * keep;
    for (int64_t j = 0; j < count; ++j) {
      scores[j] = std::exp(scores[j] - top);
      total += scores[j];
    }
    for (int64_t i = 0; i < a.head_size; ++i) {
      double value = out[i] * keep;
      for (int64_t j = 0; j < count; ++j) {
        value += scores[j] * F16ToF32(values[j * a.head_size + i]);
      }
      out[i] = static_cast<float>(value);
    }
    a.max[row] = static_cast<float>(top);
    a.sum[row] = static_cast<float>(total);
  }
}

void Hadamard(double* x, int64_t n) {
  for (int64_t half = 1; half < n; half *= 2) {
    for (int64_t i = 0; i < n; ++i) {
      if ((i & half) == 0) {
        const double a = x[i];
        const double b = x[i + half];
        x[i] = a + b;
        x[i + half] = a - b;
      }
    }
  }
  for (int64_t i = 0; i < n; ++i) {
    x[i] /= std::sqrt(static_cast<double>(n));
  }
}

void Rotate(const float* x, const float* mean, const float* factor, int64_t n, float* y) {
  double rotated[kMostHeadSize];
  for (int64_t i = 0; i < n; ++i) {
    rotated[i] = (static_cast<double>(x[i]) - mean[i]) * factor[i];
  }
  Hadamard(rotated, n);
  for (int64_t i = 0; i < n; ++i) {
    y[i] = static_cast<float>(rotated[i]);
  }
}

void RotateBack(float* x, const float* factor, int64_t n) {
  double rotated[kMostHeadSize];
  for (int64_t i = 0; i < n; ++i) {
    rotated[i] = x[i];
  }
  Hadamard(rotated, n);
  for (int64_t i = 0; i < n; ++i) {
    x[i] = static_cast<float>(rotated[i] * factor[i]);
  }
}

// The nearest integer of the codebook, found by looking at all.
float QuantizeCode(const float* y, int64_t n, int bits, bool unbiased, uint8_t* indices) {
  double energy = 0;
  double largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    energy += static_cast<double>(y[i]) * y[i];
    largest = std::fmax(largest, std::fabs(y[i]));
  }
  if (!(energy > 0)) {
    for (int64_t i = 0; i < n; ++i) {
      indices[i] = static_cast<uint8_t>(bits == 8 ? 0 : 1 << (bits - 1));
    }
    return 0;
  }
  if (bits == 8) {
    const double unit = largest / kCodeMost8;
    for (int64_t i = 0; i < n; ++i) {
      indices[i] = static_cast<uint8_t>(static_cast<int8_t>(std::nearbyint(y[i] / unit)));
    }
    return static_cast<float>(unit);
  }
  const double unit = std::sqrt(energy / static_cast<double>(n)) * (bits == 4 ? kCodeUnit4 : kCodeUnit3);
  double along = 0;
  double size = 0;
  for (int64_t i = 0; i < n; ++i) {
    int best = 0;
    for (int index = 1; index < 1 << bits; ++index) {
      const double error = std::fabs(y[i] - unit * CodeInteger(bits, static_cast<uint8_t>(index)));
      if (error < std::fabs(y[i] - unit * CodeInteger(bits, static_cast<uint8_t>(best)))) {
        best = index;
      }
    }
    indices[i] = static_cast<uint8_t>(best);
    const double c = CodeInteger(bits, indices[i]);
    along += y[i] * c;
    size += c * c;
  }
  return static_cast<float>(unbiased ? energy / along : along / size);
}

void QuantizeQuery(const float*, int64_t n, int digits, int8_t* out, float* scale, int32_t* sum) {
  std::memset(out, 0, static_cast<size_t>(n * digits));  // attend_page_codes takes the floats
  *scale = 0;
  *sum = 0;
}

void AttendCodes(const CodeQueries& a, const CodePage& page) {
  const uint16_t* key_scales = reinterpret_cast<const uint16_t*>(page.codes + page.layout.key_scales());
  const uint16_t* value_scales = reinterpret_cast<const uint16_t*>(page.codes + page.layout.value_scales());
  int32_t integers[kMostHeadSize];
  for (int64_t row = 0; row < a.rows; ++row) {
    const float* q = a.rotated + row * a.head_size;
    double scores[kCodePageTokens];
    double top = a.max[row];
    for (int64_t j = page.first; j < page.last; ++j) {
      UnpackKey(page.layout, page.codes, j, integers);
      scores[j] = 0;
      for (int64_t i = 0; i < a.head_size; ++i) {
        scores[j] += static_cast<double>(q[i]) * integers[i] * F16ToF32(key_scales[j]);
      }
      top = scores[j] > top ? scores[j] : top;
    }
    const double keep = std::exp(a.max[row] - top);
    double total = a.sum[row] * keep;
    std::vector<double> sum(static_cast<size_t>(a.head_size));
    for (int64_t j = page.first; j < page.last; ++j) {
      const double weight = std::exp(scores[j] - top);
      total += weight;
      UnpackValue(page.layout, page.codes, j, integers);
      for (int64_t i = 0; i < a.head_size; ++i) {
        sum[static_cast<size_t>(i)] += weight * integers[i] * F16ToF32(value_scales[j]);
      }
    }
    for (int64_t i = 0; i < a.head_size; ++i) {
      float& out = a.out[row * a.head_size + i];
      out = static_cast<float>(out * keep + sum[static_cast<size_t>(i)]);
    }
    a.max[row] = static_cast<float>(top);
    a.sum[row] = static_cast<float>(total);
  }
}

}  // namespace

const KernelTable kOracleKernels = {
    .name = "oracle",
    .layout = PanelLayout::kByteColumns,
    .act_block_bytes = kQ1BlockSize * 4,
    .act_bytes = ActBytes,
    .quantize_act = QuantizeAct,
    .matmul_q1_0 = MatmulQ1,
    .matmul_f16 = Matmul<uint16_t, WeightF16>,
    .matmul_f32 = Matmul<float, WeightF32>,
    .matmul_bf16 = Matmul<uint16_t, WeightBF16>,
    .matmul_q8_0 = Matmul<uint8_t, WeightQ8>,
    .rms_norm = RmsNorm,
    .rope_neox = RopeNeox,
    .silu_mul = SiluMul,
    .add = Add,
    .f32_to_f16 = F32ToF16All,
    .f16_to_f32 = F16ToF32All,
    .attend_page_f16 = AttendPage,
    .rotate = Rotate,
    .rotate_back = RotateBack,
    .quantize_code = QuantizeCode,
    .quantize_query = QuantizeQuery,
    .attend_page_codes = AttendCodes,
};

}  // namespace niwaki
