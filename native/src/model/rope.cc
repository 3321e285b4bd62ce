#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace niwaki {
namespace {

Status Bad(const std::string& key, const std::string& what) {
  return Status(StatusCode::kBadFile,
                key + " " + what +
                    "; the file is damaged or was written by a faulty tool, get it again from its "
                    "maker");
}
Status Unsupported(const std::string& what) {
  return Status(StatusCode::kUnsupported,
                what + "; use a file of this model whose positions are plain or scaled linearly or by YaRN");
}

// A number from `low` to `high`. Left alone when the key is absent.
Status Optional(const GgufFile& file, const std::string& key, double low, double high, double* out) {
  if (file.Find(key) == nullptr) {
    return Status();
  }
  const Result<double> value = file.Float(key);
  if (!value.ok()) {
    return value.status();
  }
  if (!(value.value() >= low && value.value() <= high)) {  // false for NaN, too
    return Bad(key, "is out of range");
  }
  *out = value.value();
  return Status();
}

Status ReadYarn(const GgufFile& file, const std::string& scaling, int64_t context, RopeConfig* rope) {
  rope->original_context = context;  // llama.cpp's default
  const std::string original = scaling + "original_context_length";
  if (file.Find(original) != nullptr) {
    const Result<int64_t> value = file.Int(original);
    if (!value.ok()) {
      return value.status();
    }
    if (value.value() < 1 || value.value() > (1 << 24)) {
      return Bad(original, "is " + std::to_string(value.value()) + ", between 1 and 16777216 is possible");
    }
    rope->original_context = value.value();
  }
  // A model of another family (DeepSeek) scales attention by this.
  double log_multiplier = 0;
  NIWAKI_RETURN_IF_ERROR(Optional(file, scaling + "yarn_log_multiplier", -1e6, 1e6, &log_multiplier));
  if (log_multiplier != 0) {
    return Unsupported(scaling + "yarn_log_multiplier is not 0, which Niwaki does not do");
  }
  double yarn_attention = 1;
  NIWAKI_RETURN_IF_ERROR(Optional(file, scaling + "yarn_attn_factor", 1e-3, 1e3, &yarn_attention));
  rope->attention_factor *= yarn_attention;
  NIWAKI_RETURN_IF_ERROR(Optional(file, scaling + "yarn_ext_factor", 0, 1, &rope->ext_factor));
  NIWAKI_RETURN_IF_ERROR(Optional(file, scaling + "yarn_beta_fast", 1e-3, 1e6, &rope->beta_fast));
  NIWAKI_RETURN_IF_ERROR(Optional(file, scaling + "yarn_beta_slow", 1e-3, 1e6, &rope->beta_slow));
  if (rope->beta_fast < rope->beta_slow) {
    return Bad(scaling + "yarn_beta_fast", "is less than " + scaling + "yarn_beta_slow");
  }
  if (rope->base <= 1) {  // the paper's formula divides by its logarithm
    return Bad(scaling + "type", "is \"yarn\" with a rope.freq_base of 1");
  }
  return Status();
}

// The pair (as a real number) whose wave makes `turns` turns in the original context.
double PairOf(double turns, const RopeConfig& rope, int64_t head_size) {
  return static_cast<double>(head_size) *
         std::log(static_cast<double>(rope.original_context) / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(rope.base));
}

}  // namespace

Result<RopeConfig> ReadRope(const GgufFile& file, const std::string& prefix, int64_t head_size, int64_t context) {
  RopeConfig rope;
  NIWAKI_RETURN_IF_ERROR(Optional(file, prefix + "rope.freq_base", 1, 1e12, &rope.base));
  const std::string rotated = prefix + "rope.dimension_count";
  if (file.Find(rotated) != nullptr) {
    const Result<int64_t> value = file.Int(rotated);
    if (!value.ok()) {
      return value.status();
    }
    if (value.value() != head_size) {
      return Unsupported(rotated + " is " + std::to_string(value.value()) + ", Niwaki rotates whole heads (of " +
                         std::to_string(head_size) + ")");
    }
  }
  for (const std::string tensor : {"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"}) {
    if (file.FindInfo(tensor) != nullptr) {
      return Unsupported("the file has the tensor " + tensor + ", a scaling of positions that Niwaki does not do");
    }
  }

  const std::string scaling = prefix + "rope.scaling.";
  // A factor without a type means linear scaling, and 0 means 1, as in llama.cpp.
  std::string type = "linear";
  if (file.Find(scaling + "type") != nullptr) {
    const Result<std::string_view> named = file.String(scaling + "type");
    if (!named.ok()) {
      return named.status();
    }
    type = named.value().substr(0, 40);
  }
  if (type == "none") {
    return rope;
  }
  if (type != "linear" && type != "yarn") {
    return Unsupported(scaling + "type is \"" + type + "\", Niwaki scales rotary positions by \"linear\" and \"yarn\"");
  }
  const std::string old_key = prefix + "rope.scale_linear";
  const std::string factor_key = file.Find(scaling + "factor") == nullptr ? old_key : scaling + "factor";
  NIWAKI_RETURN_IF_ERROR(Optional(file, factor_key, 0, 1e4, &rope.factor));
  if (rope.factor == 0) {
    rope.factor = 1;
  }
  if (rope.factor < 1) {
    return Bad(factor_key, "is out of range");
  }
  NIWAKI_RETURN_IF_ERROR(Optional(file, scaling + "attn_factor", 1e-3, 1e3, &rope.attention_factor));
  if (type == "yarn") {
    rope.scaling = RopeConfig::Scaling::kYarn;
    NIWAKI_RETURN_IF_ERROR(ReadYarn(file, scaling, context, &rope));
  } else {
    rope.scaling = RopeConfig::Scaling::kLinear;
    rope.ext_factor = 0;
  }
  return rope;
}

RopeTable::RopeTable(const RopeConfig& rope, int64_t head_size) : frequencies_(static_cast<size_t>(head_size / 2)) {
  const bool yarn = rope.scaling == RopeConfig::Scaling::kYarn && rope.ext_factor > 0;
  double low = 0;
  double high = 0;
  if (yarn) {
    low = std::max(0.0, std::floor(PairOf(rope.beta_fast, rope, head_size)));
    high = std::min(static_cast<double>(head_size - 1), std::ceil(PairOf(rope.beta_slow, rope, head_size)));
  }
  for (size_t i = 0; i < frequencies_.size(); ++i) {
    const double trained = std::pow(rope.base, -2.0 * static_cast<double>(i) / static_cast<double>(head_size));
    const double slowed = trained / rope.factor;
    double keep = 0;  // how much of the trained frequency stays
    if (yarn) {
      const double ramp = (static_cast<double>(i) - low) / std::max(0.001, high - low);
      keep = (1 - std::clamp(ramp, 0.0, 1.0)) * rope.ext_factor;
    }
    frequencies_[i] = rope.scaling == RopeConfig::Scaling::kNone ? trained : slowed * (1 - keep) + trained * keep;
  }
  if (rope.scaling != RopeConfig::Scaling::kNone) {
    // The paper's sqrt(1 / t), on queries and keys each.
    magnitude_ = rope.attention_factor * (yarn ? 1 + 0.1 * std::log(rope.factor) : 1);
  }
}

void RopeTable::Fill(int64_t begin, int64_t count, int64_t stride, float* cos, float* sin) const {
  for (size_t i = 0; i < frequencies_.size(); ++i) {
    for (int64_t t = 0; t < count; ++t) {
      const double angle = static_cast<double>(begin + t) * frequencies_[i];
      cos[t * stride + static_cast<int64_t>(i)] = static_cast<float>(std::cos(angle) * magnitude_);
      sin[t * stride + static_cast<int64_t>(i)] = static_cast<float>(std::sin(angle) * magnitude_);
    }
  }
}

void RopeTable::FillTurn(int64_t positions, float* cos, float* sin) const {
  for (size_t i = 0; i < frequencies_.size(); ++i) {
    const double angle = static_cast<double>(positions) * frequencies_[i];
    cos[i] = static_cast<float>(std::cos(angle));
    sin[i] = static_cast<float>(std::sin(angle));
  }
}

}  // namespace niwaki
