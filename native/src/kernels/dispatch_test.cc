// Which table is chosen, and that the self-test notices a broken one.
#include <cstdlib>

#include "kernels/kernels_testing.h"

namespace niwaki {
namespace {

// Sets NIWAKI_CPU for one scope.
class Cap {
 public:
  explicit Cap(const char* value) {
    const char* old = std::getenv("NIWAKI_CPU");
    old_ = old != nullptr ? old : "";
    Set(value);
  }
  ~Cap() { Set(old_.c_str()); }
  Cap(const Cap&) = delete;
  Cap& operator=(const Cap&) = delete;

 private:
  static void Set(const char* value) {
#if defined(_WIN32)
    _putenv_s("NIWAKI_CPU", value);
#else
    setenv("NIWAKI_CPU", value, 1);
#endif
  }
  std::string old_;
};

TEST("the best supported table comes first and is chosen; the oracle never is") {
  const Cap none("");
  const std::vector<KernelTableInfo> tables = KernelTables();
  EXPECT(tables.size() >= 2);
  EXPECT_EQ(tables.back().name, std::string("oracle"));
  std::string best;
  for (const KernelTableInfo& table : tables) {
    EXPECT(!table.needs.empty());
    EXPECT(table.allowed);
    if (table.supported && best.empty()) {
      best = table.name;
    }
  }
  EXPECT_EQ(ChooseKernels("").value(), best);
  EXPECT(best != "oracle");
  EXPECT_EQ(ChooseKernels("GENERIC").value(), std::string("generic"));
  EXPECT_EQ(ChooseKernels("oracle").value(), std::string("oracle"));
}

TEST("unknown names are refused with a list") {
  const Cap none("");
  const Result<std::string> unknown = ChooseKernels("turbo");
  EXPECT(unknown.status().code() == StatusCode::kNotFound);
  EXPECT(unknown.status().message().find("turbo") != std::string::npos);
  EXPECT(unknown.status().message().find("generic") != std::string::npos);
}

TEST("NIWAKI_CPU is a cap") {
  const Cap generic("Generic");
  EXPECT_EQ(ChooseKernels("").value(), std::string("generic"));
  EXPECT_EQ(ChooseKernels("oracle").value(), std::string("oracle"));
  for (const KernelTableInfo& table : KernelTables()) {
    EXPECT_EQ(table.allowed, table.name == "generic" || table.name == "oracle");
    if (table.name == "avx2") {
      EXPECT(ChooseKernels("avx2").status().code() == StatusCode::kUnsupported);
    }
  }
}

TEST("a misspelt NIWAKI_CPU is an error, not a silent change") {
  const Cap wrong("axv2");
  const Result<std::string> chosen = ChooseKernels("");
  EXPECT(chosen.status().code() == StatusCode::kInvalidArgument);
  EXPECT(chosen.status().message().find("NIWAKI_CPU") != std::string::npos);
  EXPECT(chosen.status().message().find("axv2") != std::string::npos);
}

TEST("every table passes the self-test") {
  for (const KernelTable* table : testing::AllTables()) {
    ASSERT_OK(SelfTest(table->name));
  }
}

// Kernels with one fault each, as a miscompiled build would have.
void BrokenMatmul(const uint8_t* panels, int64_t blocks, int64_t begin, int64_t end, const void* acts, int64_t tokens,
                  float* y, int64_t y_stride) {
  kGenericKernels.matmul_q1_0(panels, blocks, begin, end, acts, tokens, y, y_stride);
  y[begin * kPanelRows] *= -1;
}
void BrokenQ8(const uint8_t* w, int64_t cols, int64_t row_begin, int64_t row_end, const float* x, int64_t x_stride,
              int64_t tokens, float* y, int64_t y_stride) {
  kGenericKernels.matmul_q8_0(w, cols, row_begin, row_end - 1, x, x_stride, tokens, y, y_stride);
}
void BrokenNorm(const float* x, const float* weight, int64_t n, float, float* y) {
  kGenericKernels.rms_norm(x, weight, n - 1, 1e-6f, y);
}
void BrokenRope(float* x, int64_t head_size, const float* cos, const float* sin) {
  kGenericKernels.rope_neox(x, head_size, sin, cos);
}
void BrokenSilu(float* gate, const float* up, int64_t n) { kGenericKernels.add(gate, up, n); }
void BrokenAdd(float* x, const float* y, int64_t n) { kGenericKernels.add(x, y, n - 1); }
void BrokenNarrow(const float* x, int64_t n, uint16_t* y) {
  kGenericKernels.f32_to_f16(x, n, y);
  for (int64_t i = 0; i < n; ++i) {
    y[i] = static_cast<uint16_t>(y[i] + 1);
  }
}
void BrokenAttention(const AttendQueries& queries, const uint16_t* k, const uint16_t* v, int64_t first) {
  kGenericKernels.attend_page_f16(queries, k, v, first > 1 ? first / 2 : 1);
}
void BrokenTurn(const float* x, const float* mean, const float* factor, int64_t n, float* y) {
  kGenericKernels.rotate(x, mean, factor, n, y);
  y[n - 1] = -y[n - 1];
}
void BrokenTurnBack(float*, const float*, int64_t) {}
float BrokenCode(const float* y, int64_t n, int bits, bool unbiased, uint8_t* indices) {
  const float scale = kGenericKernels.quantize_code(y, n, bits, unbiased, indices);
  indices[n / 2] ^= 7;
  return scale;
}
void BrokenQuery(const float* q, int64_t n, int digits, int8_t* out, float* scale, int32_t* sum) {
  kGenericKernels.quantize_query(q, n, digits, out, scale, sum);
  *sum = 0;
}
void BrokenPage(const CodeQueries& queries, const CodePage& page) {
  CodeQueries fewer = queries;
  fewer.rows -= 1;
  kGenericKernels.attend_page_codes(fewer, page);
}

TEST("the self-test notices faults and names the table") {
  const auto check = [](const char* what, auto spoil) {
    KernelTable table = kGenericKernels;
    table.name = "broken";
    spoil(table);
    const Status status = CheckKernelTable(table);
    if (status.ok()) {
      testing::Fail(__FILE__, __LINE__, std::string("not noticed: ") + what);
    }
    EXPECT(status.message().find("broken") != std::string::npos);
  };
  check("Q1_0 product", [](KernelTable& t) { t.matmul_q1_0 = BrokenMatmul; });
  check("BF16 product", [](KernelTable& t) { t.matmul_bf16 = t.matmul_f16; });
  check("Q8_0 product", [](KernelTable& t) { t.matmul_q8_0 = BrokenQ8; });
  check("RMSNorm", [](KernelTable& t) { t.rms_norm = BrokenNorm; });
  check("rotation", [](KernelTable& t) { t.rope_neox = BrokenRope; });
  check("SwiGLU", [](KernelTable& t) { t.silu_mul = BrokenSilu; });
  check("addition", [](KernelTable& t) { t.add = BrokenAdd; });
  check("half precision", [](KernelTable& t) { t.f32_to_f16 = BrokenNarrow; });
  check("attention", [](KernelTable& t) { t.attend_page_f16 = BrokenAttention; });
  check("turning", [](KernelTable& t) { t.rotate = BrokenTurn; });
  check("turning back", [](KernelTable& t) { t.rotate_back = BrokenTurnBack; });
  check("codes", [](KernelTable& t) { t.quantize_code = BrokenCode; });
  check("queries as integers", [](KernelTable& t) { t.quantize_query = BrokenQuery; });
  check("attention over codes", [](KernelTable& t) { t.attend_page_codes = BrokenPage; });
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
