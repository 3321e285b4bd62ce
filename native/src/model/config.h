// What a model's header says, checked. General.file_type is never looked at: its numbers collide between forks.
#pragma once

#include <cstdint>
#include <string>

#include "gguf/gguf.h"
#include "model/rope.h"
#include "niwaki/status.h"

namespace niwaki {

struct ModelConfig {
  std::string name;
  std::string architecture;
  int32_t context_length = 0;
  int32_t embedding_length = 0;
  int32_t layers = 0;
  int32_t feed_forward_length = 0;
  int32_t heads = 0;
  int32_t kv_heads = 0;
  int32_t head_size = 0;
  int32_t vocab_size = 0;  // rows of the embedding
  float norm_epsilon = 0;
  RopeConfig rope;
  bool tied_head = false;
};

// kUnsupported or kBadFile, naming the field and what to do, when the engine cannot run this file.
Result<ModelConfig> ReadConfig(const GgufFile& file);
// Checks that every tensor the model needs is there, of a type and shape that fits.
Status CheckTensors(const GgufFile& file, const ModelConfig& config);

}  // namespace niwaki
