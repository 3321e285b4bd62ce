// Loading: all weight types and shapes that are allowed compute what the architecture says; everything else is refused
// with the field's name.
#include <algorithm>

#include "base/temp_file_testing.h"
#include "engine/engine_testing.h"
#include "engine/tiny_model_testing.h"

namespace niwaki {
namespace {

using testing::Copy;
using testing::RelativeError;
using testing::SameBits;
using testing::TempFile;
using testing::TinyModel;
using testing::TinyShape;

Result<std::unique_ptr<Engine>> LoadFile(const TempFile& file, const std::string& kernels = "") {
  return Engine::Load({.path = file.path(), .threads = 2, .kernels = kernels});
}

std::vector<TokenId> Tokens(int64_t count) {
  std::vector<TokenId> out;
  for (int64_t i = 0; i < count; ++i) {
    out.push_back(static_cast<TokenId>((i * 37 + 11) % 261));
  }
  return out;
}

std::vector<float> LogitsOf(Engine& engine, const std::vector<TokenId>& tokens) {
  Result<std::unique_ptr<Session>> session = engine.NewSession(0);
  EXPECT(session.ok() && session.value()->Sync(tokens, nullptr, nullptr).ok());
  return Copy(session.value()->logits());
}

// Every table of the host against the definition; all fast tables bit for bit the same.
void CheckModel(const char* what, const TinyShape& shape, double tolerance) {
  const TinyModel model(shape);
  const TempFile file(model.writer.Write());
  const std::vector<TokenId> tokens = Tokens(140);  // more than a chunk, more than a page
  const std::vector<float> want = model.Logits(tokens);
  std::vector<float> fast;
  std::vector<std::string> tables = testing::FastTables();
  tables.push_back("oracle");
  for (const std::string& table : tables) {
    const Result<std::unique_ptr<Engine>> engine = LoadFile(file, table);
    ASSERT_OK(engine);
    const std::vector<float> got = LogitsOf(*engine.value(), tokens);
    EXPECT_EQ(got.size(), static_cast<size_t>(shape.vocab));
    const double error = RelativeError(got, want);
    std::printf("    %s, %s: relative error of the logits %.6f\n", what, table.c_str(), error);
    EXPECT(error <= (table == "oracle" ? 0.0002 : tolerance));
    if (table != "oracle") {
      EXPECT(fast.empty() || SameBits(fast, got));
      fast = got;
    }
  }
}

TEST("Q1_0, tied head, K and V and vocabulary not in whole panels") { CheckModel("Q1_0 tied", {}, 0.02); }

TEST("Q1_0, head of its own") {
  TinyShape shape;
  shape.tied = false;
  shape.kv_heads = 16;
  CheckModel("Q1_0 untied", shape, 0.02);
}

TEST("F16 matrices of odd shapes, F16 norms") {
  TinyShape shape;
  shape.type = testing::kTypeF16;
  shape.norm_type = testing::kTypeF16;
  shape.d = 40;
  shape.ff = 77;
  shape.heads = 3;
  shape.kv_heads = 1;
  shape.head = 24;
  CheckModel("F16 tied", shape, 0.0002);
  shape.tied = false;
  CheckModel("F16 untied", shape, 0.0002);
}

TEST("F32 matrices") {
  TinyShape shape;
  shape.type = testing::kTypeF32;
  shape.d = 50;
  shape.ff = 33;
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.head = 16;
  shape.tied = false;
  CheckModel("F32 untied", shape, 0.0002);
}

TEST("matrices of different types in one model") {
  TinyShape shape;
  TinyModel f16_head(shape, 3);
  TinyShape half = shape;
  half.type = testing::kTypeF16;
  const TinyModel other(half, 3);
  // The embedding, one V and one FFN matrix from the F16 model, everything else Q1_0.
  for (const std::string name : {"token_embd.weight", "blk.0.attn_v.weight", "blk.1.ffn_down.weight"}) {
    for (const testing::TensorEntry& tensor : other.writer.tensors) {
      if (tensor.name == name) {
        *f16_head.writer.Find(name) = tensor;
      }
    }
  }
  const TempFile file(f16_head.writer.Write());
  const Result<std::unique_ptr<Engine>> oracle = LoadFile(file, "oracle");
  ASSERT_OK(oracle);
  const std::vector<float> want = LogitsOf(*oracle.value(), Tokens(70));
  for (const std::string& table : testing::FastTables()) {
    const Result<std::unique_ptr<Engine>> engine = LoadFile(file, table);
    ASSERT_OK(engine);
    EXPECT(RelativeError(LogitsOf(*engine.value(), Tokens(70)), want) <= 0.05);
  }
}

TEST("what a model says about itself") {
  const TinyModel model(TinyShape{});
  const std::vector<uint8_t> bytes = model.writer.Write();
  const TempFile file(bytes);
  const Result<std::unique_ptr<Engine>> engine = LoadFile(file, "generic");
  ASSERT_OK(engine);
  const ModelInfo& info = engine.value()->info();
  EXPECT_EQ(info.path, file.path());
  EXPECT_EQ(info.name, std::string("tiny"));
  EXPECT_EQ(info.architecture, std::string("qwen3"));
  EXPECT_EQ(info.kernels, std::string("generic"));
  EXPECT_EQ(info.threads, 2);
  EXPECT_EQ(info.file_bytes, static_cast<int64_t>(bytes.size()));
  EXPECT_EQ(info.context_length, 300);
  EXPECT_EQ(info.vocab_size, 261);
  EXPECT_EQ(info.layers, 2);
  EXPECT_EQ(info.embedding_length, 128);
  EXPECT_EQ(info.heads, 16);
  EXPECT_EQ(info.kv_heads, 2);
  EXPECT_EQ(info.head_size, 8);
  EXPECT_EQ(info.kv_bytes_per_token, int64_t{2 * 2 * 2 * 2 * 8});  // layers, K and V, bytes, heads, size
  EXPECT(info.tied_head);
  int64_t parameters = 0;
  for (const testing::TensorEntry& tensor : model.writer.tensors) {
    parameters += static_cast<int64_t>(tensor.shape[0] * (tensor.shape.size() > 1 ? tensor.shape[1] : 1));
  }
  EXPECT_EQ(info.parameters, parameters);
  const auto& metadata = engine.value()->metadata();
  const auto has = [&](const std::string& key, const std::string& value) {
    return std::find(metadata.begin(), metadata.end(), std::pair(key, value)) != metadata.end();
  };
  EXPECT(has("qwen3.block_count", "2") && has("tokenizer.ggml.tokens", "[261 strings]"));
}

TEST("the estimate is what loading and a full session take") {
  TinyShape untied;
  untied.tied = false;
  const TempFile tiny(TinyModel(untied).writer.Write());
  for (const std::string& path : {tiny.path(), testing::NanoPath()}) {
    for (const std::string& table : testing::FastTables()) {
      const LoadOptions options{.path = path, .threads = 2, .kernels = table};
      const Result<MemoryEstimate> estimate = Engine::Estimate(options, 200);
      ASSERT_OK(estimate);
      const Result<std::unique_ptr<Engine>> engine = Engine::Load(options);
      ASSERT_OK(engine);
      EXPECT_EQ(estimate.value().weights, engine.value()->info().weight_bytes);
      EXPECT_EQ(estimate.value().mapped, engine.value()->info().file_bytes);
      EXPECT(estimate.value().scratch > 0);
      const Result<std::unique_ptr<Session>> session = engine.value()->NewSession(200);
      ASSERT_OK(session);
      ASSERT_OK(session.value()->Sync(Tokens(200), nullptr, nullptr));
      EXPECT_EQ(estimate.value().kv, session.value()->kv_bytes());
      const Result<MemoryEstimate> whole = Engine::Estimate(options, 0);
      ASSERT_OK(whole);
      const int64_t pages = (engine.value()->info().context_length + 127) / 128;
      EXPECT_EQ(whole.value().kv, pages * 128 * engine.value()->info().kv_bytes_per_token);
      EXPECT_EQ(Engine::Estimate(options, 1 << 30).value().kv, whole.value().kv);  // the model's own is the most
    }
  }
}

TEST("rows without a token are computed but never sampled") {
  TinyShape shape;
  shape.vocab = 300;
  const TempFile file(TinyModel(shape).writer.Write());
  const Result<std::unique_ptr<Engine>> engine = LoadFile(file);
  ASSERT_OK(engine);
  EXPECT_EQ(engine.value()->info().vocab_size, 300);
  EXPECT_EQ(engine.value()->tokenizer().size(), 261);
  const Result<std::unique_ptr<Session>> session = engine.value()->NewSession(0);
  ASSERT_OK(session);
  ASSERT_OK(session.value()->Sync(Tokens(5), nullptr, nullptr));
  EXPECT_EQ(session.value()->logits().size(), size_t{300});
  DecodeOptions options;
  options.max_tokens = 200;
  options.sampling.temperature = 1000;
  options.sampling.banned = {0};  // the end of the text
  const Result<DecodeResult> result = session.value()->Decode(options, nullptr, nullptr);
  ASSERT_OK(result);
  EXPECT_EQ(result.value().tokens.size(), size_t{200});
  for (const TokenId id : result.value().tokens) {
    EXPECT(id >= 3 && id < 261);
  }
}

TEST("loading reports progress, and can be cancelled at the start and on the way") {
  const TempFile file(TinyModel(TinyShape{}).writer.Write());
  std::vector<float> seen;
  const LoadOptions options{.path = file.path(), .threads = 1, .kernels = ""};
  ASSERT_OK(Engine::Load(options, nullptr, [&](float done) { seen.push_back(done); }));
  EXPECT(seen.size() >= 5 && seen.front() >= 0 && seen.back() <= 1);
  EXPECT(std::is_sorted(seen.begin(), seen.end()));
  CancelFlag cancel{true};
  EXPECT(Engine::Load(options, &cancel).status().code() == StatusCode::kCancelled);
  cancel = false;
  int calls = 0;
  const auto loaded = Engine::Load(options, &cancel, [&](float) { cancel = ++calls == 4; });
  EXPECT(loaded.status().code() == StatusCode::kCancelled);
  EXPECT_EQ(calls, 4);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
