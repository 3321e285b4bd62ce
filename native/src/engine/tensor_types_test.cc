// Models in every tensor type, and in several at once: what they compute, what they take, and what is refused.
#include "base/temp_file_testing.h"
#include "engine/engine_testing.h"
#include "engine/tiny_model_testing.h"

namespace niwaki {
namespace {

using testing::kTypeBF16;
using testing::kTypeF16;
using testing::kTypeF32;
using testing::kTypeQ1;
using testing::kTypeQ8;
using testing::RelativeError;
using testing::SameBits;
using testing::TempFile;
using testing::TinyModel;
using testing::TinyShape;

LoadOptions With(const TempFile& file, const std::string& kernels) {
  return {.path = file.path(), .threads = 2, .kernels = kernels};
}

std::vector<TokenId> Tokens() {
  std::vector<TokenId> tokens;
  for (int i = 0; i < 70; ++i) {
    tokens.push_back((i * 41 + 7) % 261);
  }
  return tokens;
}

std::vector<float> LogitsOf(const TinyModel& model, const std::string& kernels, int64_t* weight_bytes = nullptr) {
  const TempFile file(model.writer.Write());
  const Result<std::unique_ptr<Engine>> engine = Engine::Load(With(file, kernels));
  if (!engine.ok()) {
    testing::Fail(__FILE__, __LINE__, engine.status().message());
    return std::vector<float>(static_cast<size_t>(model.shape.vocab));
  }
  const Result<std::unique_ptr<Session>> session = engine.value()->NewSession(0);
  const std::vector<TokenId> tokens = Tokens();
  EXPECT(session.value()->Sync(tokens, nullptr, nullptr).ok());
  const std::vector<float> all = testing::Copy(session.value()->logits());
  // Embedding, batches and single tokens go through different code: in two halves and then one by one.
  const Result<std::unique_ptr<Session>> parts = engine.value()->NewSession(0);
  for (const size_t length : {1, 30, 65, 66, 67, 68, 69, 70}) {
    EXPECT(parts.value()->Sync({tokens.data(), length}, nullptr, nullptr).ok());
  }
  EXPECT(SameBits(parts.value()->logits(), all));
  const Result<MemoryEstimate> estimate = Engine::Estimate(With(file, kernels), 0);
  EXPECT(estimate.ok() && estimate.value().weights == engine.value()->info().weight_bytes);
  if (weight_bytes != nullptr) {
    *weight_bytes = engine.value()->info().weight_bytes;
  }
  return all;
}

TEST("the same weights in F32, F16, BF16 and Q8_0: every table computes the definition, off F32 by the type's error") {
  struct Case {
    const char* name;
    uint32_t type;
    double least, most;  // distance from the F32 model's logits
  };
  for (const bool tied : {true, false}) {
    TinyShape shape;
    shape.tied = tied;
    shape.heads = 4;  // rows that are no multiple of a panel, and a last one alone
    shape.head = 8;
    shape.type = kTypeF32;
    const std::vector<float> single = LogitsOf(TinyModel(shape, 8), "oracle");
    for (const Case& c : {Case{"F32", kTypeF32, 0, 1e-6},
                          {"F16", kTypeF16, 1e-5, 2e-3},
                          {"BF16", kTypeBF16, 5e-4, 2e-2},
                          {"Q8_0", kTypeQ8, 5e-4, 3e-2}}) {
      shape.type = c.type;
      const TinyModel model(shape, 8);
      const std::vector<float> want = model.Logits(Tokens());
      const std::vector<float> oracle = LogitsOf(model, "oracle");
      const double error = RelativeError(oracle, single);
      std::printf("    %s, %s: off the F32 model's logits by %.6f, off the definition by %.6f\n", c.name,
                  tied ? "tied" : "untied", error, RelativeError(oracle, want));
      EXPECT(error >= c.least && error <= c.most);
      EXPECT(RelativeError(oracle, want) < 2e-4);
      std::vector<float> first;
      for (const std::string& table : testing::FastTables()) {
        const std::vector<float> got = LogitsOf(model, table);
        EXPECT(RelativeError(got, want) < 2e-4);
        first = first.empty() ? got : first;
        EXPECT(SameBits(got, first));
      }
    }
  }
}

TEST("weights that a narrower type holds exactly give the bits of the F32 file, norms too") {
  for (const uint32_t type : {kTypeBF16, kTypeF16, kTypeQ8}) {
    TinyShape shape;
    shape.tied = false;
    shape.rounded_to = type;
    shape.type = kTypeF32;
    TinyModel wide(shape, 9);
    shape.type = type;
    shape.norm_type = type == kTypeQ8 ? kTypeF32 : type;
    TinyModel narrow(shape, 9);
    if (type == kTypeQ8) {  // quantising once more may round differently: the F32 file gets what the blocks hold
      for (testing::TensorEntry& tensor : narrow.writer.tensors) {
        if (tensor.type == kTypeQ8) {
          std::vector<float> values(tensor.data.size() / 34 * 32);
          DequantizeRowQ8_0(tensor.data.data(), static_cast<int64_t>(values.size()), 0, values.data());
          testing::TensorEntry* same = wide.writer.Find(tensor.name);
          std::memcpy(same->data.data(), values.data(), values.size() * 4);
        }
      }
    }
    for (const std::string& table : testing::FastTables()) {
      EXPECT(SameBits(LogitsOf(narrow, table), LogitsOf(wide, table)));
    }
  }
}

TEST("an embedding in Q8_0 or BF16 over a body in Q1_0, tied and with a head of its own") {
  for (const uint32_t type : {kTypeQ8, kTypeBF16}) {
    for (const bool tied : {true, false}) {
      TinyShape shape;
      shape.tied = tied;
      shape.embedding_type = type;
      const TinyModel model(shape, 10);
      const std::vector<float> want = model.Logits(Tokens());
      int64_t bytes = 0;
      EXPECT(RelativeError(LogitsOf(model, "oracle", &bytes), want) < 2e-4);
      std::vector<float> first;
      for (const std::string& table : testing::FastTables()) {
        const std::vector<float> got = LogitsOf(model, table);
        EXPECT(RelativeError(got, want) < 0.05);  // Q1_0 products quantise activations
        first = first.empty() ? got : first;
        EXPECT(SameBits(got, first));
      }
      // Kept as in the file, never widened: 34 bytes for 32 weights, or 2 a weight. Matrices begin on a cache line.
      int64_t expected = 0;
      for (const testing::TensorEntry& tensor : model.writer.tensors) {
        const int64_t rows = tensor.shape.size() == 2 ? static_cast<int64_t>(tensor.shape[1]) : 1;
        const int64_t cols = static_cast<int64_t>(tensor.shape[0]);
        const int64_t size = tensor.type == kTypeQ1    ? (rows + 31) / 32 * (cols / 128) * 576
                             : tensor.type == kTypeQ8  ? rows * cols / 32 * 34
                             : tensor.type == kTypeF32 ? rows * cols * 4
                                                       : rows * cols * 2;
        expected += tensor.shape.size() == 2 ? (size + 63) / 64 * 64 : size;
      }
      EXPECT_EQ(bytes, expected);
      const TempFile file(model.writer.Write());
      const Result<FileSummary> summary = Inspect(file.path());
      ASSERT_OK(summary);
      EXPECT_EQ(summary.value().problem, std::string());
      EXPECT_EQ(summary.value().tensors[0].type, std::string(type == kTypeQ8 ? "Q8_0" : "BF16"));
      EXPECT_EQ(summary.value().tensors[0].bytes, int64_t{261 * 128} * (type == kTypeQ8 ? 34 : 64) / 32);
    }
  }
}

TEST("sizes of Q8_0 and BF16 tensors are checked") {
  const auto refused = [](const TinyModel& model, const std::string& named) {
    const TempFile file(model.writer.Write());
    const Status status = Engine::Load(With(file, "")).status();
    EXPECT(status.code() == StatusCode::kBadFile);
    if (status.message().find(named) == std::string::npos) {
      testing::Fail(__FILE__, __LINE__, "wanted \"" + named + "\", got: " + status.message());
    }
  };
  TinyShape shape;
  shape.type = kTypeF32;
  shape.ff = 80;  // no multiple of 32: rows of ffn_down cannot be Q8_0
  TinyModel uneven(shape);
  uneven.writer.Find("blk.0.ffn_down.weight")->type = kTypeQ8;
  refused(uneven, "rows of 80 elements, not a multiple of 32 as Q8_0 needs");
  for (const uint32_t type : {kTypeQ8, kTypeBF16}) {
    shape.type = type;
    shape.ff = 128;
    TinyModel overlapping(shape);  // the last tensor but one claims the bytes of the last
    auto& tensors = overlapping.writer.tensors;
    std::vector<uint8_t>& shorter = tensors[tensors.size() - 2].data;
    shorter.erase(shorter.end() - 64, shorter.end());
    refused(overlapping, "overlap");
    TinyModel cut(shape);
    cut.writer.tensors.back().data.pop_back();
    refused(cut, "ends in the middle of the data of tensor \"blk.1.ffn_down.weight\"");
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
