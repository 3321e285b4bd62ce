// A TokenGuide as the decoding loop uses it: what it has been told, what it has answered, and how it is waited for.
#pragma once

#include <algorithm>
#include <functional>
#include <span>
#include <vector>

#include "engine/engine_impl.h"

namespace niwaki {

class Guided {
 public:
  // For as long as a worker may think about one step; longer than any pause of a healthy one.
  static constexpr double kPatienceMs = 60'000;

  Guided(EngineImpl& engine, const DecodeOptions& options);
  bool on() const { return guide_ != nullptr; }

  void Begin(int64_t tokens);
  // Whether some of the `said` tokens are news to the guide: what may come after them is not known then.
  bool IsBehind(size_t said) const { return on() && said > told_; }
  void Tell(std::span<const TokenId> said, std::span<const TokenId> draft);
  bool IsAwaited() const { return awaited_; }
  // Waits for the answer, in slices: between them others may compute. False: cancelled.
  Result<bool> Await(const std::function<bool()>& is_cancelled);

  // Of the last answer.
  const std::vector<TokenId>& forced() const { return step_.forced; }
  // How many choices there are from token number `said` on.
  size_t choices(size_t said) const {
    return said < told_ ? 0 : step_.choices.size() - std::min(step_.choices.size(), said - told_);
  }
  // What may be token number `said`, tokens that end the text included.
  std::span<const uint32_t> Mask(size_t said) const { return step_.choices[said - told_].allowed; }
  // Nothing but the end may.
  bool IsOver(size_t said) const { return over_[said - told_]; }

  double waited_ms() const { return waited_ms_; }

 private:
  Status Check() const;

  EngineImpl& engine_;
  TokenGuide* const guide_;
  std::vector<TokenId> ends_;  // the engine's, and the request's stop tokens
  TokenGuide::Step step_;
  std::vector<bool> over_;  // of its choices
  size_t told_ = 0;         // tokens from the first on that the guide knows; the first choice is for the one after them
  bool awaited_ = false;
  double waited_ms_ = 0;
};

}  // namespace niwaki
