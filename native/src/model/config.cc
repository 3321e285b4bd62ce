#include "model/config.h"

#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include "kernels/kernel_table.h"

namespace niwaki {
namespace {

constexpr const char* kUseAnother =
    "use a GGUF file of a Qwen3 dense model with Q1_0 weights (for example Bonsai 1.7B, 4B or 8B)";

Status Unsupported(const std::string& what) { return Status(StatusCode::kUnsupported, what + "; " + kUseAnother); }
Status Bad(const std::string& what) {
  return Status(StatusCode::kBadFile,
                what + "; the file is damaged or was written by a faulty tool, get it again from its maker");
}

// An integer within [low, high].
Status Bounded(const GgufFile& file, const std::string& key, int64_t low, int64_t high, int32_t* out) {
  const Result<int64_t> value = file.Int(key);
  if (!value.ok()) {
    return value.status();
  }
  if (value.value() < low || value.value() > high) {
    return Bad(key + " is " + std::to_string(value.value()) + ", between " + std::to_string(low) + " and " +
               std::to_string(high) + " is possible");
  }
  *out = static_cast<int32_t>(value.value());
  return Status();
}

Status RefuseTransforms(const GgufFile& file) {
  for (const auto& [key, value] : file.metadata()) {
    if (key.substr(0, 15) == "prism.hadamard.") {
      return Unsupported("the file has the metadata value " + std::string(key) +
                         ": its weights are stored under a Hadamard transform that Niwaki does not do, and would give "
                         "garbage without it");
    }
  }
  return Status();
}

// Numbers and truth values; nothing for other types.
std::optional<double> NumberOf(const GgufValue& value) {
  return std::visit(
      [](const auto& v) -> std::optional<double> {
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(v)>>) {
          return static_cast<double>(v);
        }
        return std::nullopt;
      },
      value);
}

// Keys of other architectures that would change what a layer computes. The one value of each that changes nothing may
// be there; anything else would silently give another model.
Status RefuseOtherArithmetic(const GgufFile& file, const std::string& prefix, const ModelConfig& config) {
  const double plain_scale = 1 / std::sqrt(static_cast<double>(config.head_size));
  struct Neutral {
    const char* key;
    double value;
    double or_value;
  };
  for (const Neutral& neutral : {Neutral{"expert_count", 0, 0},
                                 {"nextn_predict_layers", 0, 0},
                                 {"attention.causal", 1, 1},
                                 {"attention.scale", plain_scale, 0},
                                 {"attention.max_alibi_bias", 0, 0},
                                 {"attention.clamp_kqv", 0, 0},
                                 {"attn_logit_softcapping", 0, 0},
                                 {"final_logit_softcapping", 0, 0},
                                 {"logit_scale", 1, 0},
                                 {"residual_scale", 1, 0},
                                 {"embedding_scale", 1, 0},
                                 {"use_parallel_residual", 0, 0}}) {
    const std::string key = prefix + neutral.key;
    const GgufValue* value = file.Find(key);
    if (value == nullptr) {
      continue;
    }
    const std::optional<double> number = NumberOf(*value);
    const auto is = [&](double wanted) { return std::fabs(*number - wanted) <= 1e-5 * std::fabs(wanted); };
    if (!number.has_value() || (!is(neutral.value) && !is(neutral.or_value))) {
      return Unsupported(key + " is " + GgufValueText(*value).substr(0, 40) +
                         ", which asks for a computation that Niwaki does not do");
    }
  }
  // A window that covers the whole context is none.
  const std::string key = prefix + "attention.sliding_window";
  const GgufValue* window = file.Find(key);
  if (window != nullptr) {
    const std::optional<double> size = NumberOf(*window);
    if (!size.has_value() || !(*size == 0 || *size >= config.context_length)) {
      return Unsupported(key + " is " + GgufValueText(*window).substr(0, 40) +
                         ", Niwaki computes attention over the whole context");
    }
  }
  return Status();
}

// A header may repeat the size of its vocabulary. Rows may outnumber tokens (padding); the key may mean either.
Status CheckVocabSize(const GgufFile& file, const std::string& key, int64_t rows) {
  if (file.Find(key) == nullptr) {
    return Status();
  }
  const Result<int64_t> size = file.Int(key);
  if (!size.ok()) {
    return size.status();
  }
  const Result<const GgufArray*> tokens = file.Array("tokenizer.ggml.tokens");
  if (size.value() == rows || (tokens.ok() && static_cast<uint64_t>(size.value()) == tokens.value()->count)) {
    return Status();
  }
  return Bad(key + " is " + std::to_string(size.value()) + ", token_embd.weight has " + std::to_string(rows) + " rows" +
             (tokens.ok() ? " and tokenizer.ggml.tokens " + std::to_string(tokens.value()->count) + " entries" : ""));
}

Status CheckTensor(const GgufFile& file, const std::string& name, std::vector<int64_t> shape, bool matrix) {
  const GgufTensor* tensor = file.FindInfo(name);
  if (tensor == nullptr) {
    return Bad("the tensor " + name + " is missing");
  }
  const int64_t block = TensorLayoutOf(tensor->type).block;
  if (block == 0 || (!matrix && block != 1)) {  // vectors are kept as floats: they have no blocks
    return Unsupported(
        "the tensor " + name + " has " + TensorTypeName(tensor->type) + ", Niwaki computes with " +
        (matrix ? "Q1_0 (type 41), Q8_0 (8), BF16 (30), F16 (1) and F32 (0)" : "BF16 (30), F16 (1) and F32 (0) there"));
  }
  if (tensor->shape != shape) {
    const auto text = [](const std::vector<int64_t>& dims) {
      std::string out;
      for (const int64_t dim : dims) {
        out += (out.empty() ? "" : " x ") + std::to_string(dim);
      }
      return out;
    };
    return Bad("the tensor " + name + " has the shape " + text(tensor->shape) + ", the header asks for " + text(shape));
  }
  return Status();
}

}  // namespace

Result<ModelConfig> ReadConfig(const GgufFile& file) {
  ModelConfig config;
  const Result<std::string_view> architecture = file.String("general.architecture");
  if (!architecture.ok()) {
    return architecture.status();
  }
  config.architecture = architecture.value();
  NIWAKI_RETURN_IF_ERROR(RefuseTransforms(file));
  if (config.architecture != "qwen3") {
    return Unsupported("general.architecture is \"" + config.architecture.substr(0, 40) + "\", Niwaki runs \"qwen3\"");
  }
  const Result<std::string_view> name = file.String("general.name");
  config.name = name.ok() ? std::string(name.value()) : "unnamed";

  const std::string prefix = config.architecture + ".";
  NIWAKI_RETURN_IF_ERROR(Bounded(file, prefix + "context_length", 1, 1 << 24, &config.context_length));
  NIWAKI_RETURN_IF_ERROR(Bounded(file, prefix + "embedding_length", 8, 1 << 16, &config.embedding_length));
  NIWAKI_RETURN_IF_ERROR(Bounded(file, prefix + "block_count", 1, 1024, &config.layers));
  NIWAKI_RETURN_IF_ERROR(Bounded(file, prefix + "feed_forward_length", 8, 1 << 20, &config.feed_forward_length));
  NIWAKI_RETURN_IF_ERROR(Bounded(file, prefix + "attention.head_count", 1, 1024, &config.heads));
  NIWAKI_RETURN_IF_ERROR(Bounded(file, prefix + "attention.head_count_kv", 1, 1024, &config.kv_heads));
  if (config.heads % config.kv_heads != 0) {
    return Bad(prefix + "attention.head_count is not a multiple of " + prefix + "attention.head_count_kv");
  }
  if (file.Find(prefix + "attention.key_length") != nullptr) {
    NIWAKI_RETURN_IF_ERROR(Bounded(file, prefix + "attention.key_length", 8, 256, &config.head_size));
  } else if (config.embedding_length % config.heads != 0) {
    return Bad(prefix + "attention.head_count is " + std::to_string(config.heads) + ", which does not divide " +
               prefix + "embedding_length (" + std::to_string(config.embedding_length) + ") although " + prefix +
               "attention.key_length is missing");
  } else {
    config.head_size = config.embedding_length / config.heads;
  }
  if (config.head_size % 8 != 0 || config.head_size > 256 || config.head_size < 8) {
    return Unsupported(prefix + "attention.key_length is " + std::to_string(config.head_size) +
                       ", Niwaki needs a multiple of 8 up to 256");
  }
  if (file.Find(prefix + "attention.value_length") != nullptr) {
    int32_t value_length = 0;
    NIWAKI_RETURN_IF_ERROR(Bounded(file, prefix + "attention.value_length", 8, 256, &value_length));
    if (value_length != config.head_size) {
      return Unsupported(prefix + "attention.value_length differs from " + prefix + "attention.key_length");
    }
  }
  const Result<double> epsilon = file.Float(prefix + "attention.layer_norm_rms_epsilon");
  if (!epsilon.ok()) {
    return epsilon.status();
  }
  // Below the smallest normal float it would vanish, and a row of zeros would be divided by zero.
  if (!(epsilon.value() >= static_cast<double>(std::numeric_limits<float>::min()) && epsilon.value() < 0.1)) {
    return Bad(prefix + "attention.layer_norm_rms_epsilon is out of range");
  }
  config.norm_epsilon = static_cast<float>(epsilon.value());
  const Result<RopeConfig> rope = ReadRope(file, prefix, config.head_size, config.context_length);
  if (!rope.ok()) {
    return rope.status();
  }
  config.rope = rope.value();
  NIWAKI_RETURN_IF_ERROR(RefuseOtherArithmetic(file, prefix, config));
  const GgufTensor* embedding = file.FindInfo("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2 || embedding->shape[1] > (1 << 24)) {
    return Bad("the tensor token_embd.weight is missing or has the wrong shape");
  }
  config.vocab_size = static_cast<int32_t>(embedding->shape[1]);
  NIWAKI_RETURN_IF_ERROR(CheckVocabSize(file, prefix + "vocab_size", config.vocab_size));
  config.tied_head = file.FindInfo("output.weight") == nullptr;
  return config;
}

Status CheckTensors(const GgufFile& file, const ModelConfig& config) {
  const int64_t d = config.embedding_length;
  const int64_t q = static_cast<int64_t>(config.heads) * config.head_size;
  const int64_t kv = static_cast<int64_t>(config.kv_heads) * config.head_size;
  const int64_t ff = config.feed_forward_length;
  std::unordered_set<std::string> used;
  const auto check = [&](const std::string& name, std::vector<int64_t> shape, bool matrix) {
    used.insert(name);
    return CheckTensor(file, name, std::move(shape), matrix);
  };
  NIWAKI_RETURN_IF_ERROR(check("token_embd.weight", {d, config.vocab_size}, true));
  NIWAKI_RETURN_IF_ERROR(check("output_norm.weight", {d}, false));
  if (!config.tied_head) {
    NIWAKI_RETURN_IF_ERROR(check("output.weight", {d, config.vocab_size}, true));
  }
  for (int32_t layer = 0; layer < config.layers; ++layer) {
    const std::string b = "blk." + std::to_string(layer) + ".";
    NIWAKI_RETURN_IF_ERROR(check(b + "attn_norm.weight", {d}, false));
    NIWAKI_RETURN_IF_ERROR(check(b + "attn_q.weight", {d, q}, true));
    NIWAKI_RETURN_IF_ERROR(check(b + "attn_k.weight", {d, kv}, true));
    NIWAKI_RETURN_IF_ERROR(check(b + "attn_v.weight", {d, kv}, true));
    NIWAKI_RETURN_IF_ERROR(check(b + "attn_q_norm.weight", {config.head_size}, false));
    NIWAKI_RETURN_IF_ERROR(check(b + "attn_k_norm.weight", {config.head_size}, false));
    NIWAKI_RETURN_IF_ERROR(check(b + "attn_output.weight", {q, d}, true));
    NIWAKI_RETURN_IF_ERROR(check(b + "ffn_norm.weight", {d}, false));
    NIWAKI_RETURN_IF_ERROR(check(b + "ffn_gate.weight", {d, ff}, true));
    NIWAKI_RETURN_IF_ERROR(check(b + "ffn_up.weight", {d, ff}, true));
    NIWAKI_RETURN_IF_ERROR(check(b + "ffn_down.weight", {ff, d}, true));
  }
  // What is left would have changed the result (biases, more layers than the header says): never leave it out silently.
  for (const GgufTensor& tensor : file.tensors()) {
    const std::string name(tensor.name.substr(0, 100));
    if (used.count(name) == 0) {
      return Unsupported("the file has the tensor " + name + ", which a Qwen3 dense model of " +
                         std::to_string(config.layers) + " layers (" + config.architecture +
                         ".block_count) does not have");
    }
  }
  return Status();
}

}  // namespace niwaki
