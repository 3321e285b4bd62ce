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
  // empty; `history` is the timeline that penalties look at. Logits are first biased and penalised. Greedy takes the
  // largest logit, the lowest id among equals. Otherwise, in llama.cpp's order: top-k, top-p (nucleus, Holtzman et al.
  // 2019), min-p (Nguyen et al. 2024), temperature, and a draw; the truncations look at probabilities at temperature 1.
  TokenId Sample(std::span<const float> logits, std::span<const TokenId> allowed,
                 std::span<const TokenId> history = {});

 private:
  struct Candidate {
    float logit;
    TokenId id;
  };
  // The logits with bias and penalties; the same span when there are none.
  std::span<const float> Adjust(std::span<const float> logits, std::span<const TokenId> history);
  void Collect(std::span<const float> logits, std::span<const TokenId> allowed);
  void KeepTopK();
  void KeepTopP();
  void KeepMinP();
  TokenId Draw();
  double NextUniform();

  const SamplingOptions options_;
  std::vector<uint8_t> never_;
  std::vector<Candidate> candidates_;
  std::vector<float> adjusted_;
  std::vector<TokenId> recent_;
  uint64_t state_;
};

// Natural log of softmax(logits)[id], summed in double.
float LogProbability(std::span<const float> logits, TokenId id);

// The `count` likeliest ids with their log probabilities, best first, the lower id first among equals.
std::vector<std::pair<TokenId, float>> TopLogProbabilities(std::span<const float> logits, int count);

}  // namespace niwaki
