// Small Qwen3 models with random weights, written as GGUF files, and what they compute, in double precision. Only
// *_test.cc files include it.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "base/f16.h"
#include "base/random_testing.h"
#include "gguf/gguf_testing.h"
#include "quant/bf16.h"
#include "quant/q1_0.h"
#include "quant/q8_0.h"

namespace niwaki::testing {

inline constexpr uint32_t kTypeF32 = 0;
inline constexpr uint32_t kTypeF16 = 1;
inline constexpr uint32_t kTypeQ8 = 8;
inline constexpr uint32_t kTypeBF16 = 30;
inline constexpr uint32_t kTypeQ1 = 41;
inline constexpr uint32_t kSameType = 0xffffffffu;

struct TinyShape {
  int64_t d = 128;
  int64_t layers = 2;
  int64_t ff = 256;
  int64_t heads = 16;
  int64_t kv_heads = 2;
  int64_t head = 8;
  int64_t vocab = 261;      // rows; the tokenizer has 261 tokens: 256 bytes, 3 control tokens, 2 merged ones
  uint32_t type = kTypeQ1;  // of matrices
  uint32_t norm_type = kTypeF32;
  uint32_t embedding_type = kSameType;  // of the embedding and an output head
  uint32_t rounded_to = kSameType;      // all values are first rounded to what this type can hold
  bool tied = true;
  int64_t context = 300;
};

inline void AddTinyTokenizer(GgufWriter* w) {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  for (const char* control : {"<|endoftext|>", "<|fim_prefix|>", "<|im_start|>"}) {
    tokens.push_back(control);
    types.push_back(3);
  }
  for (uint32_t b = 0; b < 256; ++b) {
    tokens.push_back(Written(std::string(1, static_cast<char>(b))));
    types.push_back(1);
  }
  tokens.insert(tokens.end(), {"in", Written(" in")});
  types.insert(types.end(), {1, 1});
  w->String("tokenizer.ggml.model", "gpt2");
  w->String("tokenizer.ggml.pre", "qwen2");
  w->Strings("tokenizer.ggml.tokens", tokens);
  w->Ints("tokenizer.ggml.token_type", types);
  w->Strings("tokenizer.ggml.merges", {"i n", Written(" ") + " in"});
  w->U32("tokenizer.ggml.bos_token_id", 0);
  w->U32("tokenizer.ggml.eos_token_id", 0);
}

class TinyModel {
 public:
  explicit TinyModel(const TinyShape& s, uint64_t seed = 1) : shape(s), random_(seed) {
    writer.String("general.architecture", "qwen3");
    writer.String("general.name", "tiny");
    const auto size = [&](const char* key, int64_t value) {
      writer.U32(std::string("qwen3.") + key, static_cast<uint32_t>(value));
    };
    size("context_length", s.context);
    size("embedding_length", s.d);
    size("block_count", s.layers);
    size("feed_forward_length", s.ff);
    size("attention.head_count", s.heads);
    size("attention.head_count_kv", s.kv_heads);
    size("attention.key_length", s.head);
    size("attention.value_length", s.head);
    writer.F32("qwen3.attention.layer_norm_rms_epsilon", 1e-6f);
    writer.F32("qwen3.rope.freq_base", 10000.0f);
    AddTinyTokenizer(&writer);
    const uint32_t embedding = s.embedding_type == kSameType ? s.type : s.embedding_type;
    Matrix("token_embd.weight", s.d, s.vocab, 1.0f, embedding);
    if (!s.tied) {
      Matrix("output.weight", s.d, s.vocab, 0.1f, embedding);
    }
    Norm("output_norm.weight", s.d);
    for (int64_t layer = 0; layer < s.layers; ++layer) {
      const std::string b = "blk." + std::to_string(layer) + ".";
      Norm(b + "attn_norm.weight", s.d);
      Matrix(b + "attn_q.weight", s.d, s.heads * s.head, 0.1f);
      Matrix(b + "attn_k.weight", s.d, s.kv_heads * s.head, 0.1f);
      Matrix(b + "attn_v.weight", s.d, s.kv_heads * s.head, 0.1f);
      Norm(b + "attn_q_norm.weight", s.head);
      Norm(b + "attn_k_norm.weight", s.head);
      Matrix(b + "attn_output.weight", s.heads * s.head, s.d, 0.1f);
      Norm(b + "ffn_norm.weight", s.d);
      Matrix(b + "ffn_gate.weight", s.d, s.ff, 0.1f);
      Matrix(b + "ffn_up.weight", s.d, s.ff, 0.1f);
      Matrix(b + "ffn_down.weight", s.ff, s.d, 0.1f);
    }
  }

  // Logits after the last token, straight from the definition of the architecture.
  std::vector<float> Logits(const std::vector<int32_t>& tokens) const;

  TinyShape shape;
  GgufWriter writer;
  // Of Logits(): radians a position for every pair of a head (empty: plain), and a factor on rotated queries and keys.
  std::vector<double> rope_frequencies;
  double rope_magnitude = 1;

 private:
  using Vec = std::vector<double>;
  void Matrix(const std::string& name, int64_t cols, int64_t rows, float size) {
    Matrix(name, cols, rows, size, shape.type);
  }
  void Matrix(const std::string& name, int64_t cols, int64_t rows, float size, uint32_t type) {
    std::vector<float> values = Floats(cols * rows, [&] { return random_.Gauss() * size; });
    if (shape.rounded_to != kSameType) {
      InType(shape.rounded_to, &values);
    }
    Add(name, {static_cast<uint64_t>(cols), static_cast<uint64_t>(rows)}, type, std::move(values));
  }
  void Norm(const std::string& name, int64_t n) {
    std::vector<float> values = Floats(n, [&] { return 1 + 0.2f * random_.Gauss(); });
    if (shape.rounded_to == kTypeBF16 || shape.rounded_to == kTypeF16) {
      InType(shape.rounded_to, &values);
    }
    Add(name, {static_cast<uint64_t>(n)}, shape.norm_type, std::move(values));
  }
  // The bytes of values in a type; leaves of the values what the type can hold.
  static std::vector<uint8_t> InType(uint32_t type, std::vector<float>* values) {
    Bytes bytes;
    const int64_t n = static_cast<int64_t>(values->size());
    if (type == kTypeQ1) {
      bytes.data.resize(values->size() / 128 * 18);
      QuantizeRowQ1_0(values->data(), n, bytes.data.data());
      DequantizeRowQ1_0(bytes.data.data(), n, 0, values->data());
    } else if (type == kTypeQ8) {
      bytes.data.resize(values->size() / 32 * 34);
      QuantizeRowQ8_0(values->data(), n, bytes.data.data());
      DequantizeRowQ8_0(bytes.data.data(), n, 0, values->data());
    } else {
      for (float& value : *values) {
        if (type == kTypeF16) {
          bytes.Put(F32ToF16(value));
          value = F16ToF32(F32ToF16(value));
        } else if (type == kTypeBF16) {
          bytes.Put(F32ToBF16(value));
          value = BF16ToF32(F32ToBF16(value));
        } else {
          bytes.Put(value);
        }
      }
    }
    return std::move(bytes.data);
  }
  void Add(const std::string& name, std::vector<uint64_t> dims, uint32_t type, std::vector<float> values) {
    std::vector<uint8_t> bytes = InType(type, &values);
    values_[name] = std::vector<double>(values.begin(), values.end());
    writer.tensors.push_back({name, std::move(dims), type, std::move(bytes)});
  }

  Vec Times(const std::string& name, const Vec& x) const {
    const Vec& w = values_.at(name);
    Vec y(w.size() / x.size(), 0.0);
    for (size_t r = 0; r < y.size(); ++r) {
      for (size_t i = 0; i < x.size(); ++i) {
        y[r] += w[r * x.size() + i] * x[i];
      }
    }
    return y;
  }
  // RMSNorm of x [begin, begin + weights).
  void Normalize(const std::string& name, double* x) const {
    const Vec& weight = values_.at(name);
    double sum = 0;
    for (size_t i = 0; i < weight.size(); ++i) {
      sum += x[i] * x[i];
    }
    const double scale = 1 / std::sqrt(sum / static_cast<double>(weight.size()) + 1e-6);
    for (size_t i = 0; i < weight.size(); ++i) {
      x[i] *= scale * weight[i];
    }
  }
  void Rotate(double* x, size_t position) const {
    const int64_t half = shape.head / 2;
    for (int64_t i = 0; i < half; ++i) {
      const double plain = std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(shape.head));
      const double angle =
          static_cast<double>(position) * (rope_frequencies.empty() ? plain : rope_frequencies[static_cast<size_t>(i)]);
      const double a = x[i];
      const double b = x[i + half];
      x[i] = rope_magnitude * (a * std::cos(angle) - b * std::sin(angle));
      x[i + half] = rope_magnitude * (b * std::cos(angle) + a * std::sin(angle));
    }
  }

  Random random_;
  std::map<std::string, Vec> values_;
};

inline std::vector<float> TinyModel::Logits(const std::vector<int32_t>& tokens) const {
  const size_t d = static_cast<size_t>(shape.d);
  const size_t head = static_cast<size_t>(shape.head);
  const size_t group = static_cast<size_t>(shape.heads / shape.kv_heads);
  std::vector<Vec> x;
  for (const int32_t token : tokens) {
    const auto row = values_.at("token_embd.weight").begin() + token * shape.d;
    x.emplace_back(row, row + shape.d);
  }
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    const std::string b = "blk." + std::to_string(layer) + ".";
    // Only the last token's result is wanted: with one layer, long texts take time in proportion to their length.
    const size_t first = layer + 1 == shape.layers ? x.size() - 1 : 0;
    std::vector<Vec> keys;
    std::vector<Vec> values;
    for (size_t t = 0; t < x.size(); ++t) {
      Vec h = x[t];
      Normalize(b + "attn_norm.weight", h.data());
      keys.push_back(Times(b + "attn_k.weight", h));
      values.push_back(Times(b + "attn_v.weight", h));
      for (size_t i = 0; i < keys[t].size(); i += head) {
        Normalize(b + "attn_k_norm.weight", &keys[t][i]);
        Rotate(&keys[t][i], t);
      }
      if (t < first) {
        continue;
      }
      Vec q = Times(b + "attn_q.weight", h);
      for (size_t i = 0; i < q.size(); i += head) {
        Normalize(b + "attn_q_norm.weight", &q[i]);
        Rotate(&q[i], t);
      }
      Vec attended(q.size(), 0.0);
      for (size_t i = 0; i < q.size(); i += head) {
        const size_t kv = i / head / group * head;
        Vec weight(t + 1, 0.0);
        double total = 0;
        for (size_t j = 0; j <= t; ++j) {
          for (size_t k = 0; k < head; ++k) {
            weight[j] += q[i + k] * keys[j][kv + k] / std::sqrt(static_cast<double>(head));
          }
          weight[j] = std::exp(weight[j]);
          total += weight[j];
        }
        for (size_t j = 0; j <= t; ++j) {
          for (size_t k = 0; k < head; ++k) {
            attended[i + k] += weight[j] / total * values[j][kv + k];
          }
        }
      }
      const Vec delta = Times(b + "attn_output.weight", attended);
      for (size_t i = 0; i < d; ++i) {
        x[t][i] += delta[i];
      }
    }
    for (size_t t = first; t < x.size(); ++t) {
      Vec& row = x[t];
      Vec h = row;
      Normalize(b + "ffn_norm.weight", h.data());
      Vec gate = Times(b + "ffn_gate.weight", h);
      const Vec up = Times(b + "ffn_up.weight", h);
      for (size_t i = 0; i < gate.size(); ++i) {
        gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
      }
      const Vec delta = Times(b + "ffn_down.weight", gate);
      for (size_t i = 0; i < d; ++i) {
        row[i] += delta[i];
      }
    }
  }
  Vec last = x.back();
  Normalize("output_norm.weight", last.data());
  const Vec logits = Times(shape.tied ? "token_embd.weight" : "output.weight", last);
  return {logits.begin(), logits.end()};
}

}  // namespace niwaki::testing
