// One generate call: evaluate the whole prompt (what is not cached of it), then decode, streaming tokens to JavaScript.
#pragma once

#include <napi.h>

#include <chrono>
#include <memory>
#include <vector>

#include "engine_thread.h"
#include "job.h"
#include "js_channel.h"
#include "niwaki/engine.h"

namespace niwaki::addon {

class GenerateJob;

// What belongs to JavaScript of one generate call.
struct GenerateState {
  Napi::Promise::Deferred deferred;
  Napi::FunctionReference on_token;
  Napi::FunctionReference on_prefill;
  Napi::ObjectReference session;                // keeps the session from being collected while its job waits or runs
  Napi::Reference<Napi::Value> callback_error;  // what a callback threw first; empty = nothing
  std::shared_ptr<GenerateJob> job;
};

class GenerateJob : public EngineJob {
 public:
  // `decode.max_tokens` = 0: only evaluate the prompt.
  // `threads` compute at the most, 0 = all of the model's. `shift`: Session::Shift.
  // `guide`: of the decoding; may be null.
  GenerateJob(int priority, SessionId session, int64_t id, std::vector<TokenId> prompt, DecodeOptions decode,
              int threads, bool shift, std::unique_ptr<TokenGuide> guide);
  // Before it is submitted.
  void SetChannel(std::unique_ptr<JsChannel<GenerateState>> channel) { channel_ = std::move(channel); }

  // From this priority on, which is Priority.background of server/src/engine/port.ts, a job is computed by threads of
  // low priority: whatever the editor does comes first.
  static constexpr int kBackground = 3;

  bool RunOn(EngineThread& thread) override;
  void Abandon(const Status& why) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Outcome {
    DecodeResult decoded;
    int64_t reused = 0;
    int64_t evaluated = 0;
    int64_t shared = 0;
    int64_t shifted = 0;
    double prefill_ms = 0;
    double queue_ms = 0;
    double paused_ms = 0;
  };

  bool RunHere(EngineThread& thread);
  // The result of the call. The promise settles behind all tokens that were posted before.
  void Settle(Outcome outcome);

  const std::vector<TokenId> prompt_;
  DecodeOptions decode_;
  std::unique_ptr<TokenGuide> guide_;  // given up with the job's end
  const int threads_;
  const bool shift_;
  const Clock::time_point submitted_;
  std::unique_ptr<JsChannel<GenerateState>> channel_;
  // Sums over the runs of a job that was interrupted.
  bool started_ = false;
  Outcome outcome_;
};

}  // namespace niwaki::addon
