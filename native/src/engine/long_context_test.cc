// Long contexts: what is allocated and when, sizes beyond 4 GiB, a full context, and that logits after tens of
// thousands of tokens are right and do not depend on how the tokens arrived.
#include <algorithm>

#include "base/temp_file_testing.h"
#include "engine/engine_testing.h"
#include "engine/tiny_model_testing.h"

namespace niwaki {
namespace {

using testing::Copy;
using testing::SameBits;
using testing::TempFile;
using testing::TinyModel;
using testing::TinyShape;
using Tokens = std::vector<TokenId>;

// Two heads over one pair of keys and values: attention over n tokens costs next to nothing but its softmax.
TinyShape Slim(int64_t layers, uint32_t type, int64_t context) {
  TinyShape shape;
  shape.layers = layers;
  shape.ff = 128;
  shape.heads = 2;
  shape.kv_heads = 1;
  shape.head = type == testing::kTypeQ1 ? 64 : 8;  // rows of attn_output: Q1_0 has them in blocks of 128
  shape.type = type;
  shape.context = context;
  return shape;
}

Tokens Text(size_t count) {
  testing::Random random(77);
  Tokens tokens(count);
  for (TokenId& token : tokens) {
    token = static_cast<TokenId>(3 + random.Below(258));
  }
  return tokens;
}

struct Loaded {
  Loaded(const TinyModel& model, int threads, const std::string& kernels, int32_t context = 0)
      : file(model.writer.Write()) {
    Result<std::unique_ptr<Engine>> loaded =
        Engine::Load({.path = file.path(), .threads = threads, .kernels = kernels});
    if (!loaded.ok()) {
      testing::Fail(__FILE__, __LINE__, loaded.status().message());
      return;
    }
    engine = std::move(loaded.value());
    session = std::move(engine->NewSession(context).value());
  }
  TempFile file;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Session> session;
};

TEST("8 GiB of keys and values are promised, and allocated only as they fill") {
  TinyShape shape;
  shape.heads = 16;
  shape.kv_heads = 16;
  shape.head = 256;
  shape.context = 262144;
  const TinyModel model(shape);
  for (const int32_t context : {0, 131072}) {
    const Loaded loaded(model, 1, "", context);
    if (loaded.engine == nullptr) {
      return;
    }
    const int64_t token_bytes = int64_t{2} * 2 * 2 * 16 * 256;  // layers, K and V, bytes, heads, size
    EXPECT_EQ(loaded.engine->info().kv_bytes_per_token, token_bytes);
    const Result<MemoryEstimate> estimate =
        Engine::Estimate({.path = loaded.file.path(), .threads = 1, .kernels = ""}, context);
    ASSERT_OK(estimate);
    EXPECT_EQ(estimate.value().kv, (context == 0 ? int64_t{262144} : context) * token_bytes);
    EXPECT_EQ(loaded.session->kv_bytes(), int64_t{0});
    for (const auto& [tokens, pages] : {std::pair<size_t, int64_t>{1, 1}, {128, 1}, {129, 2}, {300, 3}}) {
      ASSERT_OK(loaded.session->Sync(Text(tokens), nullptr, nullptr));
      EXPECT_EQ(loaded.session->kv_bytes(), pages * 128 * token_bytes);
    }
  }
}

// One session takes all at once with two threads, another with one thread takes parts.
void CompareWays(const TinyModel& model, const std::string& table, size_t count) {
  const Tokens tokens = Text(count);
  const Loaded whole(model, 2, table);
  const Loaded parts(model, 1, table);
  if (whole.engine == nullptr || parts.engine == nullptr) {
    return;
  }
  ASSERT_OK(whole.session->Sync(tokens, nullptr, nullptr));
  std::vector<size_t> lengths = {1, 38, 1001, count / 3 + 5, count / 2 - 63};
  for (size_t length = count - 9; length <= count; ++length) {
    lengths.push_back(length);
  }
  for (const size_t length : lengths) {
    ASSERT_OK(parts.session->Sync({tokens.data(), length}, nullptr, nullptr));
  }
  EXPECT(SameBits(whole.session->logits(), parts.session->logits()));
  for (const float logit : whole.session->logits()) {
    EXPECT(std::isfinite(logit));
  }
}

TEST("20,000 tokens give the same bits in one go, in uneven parts, one by one at the end, with one thread and two") {
  const TinyModel halves(Slim(2, testing::kTypeF16, 20000));
  const TinyModel bits(Slim(2, testing::kTypeQ1, 20000));
  const std::vector<std::string> tables = testing::FastTables();
  CompareWays(halves, tables.front(), 20000);
  for (const std::string& table : tables) {  // all of them at full length would take a minute
    CompareWays(bits, table, table == "generic" ? 1500 : 4000);
  }
}

TEST("logits after 20,000 tokens are those of the definition; the oracle's and the fast tables' agree on the way") {
  TinyModel model(Slim(1, testing::kTypeF32, 20000));
  const Tokens tokens = Text(20000);
  const std::vector<float> want = model.Logits(tokens);
  const Tokens early(tokens.begin(), tokens.begin() + 3000);
  const Loaded oracle(model, 2, "oracle");
  if (oracle.engine == nullptr) {
    return;
  }
  ASSERT_OK(oracle.session->Sync(early, nullptr, nullptr));
  EXPECT(testing::RelativeError(Copy(oracle.session->logits()), model.Logits(early)) < 1e-4);
  // What a model would say whose positions drift by one part in ten thousand: two positions at the end.
  for (int64_t i = 0; i < 4; ++i) {
    model.rope_frequencies.push_back(1.0001 * std::pow(10000.0, -static_cast<double>(i) / 4));
  }
  const std::vector<float> drifted = model.Logits(tokens);
  for (const std::string& table : testing::FastTables()) {
    const Loaded fast(model, 2, table);
    ASSERT_OK(fast.session->Sync(early, nullptr, nullptr));
    EXPECT(testing::RelativeError(Copy(fast.session->logits()), Copy(oracle.session->logits())) < 1e-4);
    if (table != testing::FastTables().front()) {
      continue;  // the same bits, later
    }
    ASSERT_OK(fast.session->Sync(tokens, nullptr, nullptr));
    const std::vector<float> got = Copy(fast.session->logits());
    const double error = testing::RelativeError(got, want);
    const double without = testing::RelativeError(got, drifted);
    std::printf("    %s: relative error of the logits %.7f; %.7f if positions drifted\n", table.c_str(), error,
                without);
    EXPECT(error < 1e-4);
    EXPECT(without > 5 * error);
  }
}

TEST("a full context is reported by Decode, and by Sync with what to do") {
  const TinyModel model(Slim(1, testing::kTypeQ1, 131072));
  const Loaded loaded(model, 2, "", 4096);
  if (loaded.engine == nullptr) {
    return;
  }
  EXPECT_EQ(loaded.engine->info().context_length, 131072);
  const Tokens tokens = Text(4097);
  const Status overflow = loaded.session->Sync(tokens, nullptr, nullptr);
  EXPECT(overflow.code() == StatusCode::kContextOverflow);
  EXPECT(overflow.message().find("4097") != std::string::npos);
  EXPECT(overflow.message().find("4096") != std::string::npos);
  EXPECT_EQ(loaded.session->kv_bytes(), int64_t{0});
  ASSERT_OK(loaded.session->Sync({tokens.data(), 4090}, nullptr, nullptr));
  DecodeOptions options;
  options.max_tokens = 50;
  options.sampling.banned = {0};  // the end of the text
  const Result<DecodeResult> result = loaded.session->Decode(options, nullptr, nullptr);
  ASSERT_OK(result);
  EXPECT(result.value().reason == StopReason::kContextFull);
  EXPECT_EQ(result.value().tokens.size(), size_t{7});  // six that were evaluated, and one that no longer fits
  EXPECT_EQ(loaded.session->timeline().size(), size_t{4096});
  EXPECT_EQ(loaded.session->kv_bytes(), 4096 * loaded.engine->info().kv_bytes_per_token);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
