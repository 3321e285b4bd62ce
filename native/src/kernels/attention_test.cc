// Attention over pages, in every table: against a naive softmax in double precision. (The cache that holds the pages
// has its own tests.)
#include <algorithm>
#include <limits>

#include "kernels/kernels_testing.h"

namespace niwaki {
namespace {

using testing::AllTables;
using testing::Floats;
using testing::Random;
using testing::RelativeError;
using testing::SameValues;
using Vec = std::vector<float>;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Problem {
  int64_t group;
  int64_t head;
  int64_t tokens;
  Vec q;
  std::vector<uint16_t> k;  // [tokens, head], as v; pages are made of them
  std::vector<uint16_t> v;
};
Problem MakeProblem(Random& random, int64_t group, int64_t head, int64_t tokens, float size) {
  Problem p{group, head, tokens, Floats(group * head, [&] { return random.Gauss() * size; }), {}, {}};
  for (int64_t i = 0; i < tokens * head; ++i) {
    p.k.push_back(F32ToF16(random.Gauss()));
    p.v.push_back(F32ToF16(random.Gauss()));
  }
  return p;
}

Vec Naive(const Problem& p) {
  Vec out;
  for (int64_t g = 0; g < p.group; ++g) {
    std::vector<double> weight(static_cast<size_t>(p.tokens));
    double top = -1e300;
    for (int64_t j = 0; j < p.tokens; ++j) {
      double score = 0;
      for (int64_t i = 0; i < p.head; ++i) {
        score += static_cast<double>(p.q[static_cast<size_t>(g * p.head + i)]) *
                 F16ToF32(p.k[static_cast<size_t>(j * p.head + i)]);
      }
      weight[static_cast<size_t>(j)] = score;
      top = std::max(top, score);
    }
    double total = 0;
    for (double& w : weight) {
      w = std::exp(w - top);
      total += w;
    }
    for (int64_t i = 0; i < p.head; ++i) {
      double sum = 0;
      for (int64_t j = 0; j < p.tokens; ++j) {
        sum += weight[static_cast<size_t>(j)] * F16ToF32(p.v[static_cast<size_t>(j * p.head + i)]);
      }
      out.push_back(static_cast<float>(sum / total));
    }
  }
  return out;
}

// What lies in a page where no token is yet: must not matter.
constexpr uint16_t kNan = 0x7e00;

struct Page {
  std::vector<uint16_t> keys;
  std::vector<uint16_t> values;
};
Page MakePage(const Problem& p, int64_t begin, int64_t count) {
  Page page{std::vector<uint16_t>(static_cast<size_t>(128 * p.head), kNan),
            std::vector<uint16_t>(static_cast<size_t>(128 * p.head), kNan)};
  for (int64_t j = 0; j < count; ++j) {
    for (int64_t i = 0; i < p.head; ++i) {
      const size_t from = static_cast<size_t>((begin + j) * p.head + i);
      page.keys[static_cast<size_t>(KeyIndex(i, j, p.head))] = p.k[from];
      page.values[static_cast<size_t>(j * p.head + i)] = p.v[from];
    }
  }
  return page;
}

// Page by page, each of `page` tokens at the most.
Vec Paged(const KernelTable& table, const Problem& p, int64_t page) {
  Vec out(p.q.size(), 0.0f);
  Vec max(static_cast<size_t>(p.group), -kInfinity);
  Vec sum(static_cast<size_t>(p.group), 0.0f);
  for (int64_t begin = 0; begin < p.tokens; begin += page) {
    const int64_t count = std::min(page, p.tokens - begin);
    const Page part = MakePage(p, begin, count);
    table.attend_page_f16({p.q.data(), 0, out.data(), 0, 1, p.group, p.head, max.data(), sum.data()}, part.keys.data(),
                          part.values.data(), count);
  }
  for (int64_t i = 0; i < p.group * p.head; ++i) {
    out[static_cast<size_t>(i)] /= sum[static_cast<size_t>(i / p.head)];
  }
  return out;
}

void CheckProblem(const Problem& p, int64_t page, double tolerance, const char* what) {
  const Vec want = Naive(p);
  Vec kept;
  for (const KernelTable* table : AllTables()) {
    const Vec got = Paged(*table, p, page);
    const double error = RelativeError(got, want);
    if (!(error <= tolerance)) {
      testing::Fail(__FILE__, __LINE__,
                    std::string(table->name) + ", " + what + ": relative error " + std::to_string(error));
    }
    if (table != &kOracleKernels) {
      EXPECT(kept.empty() || SameValues(kept, got));  // generic and avx2 agree bit for bit
      kept = got;
    }
  }
}

TEST("many pages compose to the softmax over all tokens") {
  Random random(1);
  for (const int64_t tokens : {1, 2, 7, 8, 9, 127, 128, 129, 256, 1000, 2049}) {
    CheckProblem(MakeProblem(random, 2, 64, tokens, 0.2f), 128, 3e-6, "pages of 128");
  }
  CheckProblem(MakeProblem(random, 3, 64, 500, 0.2f), 17, 3e-6, "pages of 17");
  CheckProblem(MakeProblem(random, 3, 64, 100, 0.2f), 1, 3e-6, "pages of one token");
}

TEST("every size of head and group") {
  Random random(2);
  for (const int64_t head : {8, 16, 24, 64, 128, 256}) {
    for (const int64_t group : {1, 2, 7, 8, 9, 16, 17}) {
      CheckProblem(MakeProblem(random, group, head, 150, 0.2f), 128, 3e-6, "sizes");
    }
  }
}

TEST("a head's result does not depend on the others of its group") {
  Random random(3);
  const Problem p = MakeProblem(random, 11, 64, 300, 0.3f);
  for (const KernelTable* table : AllTables()) {
    const Vec all = Paged(*table, p, 128);
    for (int64_t g = 0; g < p.group; ++g) {
      Problem one = p;
      one.group = 1;
      one.q.assign(p.q.begin() + g * p.head, p.q.begin() + (g + 1) * p.head);
      EXPECT(SameValues(Paged(*table, one, 128), {all.begin() + g * p.head, all.begin() + (g + 1) * p.head}));
    }
  }
}

TEST("large scores: one token takes all, and a later page may take it back") {
  Random random(4);
  CheckProblem(MakeProblem(random, 4, 64, 400, 30.0f), 128, 1e-4, "scores of hundreds");
  CheckProblem(MakeProblem(random, 4, 64, 400, 3000.0f), 128, 1e-3, "scores of ten thousands");
  Problem rising = MakeProblem(random, 1, 64, 384, 0.0f);  // the best token is the last of each page
  rising.q[0] = 1;
  for (int64_t j = 0; j < rising.tokens; ++j) {
    rising.k[static_cast<size_t>(j * 64)] = F32ToF16(static_cast<float>(j));
  }
  CheckProblem(rising, 128, 1e-5, "rising scores");
  Problem falling = rising;
  falling.q[0] = -1;
  CheckProblem(falling, 128, 1e-5, "falling scores");
}

TEST("equal scores average the values") {
  Random random(5);
  Problem p = MakeProblem(random, 1, 64, 300, 0.0f);
  CheckProblem(p, 128, 1e-5, "equal scores");
}

TEST("several tokens in one call get the bits that each gets alone, whatever they see of the page") {
  Random random(6);
  for (const int64_t group : {1, 2, 3, 8}) {
    for (const int64_t tokens : {1, 2, 3, 5, 16}) {
      for (const int64_t first : {1, 2, 15, 17, 100, 120, 127, 128, 500}) {
        const int64_t head = group == 3 ? 24 : 64;
        const Problem p = MakeProblem(random, tokens * group, head, 128, 0.3f);
        const Page page = MakePage(p, 0, std::min<int64_t>(128, first + tokens - 1));
        for (const KernelTable* table : AllTables()) {
          const auto run = [&](int64_t from, int64_t count, Vec* out) {
            Vec max(static_cast<size_t>(count * group), -kInfinity);
            Vec sum(max.size(), 0.0f);
            const int64_t offset = from * group * head;
            table->attend_page_f16({p.q.data() + offset, group * head, out->data() + offset, group * head, count, group,
                                    head, max.data(), sum.data()},
                                   page.keys.data(), page.values.data(), first + from);
            return sum;
          };
          Vec together(p.q.size(), 0.0f);
          const Vec sums = run(0, tokens, &together);
          Vec alone(p.q.size(), 0.0f);
          Vec alone_sums;
          for (int64_t t = 0; t < tokens; ++t) {
            const Vec sum = run(t, 1, &alone);
            alone_sums.insert(alone_sums.end(), sum.begin(), sum.end());
          }
          EXPECT(SameValues(together, alone));
          EXPECT(SameValues(sums, alone_sums));
        }
      }
    }
  }
}

// With a head whose only score is x, a running maximum of 0 and a sum of 0, the new sum is exp(x) itself.
float ExpOf(const KernelTable& table, float x) {
  Vec q(8, 0.0f);
  q[0] = x;
  std::vector<uint16_t> k(8 * 128, 0);
  k[0] = F32ToF16(1.0f);
  float max = 0;
  float sum = 0;
  Vec out(8, 0.0f);
  table.attend_page_f16({q.data(), 0, out.data(), 0, 1, 1, 8, &max, &sum}, k.data(), k.data(), 1);
  return sum;
}

TEST("the exponential is within two units in the last place") {
  for (const KernelTable* table : AllTables()) {
    double worst = 0;
    for (int i = 0; i <= 100000; ++i) {
      const float x = -87.2f * static_cast<float>(i) / 100000;
      const double want = std::exp(static_cast<double>(x));
      const float got = ExpOf(*table, x);
      const double unit = std::nextafter(static_cast<float>(want), kInfinity) - static_cast<float>(want);
      worst = std::max(worst, std::fabs(got - want) / unit);
    }
    std::printf("    %s: exp is off by at most %.2f units in the last place\n", table->name, worst);
    EXPECT(worst <= 2);
    EXPECT_EQ(ExpOf(*table, 0), 1.0f);
    for (const float x : {-1000.0f, -1e30f, -104.0f}) {
      EXPECT_EQ(ExpOf(*table, x), 0.0f);
    }
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
