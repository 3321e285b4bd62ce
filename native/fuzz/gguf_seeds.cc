// Sound files for the GGUF fuzzer to start from.
#include <fstream>
#include <string>

#include "engine/tiny_model_testing.h"

namespace {

using niwaki::testing::Bytes;
using niwaki::testing::GgufWriter;

void Write(const std::string& path, const GgufWriter& writer) {
  const std::vector<uint8_t> bytes = writer.Write();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    return 2;
  }
  const std::string folder = argv[1];
  niwaki::testing::TinyShape shape;
  shape.d = 16;
  shape.ff = 8;
  shape.heads = 2;
  shape.kv_heads = 1;
  shape.layers = 1;
  shape.vocab = 4;
  shape.type = niwaki::testing::kTypeF16;
  niwaki::testing::TinyModel model(shape);
  // The vocabulary is the tokenizer's matter, and most of the bytes.
  for (const char* key : {"tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "tokenizer.ggml.merges"}) {
    model.writer.Erase(key);
  }
  Write(folder + "/plain.gguf", model.writer);
  GgufWriter scaled = model.writer;
  scaled.String("qwen3.rope.scaling.type", "yarn");
  scaled.F32("qwen3.rope.scaling.factor", 4);
  scaled.U32("qwen3.rope.scaling.original_context_length", 128);
  for (const char* key : {"attn_factor", "yarn_ext_factor", "yarn_attn_factor", "yarn_beta_fast", "yarn_beta_slow"}) {
    scaled.F32(std::string("qwen3.rope.scaling.") + key, 1);
  }
  scaled.U32("general.alignment", 32);
  scaled.U32("split.no", 0);
  scaled.U32("split.count", 2);
  scaled.U32("split.tensors.count", static_cast<uint32_t>(scaled.tensors.size()));
  Write(folder + "/scaled.gguf", scaled);
  GgufWriter values;
  values.Strings("strings", {"a", "", "bc"});
  values.Ints("ints", {1, -2});
  values.Raw("f64", niwaki::testing::kValueF64, Bytes().Put(0.5));
  values.Raw("i64", niwaki::testing::kValueI64, Bytes().Put(int64_t{-1}));
  values.Raw("floats", niwaki::testing::kValueArray,
             Bytes().U32(niwaki::testing::kValueF32).U64(2).Put(1.0f).Put(2.0f));
  values.tensors.push_back({"q", {128, 2}, niwaki::testing::kTypeQ1, std::vector<uint8_t>(36)});
  values.tensors.push_back({"other", {3}, 99, std::vector<uint8_t>(3)});
  Write(folder + "/values.gguf", values);
  return 0;
}
