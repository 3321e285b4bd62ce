// Files that must not be loaded: each is a Status that names the field, the same from Load, Estimate and Inspect.
#include <limits>

#include "base/temp_file_testing.h"
#include "engine/engine_testing.h"
#include "engine/tiny_model_testing.h"

namespace niwaki {
namespace {

using testing::GgufWriter;
using testing::TempFile;
using testing::TinyModel;
using testing::TinyShape;

const GgufWriter& Sound() {
  static const TinyModel* const model = new TinyModel(TinyShape{});  // never destroyed: it outlives all cases
  return model->writer;
}

// Spoils a sound model and expects a refusal by all that look into files. The tokenizer is no matter of Estimate.
template <typename Spoil>
void Refused(StatusCode code, const std::string& named, Spoil spoil, bool estimate_too = true) {
  GgufWriter writer = Sound();
  spoil(writer);
  const TempFile file(writer.Write());
  const LoadOptions options{.path = file.path(), .threads = 1, .kernels = ""};
  const Status status = Engine::Load(options).status();
  if (status.code() != code || status.message().find(named) == std::string::npos) {
    testing::Fail(__FILE__, __LINE__,
                  "wanted " + std::string(StatusCodeName(code)) + " naming \"" + named + "\", got " +
                      StatusCodeName(status.code()) + ": " + status.message());
    return;
  }
  EXPECT(status.message().size() > named.size() + 30);  // says what to do, too
  EXPECT_EQ(Engine::Estimate(options, 0).ok(), !estimate_too);
  const Result<FileSummary> summary = Inspect(file.path());
  ASSERT_OK(summary);  // a refused file can be looked at
  EXPECT(summary.value().problem.find(named) != std::string::npos);
  EXPECT_EQ(summary.value().fingerprint, std::string());
  EXPECT(status.message().find(summary.value().problem) != std::string::npos);
}

TEST("the model that the others spoil is sound") {
  const TempFile file(Sound().Write());
  const Result<std::unique_ptr<Engine>> engine = Engine::Load({.path = file.path(), .threads = 1, .kernels = ""});
  ASSERT_OK(engine);
  const Result<FileSummary> summary = Inspect(file.path());
  ASSERT_OK(summary);
  EXPECT_EQ(summary.value().problem, std::string());
  EXPECT_EQ(summary.value().fingerprint, engine.value()->info().fingerprint);
  EXPECT_EQ(summary.value().version, 3);
  EXPECT_EQ(summary.value().tensors.size(), Sound().tensors.size());
  EXPECT_EQ(summary.value().tensors[0].name, std::string("token_embd.weight"));
  EXPECT_EQ(summary.value().tensors[0].type, std::string("Q1_0"));
  EXPECT(summary.value().tensors[0].shape == (std::vector<int64_t>{128, 261}));
  EXPECT_EQ(summary.value().tensors[0].bytes, int64_t{261 * 18});
}

TEST("what asks for something that we do not do") {
  const StatusCode code = StatusCode::kUnsupported;
  Refused(code, "general.architecture", [](GgufWriter& w) { w.String("general.architecture", "qwen35"); });
  Refused(code, "general.architecture", [](GgufWriter& w) { w.String("general.architecture", "llama"); });
  Refused(code, "prism.hadamard.block", [](GgufWriter& w) { w.U32("prism.hadamard.block", 128); });
  Refused(code, "prism.hadamard.signs", [](GgufWriter& w) { w.Ints("prism.hadamard.signs", {1, -1}); });
  for (const std::string type : {"longrope", "su", "dynamic", "llama3", "YARN", ""}) {
    Refused(code, "qwen3.rope.scaling.type is \"" + type + "\"",
            [&](GgufWriter& w) { w.String("qwen3.rope.scaling.type", type); });
  }
  Refused(code, "qwen3.rope.scaling.yarn_log_multiplier", [](GgufWriter& w) {
    w.String("qwen3.rope.scaling.type", "yarn");
    w.F32("qwen3.rope.scaling.yarn_log_multiplier", 0.1f);
  });
  Refused(code, "qwen3.rope.dimension_count", [](GgufWriter& w) { w.U32("qwen3.rope.dimension_count", 4); });
  Refused(code, "rope_freqs.weight", [](GgufWriter& w) {
    w.tensors.push_back({"rope_freqs.weight", {4}, testing::kTypeF32, std::vector<uint8_t>(16)});
  });
  const std::pair<uint32_t, std::string> unknown[] = {{2, "Q4_0"},   {12, "Q4_K"},    {23, "IQ4_XS"},
                                                      {39, "MXFP4"}, {42, "type 42"}, {142, "type 142"}};
  for (const auto& [type, name] : unknown) {
    Refused(
        code,
        "blk.1.ffn_up.weight has " + name + ", Niwaki computes with Q1_0 (type 41), Q8_0 (8), BF16 (30), F16 (1) and",
        [&](GgufWriter& w) { w.Find("blk.1.ffn_up.weight")->type = type; });
    Refused(code, "token_embd.weight", [&](GgufWriter& w) { w.Find("token_embd.weight")->type = type; });
    Refused(code, "output_norm.weight", [&](GgufWriter& w) { w.Find("output_norm.weight")->type = type; });
  }
  Refused(code, "blk.0.attn_norm.weight has Q1_0", [](GgufWriter& w) {
    w.Find("blk.0.attn_norm.weight")->type = testing::kTypeQ1;
    w.Find("blk.0.attn_norm.weight")->data.resize(18);
  });
  Refused(code, "blk.0.attn_norm.weight has Q8_0", [](GgufWriter& w) {
    w.Find("blk.0.attn_norm.weight")->type = testing::kTypeQ8;
    w.Find("blk.0.attn_norm.weight")->data.assign(4 * 34, 0);
  });
  Refused(code, "attention.key_length", [](GgufWriter& w) { w.U32("qwen3.attention.key_length", 12); });
  Refused(code, "attention.value_length", [](GgufWriter& w) { w.U32("qwen3.attention.value_length", 16); });
}

TEST("rope.scaling.type none, linear and yarn are done") {
  for (const char* type : {"none", "linear", "yarn"}) {
    GgufWriter writer = Sound();
    writer.String("qwen3.rope.scaling.type", type);
    writer.F32("qwen3.rope.scaling.factor", 4.0f);
    const TempFile file(writer.Write());
    ASSERT_OK(Engine::Load({.path = file.path(), .threads = 1, .kernels = ""}));
  }
}

TEST("what rope.scaling says is checked") {
  const float not_a_number = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const std::string key : {"factor", "attn_factor", "yarn_attn_factor", "yarn_ext_factor", "yarn_beta_fast",
                                "yarn_beta_slow", "original_context_length"}) {
    const auto refused = [&](auto spoil) {
      Refused(StatusCode::kBadFile, "qwen3.rope.scaling." + key, [&](GgufWriter& w) {
        w.String("qwen3.rope.scaling.type", "yarn");
        spoil(w, "qwen3.rope.scaling." + key);
      });
    };
    refused([](GgufWriter& w, const std::string& name) { w.String(name, "4"); });
    if (key == "original_context_length") {
      for (const uint32_t value : {0u, 0xffffffffu}) {
        refused([&](GgufWriter& w, const std::string& name) { w.U32(name, value); });
      }
      continue;
    }
    for (const float value : {-1.0f, not_a_number, infinity, 1e9f}) {
      refused([&](GgufWriter& w, const std::string& name) { w.F32(name, value); });
    }
  }
  Refused(StatusCode::kBadFile, "qwen3.rope.scaling.factor",
          [](GgufWriter& w) { w.F32("qwen3.rope.scaling.factor", 0.5f); });
  Refused(StatusCode::kBadFile, "qwen3.rope.scaling.type", [](GgufWriter& w) { w.U32("qwen3.rope.scaling.type", 1); });
}

TEST("keys that ask for another computation") {
  const StatusCode code = StatusCode::kUnsupported;
  const auto number = [&](const std::string& key, std::initializer_list<float> refused,
                          std::initializer_list<float> done) {
    for (const float value : refused) {
      Refused(code, "qwen3." + key, [&](GgufWriter& w) { w.F32("qwen3." + key, value); });
    }
    for (const float value : done) {
      GgufWriter writer = Sound();
      writer.F32("qwen3." + key, value);
      const TempFile file(writer.Write());
      ASSERT_OK(Engine::Load({.path = file.path(), .threads = 1, .kernels = ""}));
    }
  };
  const float not_a_number = std::numeric_limits<float>::quiet_NaN();
  number("expert_count", {8, -1, not_a_number}, {0});
  number("nextn_predict_layers", {1}, {0});
  number("attention.scale", {1, 0.3f, -0.35355339f, not_a_number}, {0, 0.35355339f});
  number("attention.max_alibi_bias", {8}, {0});
  number("attention.clamp_kqv", {30}, {0});
  number("attn_logit_softcapping", {50}, {0});
  number("final_logit_softcapping", {30, not_a_number}, {0});
  number("logit_scale", {0.0625f}, {0, 1});
  number("residual_scale", {0.22f}, {0, 1});
  number("embedding_scale", {12}, {0, 1});
  number("attention.sliding_window", {1, 299, -5, not_a_number}, {0, 300, 4096});
  Refused(code, "qwen3.attention.causal", [](GgufWriter& w) { w.Bool("qwen3.attention.causal", false); });
  Refused(code, "qwen3.use_parallel_residual", [](GgufWriter& w) { w.Bool("qwen3.use_parallel_residual", true); });
  Refused(code, "qwen3.attention.sliding_window", [](GgufWriter& w) { w.Ints("qwen3.attention.sliding_window", {1}); });
  Refused(code, "qwen3.expert_count", [](GgufWriter& w) { w.String("qwen3.expert_count", "0"); });
}

TEST("tensors that nobody would use: more layers than the header says, biases") {
  const StatusCode code = StatusCode::kUnsupported;
  Refused(code, "qwen3.block_count", [](GgufWriter& w) { w.U32("qwen3.block_count", 1); });
  Refused(code, "blk.1.attn_norm.weight", [](GgufWriter& w) { w.U32("qwen3.block_count", 1); });
  for (const std::string name : {"blk.0.attn_q.bias", "blk.0.ffn_gate_inp.weight", "output.bias", "anything"}) {
    Refused(code, name,
            [&](GgufWriter& w) { w.tensors.push_back({name, {128}, testing::kTypeF32, std::vector<uint8_t>(512)}); });
  }
}

TEST("sizes of the vocabulary that do not fit: header, tokens, embedding, head") {
  for (const uint32_t size : {0u, 1u, 260u, 262u, 0x80000000u, 0xffffffffu}) {
    Refused(StatusCode::kBadFile, "qwen3.vocab_size is", [&](GgufWriter& w) { w.U32("qwen3.vocab_size", size); });
  }
  Refused(StatusCode::kBadFile, "qwen3.vocab_size", [](GgufWriter& w) { w.String("qwen3.vocab_size", "261"); });
  // Padding: more rows than tokens. The header may name either number.
  TinyShape padded;
  padded.vocab = 288;
  for (const uint32_t size : {261u, 288u}) {
    TinyModel model(padded);
    model.writer.U32("qwen3.vocab_size", size);
    const TempFile file(model.writer.Write());
    ASSERT_OK(Engine::Load({.path = file.path(), .threads = 1, .kernels = ""}));
  }
  // A head of its own with fewer rows, or more, than the embedding.
  TinyShape untied;
  untied.tied = false;
  for (const int64_t rows : {260, 262}) {
    TinyModel model(untied);
    testing::TensorEntry* head = model.writer.Find("output.weight");
    head->shape[1] = static_cast<uint64_t>(rows);
    head->data.resize(static_cast<size_t>(rows * 18));
    const TempFile file(model.writer.Write());
    const Status status = Engine::Load({.path = file.path(), .threads = 1, .kernels = ""}).status();
    EXPECT(status.code() == StatusCode::kBadFile);
    EXPECT(status.message().find("output.weight has the shape 128 x " + std::to_string(rows)) != std::string::npos);
  }
  // Neither a head nor an embedding to stand in for it.
  TinyModel model(untied);
  model.writer.tensors.erase(model.writer.tensors.begin());
  const TempFile file(model.writer.Write());
  const Status status = Engine::Load({.path = file.path(), .threads = 1, .kernels = ""}).status();
  EXPECT(status.code() == StatusCode::kBadFile);
  EXPECT(status.message().find("token_embd.weight") != std::string::npos);
}

TEST("a missing tensor, whichever it is") {
  for (size_t i = 0; i < Sound().tensors.size(); ++i) {
    const std::string name = Sound().tensors[i].name;
    Refused(StatusCode::kBadFile, name,
            [&](GgufWriter& w) { w.tensors.erase(w.tensors.begin() + static_cast<int64_t>(i)); });
  }
}

TEST("a tensor of a wrong shape, whichever it is") {
  for (size_t i = 0; i < Sound().tensors.size(); ++i) {
    const testing::TensorEntry& tensor = Sound().tensors[i];
    if (tensor.name == "token_embd.weight") {
      continue;  // its rows are what tells the size of the vocabulary; see the tokenizer's case
    }
    Refused(StatusCode::kBadFile, tensor.name, [&](GgufWriter& w) {  // one row, or one element, less
      testing::TensorEntry& spoilt = w.tensors[i];
      spoilt.shape.back() -= 1;
      spoilt.data.resize(spoilt.data.size() / tensor.shape.back() * spoilt.shape.back());
    });
    Refused(StatusCode::kBadFile, tensor.name, [&](GgufWriter& w) { w.tensors[i].shape.push_back(1); });
    if (tensor.shape.size() == 2 && tensor.shape[0] != tensor.shape[1] && tensor.shape[1] % 128 == 0) {
      Refused(StatusCode::kBadFile, tensor.name,
              [&](GgufWriter& w) { std::swap(w.tensors[i].shape[0], w.tensors[i].shape[1]); });
    }
  }
}

TEST("a missing key of the header is named") {
  for (const std::string key : {"general.architecture", "qwen3.context_length", "qwen3.embedding_length",
                                "qwen3.block_count", "qwen3.feed_forward_length", "qwen3.attention.head_count",
                                "qwen3.attention.head_count_kv", "qwen3.attention.layer_norm_rms_epsilon"}) {
    Refused(StatusCode::kNotFound, key, [&](GgufWriter& w) { w.Erase(key); });
    Refused(StatusCode::kBadFile, key, [&](GgufWriter& w) { w.Bool(key, true); });
  }
}

TEST("numbers out of range are named") {
  const auto number = [](const std::string& key, std::initializer_list<uint32_t> values) {
    for (const uint32_t value : values) {
      Refused(StatusCode::kBadFile, key, [&](GgufWriter& w) { w.U32(key, value); });
    }
  };
  number("qwen3.context_length", {0, 1u << 25, 0x80000000u, 0xffffffffu});
  number("qwen3.embedding_length", {0, 7, 0xffffffffu});
  number("qwen3.block_count", {0, 100000, 0x80000000u});
  number("qwen3.feed_forward_length", {0, 0xffffffffu});
  number("qwen3.attention.head_count", {0, 0xffffffffu, 15});  // 15 is no multiple of 2
  number("qwen3.attention.head_count_kv", {0, 3, 0xffffffffu});
  number("qwen3.attention.key_length", {0, 4, 257, 0xffffffffu});
  number("qwen3.attention.value_length", {0, 4, 257, 0xffffffffu});
  // Without a key_length a head is a part of the embedding: 128 / 16 = 8 fits, 128 / 24 does not.
  Refused(StatusCode::kBadFile, "qwen3.attention.head_count is 24", [](GgufWriter& w) {
    w.Erase("qwen3.attention.key_length");
    w.U32("qwen3.attention.head_count", 24);
  });
  const float not_a_number = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const std::string key : {"qwen3.attention.layer_norm_rms_epsilon", "qwen3.rope.freq_base"}) {
    for (const float value : {0.0f, 1e-42f, -1.0f, not_a_number, infinity}) {
      Refused(StatusCode::kBadFile, key, [&](GgufWriter& w) { w.F32(key, value); });
    }
  }
  Refused(StatusCode::kUnsupported, "qwen3.attention.key_length is 9",  // odd
          [](GgufWriter& w) { w.U32("qwen3.attention.key_length", 9); });
  // Sound numbers that do not fit the tensors.
  Refused(StatusCode::kBadFile, "blk.2.attn_norm.weight", [](GgufWriter& w) { w.U32("qwen3.block_count", 3); });
  Refused(StatusCode::kBadFile, "token_embd.weight", [](GgufWriter& w) { w.U32("qwen3.embedding_length", 256); });
}

TEST("tokenizers that we do not have, or that contradict themselves") {
  const auto refused = [](StatusCode code, const std::string& named, auto spoil) {
    Refused(code, named, spoil, false);
  };
  refused(StatusCode::kUnsupported, "tokenizer.ggml.model",
          [](GgufWriter& w) { w.String("tokenizer.ggml.model", "llama"); });
  refused(StatusCode::kUnsupported, "tokenizer.ggml.pre",
          [](GgufWriter& w) { w.String("tokenizer.ggml.pre", "viking"); });
  for (const std::string key :
       {"tokenizer.ggml.model", "tokenizer.ggml.pre", "tokenizer.ggml.tokens", "tokenizer.ggml.merges"}) {
    refused(StatusCode::kNotFound, key, [&](GgufWriter& w) { w.Erase(key); });
    refused(StatusCode::kBadFile, key, [&](GgufWriter& w) { w.U32(key, 1); });
  }
  for (const std::string key : {"tokenizer.ggml.tokens", "tokenizer.ggml.merges"}) {
    refused(StatusCode::kBadFile, key, [&](GgufWriter& w) { w.Ints(key, {1, 2}); });
  }
  refused(StatusCode::kBadFile, "tokenizer.ggml.tokens", [](GgufWriter& w) { w.Strings("tokenizer.ggml.tokens", {}); });
  refused(StatusCode::kBadFile, "single byte 0", [](GgufWriter& w) {
    w.Strings("tokenizer.ggml.tokens", {"a", "b"});
    w.Ints("tokenizer.ggml.token_type", {1, 1});
  });
  refused(StatusCode::kBadFile, "token 1 ", [](GgufWriter& w) {
    w.Strings("tokenizer.ggml.tokens", {"a", "no alphabet"});
    w.Ints("tokenizer.ggml.token_type", {1, 1});
  });
  refused(StatusCode::kBadFile, "tokenizer.ggml.token_type",
          [](GgufWriter& w) { w.Ints("tokenizer.ggml.token_type", {1, 1, 1}); });
  for (const char* merge : {"", "i", "i ", " n", "i zzz", "in in", "zz i"}) {
    refused(StatusCode::kBadFile, "entry 1 of tokenizer.ggml.merges",
            [&](GgufWriter& w) { w.Strings("tokenizer.ggml.merges", {"i n", merge}); });
  }
  // A vocabulary with fewer rows than tokens: some token would have no embedding.
  Refused(StatusCode::kBadFile, "token_embd.weight", [](GgufWriter& w) {
    w.Find("token_embd.weight")->shape[1] = 260;
    w.Find("token_embd.weight")->data.resize(260 * 18);
  });
}

TEST("what is no model file at all") {
  const auto load = [](const std::string& path, const std::string& kernels = "") {
    return Engine::Load({.path = path, .threads = 1, .kernels = kernels}).status();
  };
  const TempFile text(std::vector<uint8_t>(100, 'x'), ".txt");
  EXPECT(load(text.path()).code() == StatusCode::kBadFile);
  EXPECT(load(text.path()).message().find("not a GGUF file") != std::string::npos);
  EXPECT(load(text.path() + ".absent").code() == StatusCode::kNotFound);
  EXPECT(load("").code() == StatusCode::kNotFound);
  EXPECT(!Inspect(text.path()).ok());
  const TempFile sound(Sound().Write());
  EXPECT(load(sound.path(), "turbo").code() == StatusCode::kNotFound);
  const std::vector<uint8_t> bytes = Sound().Write();
  const TempFile cut(std::vector<uint8_t>(bytes.begin(), bytes.end() - 100));
  EXPECT(load(cut.path()).code() == StatusCode::kBadFile);
  EXPECT(load(cut.path()).message().find(cut.path()) != std::string::npos);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
