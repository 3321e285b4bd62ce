// The self-test of a kernel table: every function against the float oracle on small fixed inputs. A child process runs
// it before the first use, so it must be quick and must notice a wrong build, a wrong CPU and a miscompiled kernel.
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/f16.h"
#include "kernels/dispatch.h"
#include "quant/bf16.h"
#include "quant/q1_0.h"
#include "quant/q8_0.h"

namespace niwaki {
namespace {

// xorshift64*: the same numbers everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 2685821657736338717ull;
  }
  float Uniform() { return static_cast<float>(static_cast<int64_t>(Next() >> 40) - (1 << 23)) / (1 << 23); }

 private:
  uint64_t state_;
};

std::vector<float> Floats(Random& random, size_t n) {
  std::vector<float> out(n);
  for (float& x : out) {
    x = random.Uniform();
  }
  return out;
}

struct AlignedBytes {
  explicit AlignedBytes(size_t n) : storage(n + 64) {
    data = storage.data() + (64 - reinterpret_cast<uintptr_t>(storage.data()) % 64) % 64;
  }
  std::vector<uint8_t> storage;
  uint8_t* data;
};

Status Compare(const KernelTable& table, const char* what, const std::vector<float>& got,
               const std::vector<float>& want, float tolerance) {
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    if (!std::isfinite(got[i])) {
      error = std::numeric_limits<double>::infinity();
      break;
    }
    error += (static_cast<double>(got[i]) - want[i]) * (static_cast<double>(got[i]) - want[i]);
    size += static_cast<double>(want[i]) * want[i];
  }
  const double relative = size > 0 ? std::sqrt(error / size) : std::sqrt(error);
  if (!(relative <= tolerance)) {
    return Status(StatusCode::kInternal,
                  "the kernels \"" + std::string(table.name) + "\" failed their self-test: " + what + " is off by " +
                      std::to_string(relative) + " (at most " + std::to_string(tolerance) +
                      " is right); report this with your CPU's name, and set NIWAKI_CPU=generic meanwhile");
  }
  return Status();
}

Status CheckQ1(const KernelTable& table, int64_t rows, int64_t cols, int kind, bool many) {
  Random random(17 + static_cast<uint64_t>(rows * 31 + cols + kind));
  const int64_t blocks = cols / kQ1BlockSize;
  const int64_t panels = (rows + kPanelRows - 1) / kPanelRows;
  std::vector<uint8_t> file(static_cast<size_t>(rows * blocks * kQ1_0BlockBytes));
  for (uint8_t& byte : file) {
    byte = kind == 1 ? uint8_t{0xff} : kind == 2 ? uint8_t{0} : static_cast<uint8_t>(random.Next() >> 32);
  }
  for (int64_t b = 0; b < rows * blocks; ++b) {
    const uint16_t d =
        kind == 3 ? static_cast<uint16_t>(1 + b % 512) : F32ToF16(0.01f + 0.02f * std::fabs(random.Uniform()));
    std::memcpy(&file[static_cast<size_t>(b * kQ1_0BlockBytes)], &d, 2);
  }
  AlignedBytes packed(static_cast<size_t>(PanelBytes(rows, cols)));
  PackPanels(table.layout, file.data(), rows, cols, 0, rows, packed.data);
  AlignedBytes reference(static_cast<size_t>(PanelBytes(rows, cols)));
  PackPanels(kOracleKernels.layout, file.data(), rows, cols, 0, rows, reference.data);

  const int64_t tokens = many ? 39 : 7;  // in tiles or not, and no multiple of what any table takes at once
  std::vector<float> x = Floats(random, static_cast<size_t>(tokens * cols));
  for (int64_t i = 0; i < cols; ++i) {
    x[static_cast<size_t>(i)] *= i % 97 == 5 ? 300.0f : 1.0f;  // outliers
    x[static_cast<size_t>(2 * cols + i)] *= i < kQ1BlockSize ? 0.0f : 1e-6f;
  }
  const auto run = [&](const KernelTable& t, const uint8_t* panels_of_t) {
    const int64_t bytes = t.act_bytes(cols);
    AlignedBytes acts(static_cast<size_t>(bytes * tokens));
    for (int64_t token = 0; token < tokens; ++token) {
      t.quantize_act(&x[static_cast<size_t>(token * cols)], cols, tokens, acts.data + token * bytes);
    }
    std::vector<float> y(static_cast<size_t>(tokens * panels * kPanelRows));
    t.matmul_q1_0(panels_of_t, blocks, 0, panels, acts.data, tokens, y.data(), panels * kPanelRows);
    return y;
  };
  const std::vector<float> got = run(table, packed.data);
  const std::vector<float> want = run(kOracleKernels, reference.data);
  // Per token, since their sizes differ by orders of magnitude, and against the size of a product's terms: where all
  // signs agree the terms may cancel to next to nothing, which says nothing about the kernel.
  std::vector<float> weights(static_cast<size_t>(cols));
  for (int64_t token = 0; token < tokens; ++token) {
    std::vector<float> errors(static_cast<size_t>(rows));
    std::vector<float> sizes(static_cast<size_t>(rows));
    for (int64_t row = 0; row < rows; ++row) {
      DequantizeRowQ1_0(file.data(), cols, row, weights.data());
      double squares = 0;
      for (int64_t i = 0; i < cols; ++i) {
        const double term =
            static_cast<double>(weights[static_cast<size_t>(i)]) * x[static_cast<size_t>(token * cols + i)];
        squares += term * term;
      }
      const size_t at = static_cast<size_t>(token * panels * kPanelRows + row);
      sizes[static_cast<size_t>(row)] = static_cast<float>(std::sqrt(squares));
      errors[static_cast<size_t>(row)] = sizes[static_cast<size_t>(row)] + (got[at] - want[at]);
    }
    NIWAKI_RETURN_IF_ERROR(Compare(table, "a Q1_0 product", errors, sizes, 0.03f));
  }
  return Status();
}

// Rotation, codes and attention over a page of them: 5 rows take every way through the rows, 13 the one of prompts.
Status CheckCodes(const KernelTable& table, int key_bits, int value_bits, float tolerance) {
  Random random(7);
  const int64_t head = 64;
  const CodePageLayout layout{key_bits, value_bits, head};
  AlignedBytes page(static_cast<size_t>(layout.bytes()));
  const std::vector<float> zeros(static_cast<size_t>(head), 0.0f);
  const std::vector<float> ones(static_cast<size_t>(head), 1.0f);
  std::vector<uint8_t> codes[2];
  std::vector<uint16_t> scales[2];
  std::vector<float> rotated(static_cast<size_t>(head));
  for (int which = 0; which < 2; ++which) {
    codes[which].resize(static_cast<size_t>(kCodePageTokens * head));
    for (int64_t j = 0; j < kCodePageTokens; ++j) {
      const std::vector<float> x = Floats(random, static_cast<size_t>(head));
      table.rotate(x.data(), zeros.data(), ones.data(), head, rotated.data());
      const float scale = table.quantize_code(rotated.data(), head, which == 0 ? key_bits : value_bits, which == 0,
                                              &codes[which][static_cast<size_t>(j * head)]);
      scales[which].push_back(F32ToF16(scale));
      std::vector<float> want(rotated.size());
      kOracleKernels.rotate(x.data(), zeros.data(), ones.data(), head, want.data());
      NIWAKI_RETURN_IF_ERROR(Compare(table, "a rotation", rotated, want, 1e-5f));
      std::vector<float> decoded;
      for (int64_t i = 0; i < head; ++i) {
        const uint8_t index = codes[which][static_cast<size_t>(j * head + i)];
        decoded.push_back(scale * static_cast<float>(CodeInteger(which == 0 ? key_bits : value_bits, index)));
      }
      // The codes leave 0.18, 0.1 and 0.01 of a vector on average.
      NIWAKI_RETURN_IF_ERROR(Compare(table, "a vector as codes", decoded, rotated,
                                     key_bits == 3   ? 0.3f
                                     : key_bits == 4 ? 0.16f
                                                     : 0.02f));
    }
  }
  PackCodePage(layout, codes[0].data(), scales[0].data(), codes[1].data(), scales[1].data(), page.data);
  for (const int64_t rows : {5, 13}) {
    const std::vector<float> q = Floats(random, static_cast<size_t>(rows * head));
    const auto run = [&](const KernelTable& t) {
      const int digits = QueryDigits(key_bits);
      const size_t count = static_cast<size_t>(rows);
      std::vector<int8_t> integers(q.size() * static_cast<size_t>(digits));
      std::vector<float> unit(count);
      std::vector<int32_t> total(count);
      for (int64_t r = 0; r < rows; ++r) {
        const size_t at = static_cast<size_t>(r);
        t.quantize_query(&q[at * head], head, digits, &integers[at * static_cast<size_t>(head * digits)], &unit[at],
                         &total[at]);
      }
      std::vector<float> out(q.size(), 0.0f);
      std::vector<float> max(count, -std::numeric_limits<float>::infinity());
      std::vector<float> sum(count, 0.0f);
      t.attend_page_codes(
          {q.data(), integers.data(), unit.data(), total.data(), out.data(), rows, head, max.data(), sum.data()},
          {page.data, layout, 32, nullptr});
      for (int64_t r = 0; r < rows; ++r) {
        float* row = &out[static_cast<size_t>(r * head)];
        t.rotate_back(row, ones.data(), head);
        for (int64_t i = 0; i < head; ++i) {
          row[i] /= sum[static_cast<size_t>(r)];
        }
      }
      return out;
    };
    NIWAKI_RETURN_IF_ERROR(Compare(table, "attention over codes", run(table), run(kOracleKernels), tolerance));
  }
  return Status();
}

Status CheckVectors(const KernelTable& table) {
  Random random(99);
  const int64_t n = 203;
  const std::vector<float> x = Floats(random, n);
  const std::vector<float> w = Floats(random, n);
  const auto both = [&](const char* what, float tolerance, auto run) {
    return Compare(table, what, run(table), run(kOracleKernels), tolerance);
  };
  NIWAKI_RETURN_IF_ERROR(both("RMSNorm", 1e-5f, [&](const KernelTable& t) {
    std::vector<float> y(x.size());
    t.rms_norm(x.data(), w.data(), n, 1e-6f, y.data());
    return y;
  }));
  NIWAKI_RETURN_IF_ERROR(both("RoPE", 1e-5f, [&](const KernelTable& t) {
    std::vector<float> y(x.begin(), x.begin() + 64);
    t.rope_neox(y.data(), 64, w.data(), w.data() + 32);
    return y;
  }));
  NIWAKI_RETURN_IF_ERROR(both("SwiGLU", 1e-5f, [&](const KernelTable& t) {
    std::vector<float> y = x;
    for (float& v : y) {
      v *= 40;
    }
    t.silu_mul(y.data(), w.data(), n);
    return y;
  }));
  NIWAKI_RETURN_IF_ERROR(both("addition", 1e-6f, [&](const KernelTable& t) {
    std::vector<float> y = x;
    t.add(y.data(), w.data(), n);
    return y;
  }));
  std::vector<uint16_t> halves(x.size());
  NIWAKI_RETURN_IF_ERROR(both("half precision", 0.0f, [&](const KernelTable& t) {
    t.f32_to_f16(x.data(), n, halves.data());
    std::vector<float> y(x.size());
    t.f16_to_f32(halves.data(), n, y.data());
    return y;
  }));
  NIWAKI_RETURN_IF_ERROR(both("an F16 product", 1e-5f, [&](const KernelTable& t) {
    std::vector<float> y(7);
    t.matmul_f16(halves.data(), 29, 0, 7, x.data(), n, 1, y.data(), 7);
    return y;
  }));
  NIWAKI_RETURN_IF_ERROR(both("an F32 product", 1e-5f, [&](const KernelTable& t) {
    std::vector<float> y(7);
    t.matmul_f32(w.data(), 29, 0, 7, x.data(), n, 1, y.data(), 7);
    return y;
  }));
  // Both as they lie in files, 7 rows of 96 and 5 tokens: all ways in which a table may group them.
  const int64_t cols = 96;
  const std::vector<float> weights = Floats(random, 7 * cols);
  const std::vector<float> tokens = Floats(random, 5 * cols);
  std::vector<uint16_t> brains(weights.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    brains[i] = F32ToBF16(weights[i]);
  }
  NIWAKI_RETURN_IF_ERROR(both("a BF16 product", 1e-5f, [&](const KernelTable& t) {
    std::vector<float> y(35);
    t.matmul_bf16(brains.data(), cols, 0, 7, tokens.data(), cols, 5, y.data(), 7);
    return y;
  }));
  std::vector<uint8_t> blocks(static_cast<size_t>(7 * cols / kQ8_0BlockSize * kQ8_0BlockBytes));
  QuantizeRowQ8_0(weights.data(), 7 * cols, blocks.data());
  NIWAKI_RETURN_IF_ERROR(both("a Q8_0 product", 1e-5f, [&](const KernelTable& t) {
    std::vector<float> y(35);
    t.matmul_q8_0(blocks.data(), cols, 0, 7, tokens.data(), cols, 5, y.data(), 7);
    return y;
  }));
  // Two tokens of three heads: over a full page, then over one of which the first token sees 13 tokens.
  const int64_t head = 64;
  std::vector<uint16_t> k(static_cast<size_t>(2 * head * 128));
  std::vector<uint16_t> v(k.size());
  for (size_t i = 0; i < k.size(); ++i) {
    k[i] = F32ToF16(random.Uniform() * 3);
    v[i] = F32ToF16(random.Uniform());
  }
  const std::vector<float> q = Floats(random, 6 * head);
  NIWAKI_RETURN_IF_ERROR(CheckCodes(table, 4, 4, 0.05f));
  NIWAKI_RETURN_IF_ERROR(CheckCodes(table, 3, 3, 0.05f));
  NIWAKI_RETURN_IF_ERROR(CheckCodes(table, 8, 8, 0.005f));
  return both("attention", 1e-4f, [&](const KernelTable& t) {
    std::vector<float> out(6 * head, 0.0f);
    std::vector<float> max(6, -std::numeric_limits<float>::infinity());
    std::vector<float> sum(6, 0.0f);
    const AttendQueries queries{q.data(), 3 * head, out.data(), 3 * head, 2, 3, head, max.data(), sum.data()};
    t.attend_page_f16(queries, k.data(), v.data(), 128 + 13);
    t.attend_page_f16(queries, k.data() + 128 * head, v.data() + 128 * head, 13);
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] /= sum[i / head];
    }
    return out;
  });
}

}  // namespace

Status CheckKernelTable(const KernelTable& table) {
  for (int kind = 0; kind < 4; ++kind) {
    NIWAKI_RETURN_IF_ERROR(CheckQ1(table, 70, 256, kind, kind == 0));
  }
  NIWAKI_RETURN_IF_ERROR(CheckQ1(table, 32, 128, 0, false));
  return CheckVectors(table);
}

}  // namespace niwaki
