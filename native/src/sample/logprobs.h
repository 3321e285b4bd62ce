// Log probabilities of tokens under the softmax of their logits.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "niwaki/engine.h"  // TokenId

namespace niwaki {

// log(sum(exp(logits))): what a logit is more than its log probability.
double LogSum(std::span<const float> logits);

// Natural log of softmax(logits)[id].
float LogProbability(std::span<const float> logits, TokenId id);

// The `count` likeliest ids with their log probabilities, best first, the lower id first among equals.
std::vector<std::pair<TokenId, float>> TopLogProbabilities(std::span<const float> logits, int count);

}  // namespace niwaki
