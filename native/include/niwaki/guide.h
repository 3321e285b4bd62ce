// Decoding under a mask that changes with every token. Who knows what may come next (a grammar, say) works on a thread
// of its own while the model computes: it is told what was said, and asked for the mask only when the logits are there.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "niwaki/status.h"

namespace niwaki {

// All calls are made by the Decode that is guided, on its thread, in this order: Begin, Wait, then Tell and Wait for
// every pass.
class TokenGuide {
 public:
  using TokenId = int32_t;

  struct Choice {
    // Bit id % 32 of word id / 32 set = the token may come next. Tokens past its end may not, nor those that end a
    // text.
    std::vector<uint32_t> allowed;
    // The text may end here: tokens that end it (the model's, and the request's stop tokens) may come, too. Where
    // nothing else may, it ends by itself. Elsewhere they never come.
    bool may_end = false;
  };
  struct Step {
    // Said next, whatever the sampler would choose, and evaluated together. The guide counts them as told. Where there
    // are any, nothing of the draft counts.
    std::vector<TokenId> forced;
    // What may come after them; further ones for what may come after the draft's first token, its first two and so on,
    // as far as the draft may be said. Empty only where `forced` fills all that is left of the budget.
    std::vector<Choice> choices;
  };

  virtual ~TokenGuide() = default;
  // Nothing has been said so far; at most `tokens` will be.
  virtual void Begin(int64_t tokens) = 0;
  // `said` has been said since the last call, and `draft` may be what follows. Returns at once.
  virtual void Tell(std::span<const TokenId> said, std::span<const TokenId> draft) = 0;
  // Waits for the answer to the last call, `most` at the most. False: not yet.
  virtual Result<bool> Wait(std::chrono::milliseconds most, Step* step) = 0;
};

}  // namespace niwaki
