// Chooses the next token from logits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "niwaki/engine.h"  // SamplingOptions, TokenId

namespace niwaki {

class Sampler {
 public:
  // `never` [vocabulary] marks ids that are never chosen (1) on top of options.banned.
  Sampler(const SamplingOptions& options, std::span<const uint8_t> never);

  // The next token, or -1 when every id is ruled out. `allowed` (ascending ids) restricts the choice when it is not
  // empty. Greedy takes the largest logit, the lowest id among equals. Otherwise, in llama.cpp's order: top-k, top-p
  // (nucleus, Holtzman et al. 2019), min-p (Nguyen et al. 2024), temperature, and a draw; the truncations look at
  // probabilities at temperature 1.
  TokenId Sample(std::span<const float> logits, std::span<const TokenId> allowed);

 private:
  struct Candidate {
    float logit;
    TokenId id;
  };
  void Collect(std::span<const float> logits, std::span<const TokenId> allowed);
  void KeepTopK();
  void KeepTopP();
  void KeepMinP();
  TokenId Draw();
  double NextUniform();

  const SamplingOptions options_;
  std::vector<uint8_t> never_;
  std::vector<Candidate> candidates_;
  uint64_t state_;
};

// Natural log of softmax(logits)[id], summed in double.
float LogProbability(std::span<const float> logits, TokenId id);

}  // namespace niwaki
