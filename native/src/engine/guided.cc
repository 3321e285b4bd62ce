#include "engine/guided.h"

#include <algorithm>
#include <chrono>
#include <string>

namespace niwaki {
namespace {

using Clock = std::chrono::steady_clock;
// Most answers are there already, or come within this.
constexpr std::chrono::milliseconds kFirstSlice(2);
// How long a cancel or a more urgent job is not noticed.
constexpr std::chrono::milliseconds kSlice(4);

}  // namespace

Guided::Guided(EngineImpl& engine, const DecodeOptions& options)
    : engine_(engine), guide_(options.guide), ends_(engine.ends()) {
  for (const TokenId id : options.stop_tokens) {
    if (id >= 0 && id < engine.info().vocab_size) {
      ends_.push_back(id);
    }
  }
}

void Guided::Begin(int64_t tokens) {
  guide_->Begin(tokens);
  awaited_ = true;
}

void Guided::Tell(std::span<const TokenId> said, std::span<const TokenId> draft) {
  guide_->Tell(said.subspan(told_), draft);
  told_ = said.size();
  awaited_ = true;
}

Result<bool> Guided::Await(const std::function<bool()>& is_cancelled) {
  awaited_ = false;
  double waited = 0;
  for (std::chrono::milliseconds slice = kFirstSlice;; slice = kSlice) {
    if (is_cancelled()) {
      return false;
    }
    const Clock::time_point begin = Clock::now();
    Result<bool> came = guide_->Wait(slice, &step_);
    waited += std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    if (!came.ok()) {
      return came;
    }
    if (came.value()) {
      break;
    }
    if (waited > kPatienceMs) {
      return Status(
          StatusCode::kInternal,
          "what may be said next was not found out within a minute. Try again, or loosen what the answer must "
          "look like");
    }
    engine_.Between();
  }
  waited_ms_ += waited;
  NIWAKI_RETURN_IF_ERROR(Check());
  told_ += step_.forced.size();
  over_.clear();
  for (TokenGuide::Choice& choice : step_.choices) {
    choice.allowed.resize((static_cast<size_t>(engine_.info().vocab_size) + 31) / 32);
    for (const TokenId id : ends_) {
      choice.allowed[static_cast<size_t>(id) / 32] &= ~(1u << (id % 32));
    }
    over_.push_back(choice.may_end &&
                    std::all_of(choice.allowed.begin(), choice.allowed.end(), [](uint32_t word) { return word == 0; }));
    for (const TokenId id : ends_) {
      choice.allowed[static_cast<size_t>(id) / 32] |= choice.may_end ? 1u << (id % 32) : 0u;
    }
  }
  return true;
}

Status Guided::Check() const {
  for (const TokenId id : step_.forced) {
    if (id < 0 || id >= engine_.info().vocab_size) {
      return Status(StatusCode::kInternal, "the token " + std::to_string(id) + " does not exist in this model");
    }
  }
  return Status();
}

}  // namespace niwaki
