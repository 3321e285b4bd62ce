// How many instructions the hot kernels take, counted by Valgrind: unlike time the same on a busy machine, so a change
// that makes a kernel longer is noticed. The program runs itself under Callgrind, with one and with three repetitions
// of a kernel; half the difference is one repetition. (Valgrind knows no AVX-512: "generic" and "avx2" only.)
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#if defined(__linux__) && defined(__x86_64__)
#include "base/cpu_features.h"
#include "kernels/kernels_testing.h"

namespace niwaki {
namespace {

using testing::Q1Matrix;
using testing::Random;

const std::string* g_self = nullptr;  // path of this executable

struct Job {
  const char* table;
  const char* what;
  double most;  // instructions a unit; measured with GCC 12, and a fifth more, because compilers differ
};
// A unit is 1,024 weights times one token, 1,024 activations (encode: elements of keys), or 1,024 multiplications of
// attention (codes: over codes of 4 bits).
constexpr Job kJobs[] = {
    {"avx2", "q1-1", 135},           {"avx2", "q1-16", 96},         {"avx2", "quantize", 7'800},
    {"avx2", "attend", 430},         {"generic", "q1-1", 9'300},    {"generic", "q1-16", 9'300},
    {"generic", "quantize", 33'700}, {"generic", "attend", 22'200}, {"avx2", "codes", 278},
    {"avx2", "encode", 20'700},      {"generic", "codes", 18'000},  {"generic", "encode", 150'000},
};

// Units that one repetition has.
double Repeat(const KernelTable& table, const std::string& what, int times) {
  Random random(3);
  if (what == "attend") {
    const int64_t head = 128;
    const int64_t rows = 8;
    const std::vector<float> q = testing::Floats(rows * head, [&] { return random.Gauss() * 0.1f; });
    std::vector<uint16_t> page(static_cast<size_t>(128 * head), F32ToF16(0.5f));
    std::vector<float> out(q.size(), 0.0f);
    std::vector<float> max(rows, 0.0f);
    std::vector<float> sum(rows, 0.0f);
    for (int i = 0; i < times; ++i) {
      table.attend_page_f16({q.data(), 2 * head, out.data(), 2 * head, 4, 2, head, max.data(), sum.data()}, page.data(),
                            page.data(), 128);
    }
    return 2.0 * static_cast<double>(rows * head * 128) / 1024;
  }
  if (what == "encode") {
    const std::vector<float> x = testing::Floats(128 * 8, [&] { return random.Gauss(); });
    const std::vector<float> zeros(128, 0.0f);
    const std::vector<float> ones(128, 1.0f);
    float y[128];
    uint8_t codes[128];
    for (int i = 0; i < times * 8; ++i) {
      table.rotate(x.data() + i % 8 * 128, zeros.data(), ones.data(), 128, y);
      table.quantize_code(y, 128, 4, true, codes);
    }
    return 1;
  }
  if (what == "codes") {  // the four heads that share an 8B model's keys and values, one token
    const CodePageLayout layout{4, 4, 128};
    AlignedBuffer page(static_cast<size_t>(layout.bytes()));
    std::fill_n(page.data(), layout.bytes(), uint8_t{0x35});
    const std::vector<int8_t> q(4 * 128, 7);
    const std::vector<float> scale(4, 0.01f);
    const std::vector<int32_t> total(4, 7 * 128);
    std::vector<float> out(4 * 128, 0.0f);
    std::vector<float> max(4, 0.0f);
    std::vector<float> sum(4, 0.0f);
    for (int i = 0; i < times; ++i) {
      table.attend_page_codes(
          {out.data(), q.data(), scale.data(), total.data(), out.data(), 4, 128, max.data(), sum.data()},
          {page.data(), layout, 0, nullptr});
    }
    return 2.0 * 4 * 128 * 128 / 1024;
  }
  const int64_t tokens = what == "q1-16" ? 16 : 1;
  const Q1Matrix w = testing::RandomQ1(random, 128, 512);
  const std::vector<float> x = testing::Floats(tokens * w.cols, [&] { return random.Gauss(); });
  const int64_t bytes = table.act_bytes(w.cols);
  const AlignedBuffer acts(static_cast<size_t>(bytes * tokens));
  std::vector<float> y(static_cast<size_t>(tokens * w.rows));
  const auto quantize = [&] {
    for (int64_t t = 0; t < tokens; ++t) {
      table.quantize_act(x.data() + t * w.cols, w.cols, tokens, acts.data() + t * bytes);
    }
  };
  quantize();
  for (int i = 0; i < times; ++i) {
    if (what == "quantize") {
      quantize();
    } else {
      table.matmul_q1_0(w.panels(table), w.blocks(), 0, w.panel_count(), acts.data(), tokens, y.data(), w.rows);
    }
  }
  return static_cast<double>(what == "quantize" ? w.cols : tokens * w.rows * w.cols) / 1024;
}

// Instructions of the whole program with `times` repetitions, or -1.
double Counted(const Job& job, int times) {
  const std::string command = "valgrind --tool=callgrind --callgrind-out-file=/dev/null '" + *g_self + "' " +
                              job.table + " " + job.what + " " + std::to_string(times) + " 2>&1";
  FILE* output = popen(command.c_str(), "r");
  double count = -1;
  char line[512];
  while (output != nullptr && std::fgets(line, sizeof line, output) != nullptr) {
    const char* found = std::strstr(line, "Collected : ");
    if (found != nullptr) {
      count = std::strtod(found + std::strlen("Collected : "), nullptr);
    }
  }
  return output != nullptr && pclose(output) == 0 ? count : -1;
}

TEST("instructions of the hot kernels") {
  for (const Job& job : kJobs) {
    if (std::string(job.table) == "avx2" && !DetectCpu().avx2) {
      continue;
    }
    const double once = Counted(job, 1);
    const double thrice = Counted(job, 3);
    EXPECT(once > 0 && thrice > once);
    const double units = Repeat(kGenericKernels, job.what, 0);
    const double each = (thrice - once) / 2 / units;
    std::printf("    %s %s: %.1f instructions (at most %.0f)\n", job.table, job.what, each, job.most);
    EXPECT(each <= job.most);
  }
}

}  // namespace
}  // namespace niwaki

int main(int argc, char** argv) {
  if (argc == 4) {
    const niwaki::Result<const niwaki::KernelTable*> table = niwaki::FindKernelTable(argv[1]);
    if (!table.ok()) {
      return 1;
    }
    niwaki::Repeat(*table.value(), argv[2], std::atoi(argv[3]));
    return 0;
  }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  std::puts("skipped: Valgrind cannot run a sanitized program");
  return 77;
#endif
  if (std::system("valgrind --version >/dev/null 2>&1") != 0) {
    std::puts("skipped: Valgrind is not installed (Debian: apt-get install valgrind)");
    return 77;
  }
  const std::string self = argv[0];
  niwaki::g_self = &self;
  return niwaki::testing::RunAll(1, argv);
}
#else
int main() {
  std::puts("skipped: counted on x86-64 Linux only");
  return 77;
}
#endif
