// Rotary positions, plain and stretched: linear position interpolation and YaRN (arXiv 2309.00071), as llama.cpp
// computes them from the same metadata keys.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gguf/gguf.h"
#include "niwaki/status.h"

namespace niwaki {

struct RopeConfig {
  enum class Scaling { kNone, kLinear, kYarn };
  double base = 10000.0;  // the format's default
  Scaling scaling = Scaling::kNone;
  double factor = 1;             // how many times longer than it was trained
  int64_t original_context = 0;  // YaRN: the context that it was trained with
  double attention_factor = 1;   // on the lengths of rotated queries and keys, besides YaRN's own
  double ext_factor = 1;         // YaRN: how far high frequencies are left as they were trained; 0: linear for all
  double beta_fast = 32;         // YaRN: frequencies with more turns than this in the original context are left alone,
  double beta_slow = 1;          // those with fewer turns than this are slowed down `factor` times
};

// `prefix` is the architecture's, for example "qwen3."; `context` is the model's whole context. kUnsupported or
// kBadFile, naming the key.
Result<RopeConfig> ReadRope(const GgufFile& file, const std::string& prefix, int64_t head_size, int64_t context);

// cos and sin for every pair of a head. Frequencies are made once, in double; so are the angles.
class RopeTable {
 public:
  RopeTable(const RopeConfig& config, int64_t head_size);
  // For positions begin, begin + 1, ...: cos and sin [count, stride], the first head_size / 2 of each row.
  void Fill(int64_t begin, int64_t count, int64_t stride, float* cos, float* sin) const;
  // cos and sin [head_size / 2] of a turn by `positions`, which may be negative, and by nothing else: for vectors that
  // have been rotated already.
  void FillTurn(int64_t positions, float* cos, float* sin) const;

 private:
  std::vector<double> frequencies_;  // radians a position
  double magnitude_ = 1;             // on cos and sin, so that queries and keys carry it once each
};

}  // namespace niwaki
