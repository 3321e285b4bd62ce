// The arithmetic of the engine as a table of C functions, one table for each cluster of instruction sets (simdjson's
// and intgemm's pattern: the choice is made once, far above the inner loops, and can be inspected).
//
// The numerics contract (docs/ARCHITECTURE.md, invariant 9). For one table a result depends on its inputs alone: not on
// how many tokens share a call, nor on which panels or rows a call is asked for. So every function below treats each
// token and each row by itself, in one fixed order, and never splits the inner dimension.
//
// "generic", "avx2", "avx512vnni", "amx" and "neon" share one activation quantisation and one folding order, and fuse
// multiplication and addition in the same places (attention), so they agree bit for bit; "oracle" is the float
// reference (no activation quantisation) that both are measured against.
#pragma once

#include <cstdint>

#include "quant/kv_codes.h"

#if defined(__GNUC__)
#define NIWAKI_NOINLINE __attribute__((noinline))
#else
#define NIWAKI_NOINLINE __declspec(noinline)
#endif

namespace niwaki {

// ------------------------------------------------------------------------------------------------ Q1_0, repacked
// A Q1_0 matrix [rows, cols] (cols a multiple of 128) lies in memory as [panels][blocks][576 bytes], panels =
// ceil(rows / 32), blocks = cols / 128. The 576 bytes of a block of 32 rows are 512 bytes of sign bits in the order
// that the table's instructions want, and 64 bytes with the 32 rows' fp16 scales. Rows past `rows` are zero bits with
// scale zero. Exactly 1.125 bits a weight, read strictly forward.
enum class PanelLayout {
  // 16 vectors of 32 bytes; byte p of vector v holds the sign bits of elements 8v..8v+7 (LSB first) of row p / 2 when p
  // is even, of row 16 + p / 2 when p is odd. For 16-entry look-ups that serve a whole vector (pshufb).
  kByteColumns,
  // 4 groups of 128 bytes; word r (4 bytes) of group j holds the sign bits of elements 32j..32j+31 of row r, as they
  // lie in the file. For look-ups where each byte of a word has a table of its own (vpermb).
  kWordRows,
  // 8 groups of 64 bytes; the two bytes r of group h hold the sign bits of elements 16h..16h+15 of row r, as they lie
  // in
  // the file. For look-ups in two 16-entry tables at once (tbl with two registers).
  kPairRows,
};
inline constexpr int64_t kPanelRows = 32;
inline constexpr int64_t kQ1BlockSize = 128;
inline constexpr int64_t kPanelBlockBytes = 576;

// Keys of a page lie in groups of 32 tokens, a group's tokens side by side: [128 / 32][head_size][32]. Scores of many
// keys take one vector each then, and what a query reads of a page is one stream.
inline constexpr int64_t kKeyGroup = 32;
constexpr int64_t KeyIndex(int64_t element, int64_t token, int64_t head_size) {
  return (token / kKeyGroup * head_size + element) * kKeyGroup + token % kKeyGroup;
}

// Queries of `tokens` neighbouring tokens and the `group` heads that share one kv head, and their running state.
struct AttendQueries {
  const float* q;  // token t, head g: q + t * q_stride + g * head_size; already scaled by 1 / sqrt(head_size)
  int64_t q_stride;
  float* out;  // as q, with out_stride
  int64_t out_stride;
  int64_t tokens;
  int64_t group;
  int64_t head_size;  // a multiple of 8
  float* max;         // [tokens, group]
  float* sum;         // [tokens, group]
};

inline constexpr int64_t kMostHeadSize = 256;  // that codes are made for

// Rotated queries against a page of codes: as floats and, quantised by quantize_query, as integers.
struct CodeQueries {
  const float* rotated;  // [rows, head_size], scaled by 1 / sqrt(head_size): only the oracle reads it
  const int8_t* q;       // [rows, digits, head_size]
  const float* q_scale;  // [rows]
  const int32_t* q_sum;  // [rows] of the integers
  float* out;            // [rows, head_size], rotated
  int64_t rows;
  int64_t head_size;  // 32, 64, 128 or 256
  float* max;         // [rows]
  float* sum;         // [rows]
};
struct CodePage {
  const uint8_t* codes;  // CodePageLayout, 64-byte aligned
  CodePageLayout layout;
  int64_t first;                   // tokens before it (a multiple of 32, less than `last`) are not to be seen
  const uint8_t* next;             // the page that is read next, or null
  int64_t last = kCodePageTokens;  // nor those from here on
};
// Queries as integers: of one digit, -63 .. 63, for keys of 3 and 4 bits; of two for keys of 8 bits, value = 64 * first
// + second, the second 0 .. 63. Weights of values: 0 .. 127, or 128 * first + second for values of 8 bits.
constexpr int QueryDigits(int key_bits) { return key_bits == 8 ? 2 : 1; }
inline constexpr float kQuerySteps1 = 63;
inline constexpr float kQuerySteps2 = 4095;
inline constexpr float kWeightSteps1 = 127;
inline constexpr float kWeightSteps2 = 16383;

struct KernelTable {
  const char* name;
  PanelLayout layout;

  // ---- activations for Q1_0 products: opaque to everyone but the table. One token of `cols` activations takes
  // act_bytes(cols) bytes (a multiple of 64), in which block b of 128 begins at b * act_block_bytes; so blocks may be
  // quantised one by one. Buffers are 64-byte aligned.
  int64_t act_block_bytes;
  int64_t (*act_bytes)(int64_t cols);
  // `tokens` is how many the product will have: a table may keep another form for many tokens than for one (the same
  // integers in either).
  void (*quantize_act)(const float* x, int64_t cols, int64_t tokens, void* act);

  // y[t * y_stride + row] for all rows of panels [panel_begin, panel_end) and tokens t in [0, tokens):
  // y = W x with acts[t] at acts + t * act_bytes(cols). Writes 32 rows a panel: y needs room for whole panels.
  void (*matmul_q1_0)(const uint8_t* panels, int64_t blocks, int64_t panel_begin, int64_t panel_end, const void* acts,
                      int64_t tokens, float* y, int64_t y_stride);

  // ---- plain matrices, W [rows, cols] row by row, x [tokens, x_stride] floats
  void (*matmul_f16)(const uint16_t* w, int64_t cols, int64_t row_begin, int64_t row_end, const float* x,
                     int64_t x_stride, int64_t tokens, float* y, int64_t y_stride);
  void (*matmul_f32)(const float* w, int64_t cols, int64_t row_begin, int64_t row_end, const float* x, int64_t x_stride,
                     int64_t tokens, float* y, int64_t y_stride);
  void (*matmul_bf16)(const uint16_t* w, int64_t cols, int64_t row_begin, int64_t row_end, const float* x,
                      int64_t x_stride, int64_t tokens, float* y, int64_t y_stride);
  // Q8_0 as in the file (quant/q8_0.h), cols a multiple of 32. Activations are not quantised. All four give the bits
  // that matmul_f32 gives for the weights as floats: widening, and q * d, are exact.
  void (*matmul_q8_0)(const uint8_t* w, int64_t cols, int64_t row_begin, int64_t row_end, const float* x,
                      int64_t x_stride, int64_t tokens, float* y, int64_t y_stride);

  // ---- vectors
  // y[i] = x[i] / sqrt(mean(x^2) + eps) * weight[i]. y may be x.
  void (*rms_norm)(const float* x, const float* weight, int64_t n, float eps, float* y);
  // NEOX rotation in place of one head: pairs (i, i + head_size / 2), cos/sin [head_size / 2].
  void (*rope_neox)(float* x, int64_t head_size, const float* cos, const float* sin);
  // gate[i] = silu(gate[i]) * up[i]
  void (*silu_mul)(float* gate, const float* up, int64_t n);
  // x[i] += y[i]
  void (*add)(float* x, const float* y, int64_t n);
  // Round to nearest even, and back.
  void (*f32_to_f16)(const float* x, int64_t n, uint16_t* y);
  void (*f16_to_f32)(const uint16_t* x, int64_t n, float* y);

  // ---- attention over one page of fp16 keys and values, online softmax (Milakov & Gimelshein 2018, FlashAttention)
  // For every query: takes the tokens of one page that it may see into its running state max, sum, out (un-normalised).
  // Token t of the queries sees the page's first min(128, first + t) tokens, first >= 1. keys as
  // KeyIndex says, values [128, head_size]; entries of tokens that nobody sees are never used, but must
  // be readable. The state starts as max = -infinity, sum = 0, out = 0; after the last page the caller divides out by
  // sum.
  void (*attend_page_f16)(const AttendQueries& queries, const uint16_t* keys, const uint16_t* values, int64_t first);

  // ---- keys and values as codes (quant/kv_codes.h)
  // y = H ((x - mean) * factor) / sqrt(n), H the Walsh-Hadamard matrix of order n (a power of two from 8 on). y may be
  // x.
  void (*rotate)(const float* x, const float* mean, const float* factor, int64_t n, float* y);
  // x = (H x / sqrt(n)) * factor
  void (*rotate_back)(float* x, const float* factor, int64_t n);
  // Indices [n] of a rotated vector in the codebook of 3, 4 or 8 bits (8: signed integers), n at most 256. Returns what
  // one integer step stands for: with `unbiased` so that the dot product with y itself is right (|y|^2 / <y, c>, EDEN,
  // Vargaftik et al. 2022), else so that the squared error is least (<y, c> / |c|^2).
  float (*quantize_code)(const float* y, int64_t n, int bits, bool unbiased, uint8_t* indices);
  // q [n] as integers of one or two digits, out [digits, n]; q is about scale * integer.
  void (*quantize_query)(const float* q, int64_t n, int digits, int8_t* out, float* scale, int32_t* sum);
  // As attend_page_f16, over tokens [page.first, page.last) of a page of codes, which all rows see.
  void (*attend_page_codes)(const CodeQueries& queries, const CodePage& page);
};

extern const KernelTable kOracleKernels;   // kernels/generic/oracle.cc
extern const KernelTable kGenericKernels;  // kernels/generic/generic.cc
#if defined(__x86_64__) || defined(_M_X64)
extern const KernelTable kAvx2Kernels;        // kernels/x86/avx2.cc
extern const KernelTable kAvx512VnniKernels;  // kernels/x86/avx512vnni.cc
#if defined(NIWAKI_AMX)
extern const KernelTable kAmxKernels;  // kernels/x86/amx.cc; only some compilers know AMX
#endif
#elif defined(__aarch64__) || defined(_M_ARM64)
extern const KernelTable kNeonKernels;  // kernels/arm/neon.cc
#endif

}  // namespace niwaki
