#include "model/config.h"

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

Status CheckTensor(const GgufFile& file, const std::string& name, std::vector<int64_t> shape, bool matrix) {
  const GgufTensor* tensor = file.FindInfo(name);
  if (tensor == nullptr) {
    return Bad("the tensor " + name + " is missing");
  }
  const auto type = static_cast<TensorType>(tensor->type);
  const bool known = type == TensorType::kF32 || type == TensorType::kF16 || type == TensorType::kQ1_0;
  if (!known || (!matrix && type == TensorType::kQ1_0)) {
    return Unsupported("the tensor " + name + " has " + TensorTypeName(tensor->type) + ", Niwaki computes with " +
                       (matrix ? "Q1_0 (type 41), F16 and F32" : "F16 and F32 there"));
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
  if (!(epsilon.value() > 0 && epsilon.value() < 0.1)) {
    return Bad(prefix + "attention.layer_norm_rms_epsilon is out of range");
  }
  config.norm_epsilon = static_cast<float>(epsilon.value());
  const Result<RopeConfig> rope = ReadRope(file, prefix, config.head_size, config.context_length);
  if (!rope.ok()) {
    return rope.status();
  }
  config.rope = rope.value();
  const GgufTensor* embedding = file.FindInfo("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2 || embedding->shape[1] > (1 << 24)) {
    return Bad("the tensor token_embd.weight is missing or has the wrong shape");
  }
  config.vocab_size = static_cast<int32_t>(embedding->shape[1]);
  config.tied_head = file.FindInfo("output.weight") == nullptr;
  return config;
}

Status CheckTensors(const GgufFile& file, const ModelConfig& config) {
  const int64_t d = config.embedding_length;
  const int64_t q = static_cast<int64_t>(config.heads) * config.head_size;
  const int64_t kv = static_cast<int64_t>(config.kv_heads) * config.head_size;
  const int64_t ff = config.feed_forward_length;
  NIWAKI_RETURN_IF_ERROR(CheckTensor(file, "token_embd.weight", {d, config.vocab_size}, true));
  NIWAKI_RETURN_IF_ERROR(CheckTensor(file, "output_norm.weight", {d}, false));
  if (!config.tied_head) {
    NIWAKI_RETURN_IF_ERROR(CheckTensor(file, "output.weight", {d, config.vocab_size}, true));
  }
  for (int32_t layer = 0; layer < config.layers; ++layer) {
    const std::string b = "blk." + std::to_string(layer) + ".";
    NIWAKI_RETURN_IF_ERROR(CheckTensor(file, b + "attn_norm.weight", {d}, false));
    NIWAKI_RETURN_IF_ERROR(CheckTensor(file, b + "attn_q.weight", {d, q}, true));
    NIWAKI_RETURN_IF_ERROR(CheckTensor(file, b + "attn_k.weight", {d, kv}, true));
    NIWAKI_RETURN_IF_ERROR(CheckTensor(file, b + "attn_v.weight", {d, kv}, true));
    NIWAKI_RETURN_IF_ERROR(CheckTensor(file, b + "attn_q_norm.weight", {config.head_size}, false));
    NIWAKI_RETURN_IF_ERROR(CheckTensor(file, b + "attn_k_norm.weight", {config.head_size}, false));
    NIWAKI_RETURN_IF_ERROR(CheckTensor(file, b + "attn_output.weight", {q, d}, true));
    NIWAKI_RETURN_IF_ERROR(CheckTensor(file, b + "ffn_norm.weight", {d}, false));
    NIWAKI_RETURN_IF_ERROR(CheckTensor(file, b + "ffn_gate.weight", {d, ff}, true));
    NIWAKI_RETURN_IF_ERROR(CheckTensor(file, b + "ffn_up.weight", {d, ff}, true));
    NIWAKI_RETURN_IF_ERROR(CheckTensor(file, b + "ffn_down.weight", {ff, d}, true));
  }
  return Status();
}

}  // namespace niwaki
