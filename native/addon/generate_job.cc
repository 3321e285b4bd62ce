#include "generate_job.h"

#include <string>
#include <utility>

#include "convert.h"

namespace niwaki::addon {
namespace {

double MillisecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// Calls back into JavaScript. What the callback throws ends the job and becomes the reason of its promise.
template <typename Call>
void CallBack(GenerateState& state, Call&& call) {
  if (!state.callback_error.IsEmpty()) {
    return;
  }
  try {
    call();
  } catch (const Napi::Error& error) {
    state.callback_error = Napi::Reference<Napi::Value>::New(error.Value(), 1);
    state.job->CancelThis();
  }
}

}  // namespace

GenerateJob::GenerateJob(int priority, SessionId session, int64_t id, std::vector<TokenId> prompt, DecodeOptions decode,
                         int threads, bool shift, std::unique_ptr<TokenGuide> guide)
    : EngineJob(priority, session, id),
      prompt_(std::move(prompt)),
      decode_(std::move(decode)),
      guide_(std::move(guide)),
      threads_(threads),
      shift_(shift),
      submitted_(Clock::now()) {
  decode_.guide = guide_.get();
  SetProgress(0, static_cast<int64_t>(prompt_.size()));
}

void GenerateJob::Abandon(const Status& why) {
  guide_.reset();
  channel_->Post([why, evaluated = outcome_.evaluated](Napi::Env env, GenerateState& state) {
    if (state.callback_error.IsEmpty()) {
      const Napi::Error error = ToError(env, why);
      error.Set("evaluated", static_cast<double>(evaluated));
      state.deferred.Reject(error.Value());
    } else {
      state.deferred.Reject(state.callback_error.Value());
    }
  });
  channel_->Close();
}

void GenerateJob::Settle(Outcome outcome) {
  guide_.reset();
  channel_->Post([outcome = std::move(outcome)](Napi::Env env, GenerateState& state) {
    if (!state.callback_error.IsEmpty()) {
      state.deferred.Reject(state.callback_error.Value());
      return;
    }
    Napi::Object result = Napi::Object::New(env);
    result.Set("tokens", ToTokens(env, outcome.decoded.tokens));
    result.Set("text", outcome.decoded.text);
    result.Set("reason", StopReasonName(outcome.decoded.reason));
    result.Set("reused", static_cast<double>(outcome.reused));
    result.Set("evaluated", static_cast<double>(outcome.evaluated));
    result.Set("shared", static_cast<double>(outcome.shared));
    result.Set("shifted", static_cast<double>(outcome.shifted));
    result.Set("prefillMs", outcome.prefill_ms);
    result.Set("decodeMs", outcome.decoded.ms);
    result.Set("queueMs", outcome.queue_ms);
    result.Set("pausedMs", outcome.paused_ms);
    result.Set("batches", static_cast<double>(outcome.decoded.batches));
    result.Set("drafted", static_cast<double>(outcome.decoded.drafted));
    result.Set("accepted", static_cast<double>(outcome.decoded.accepted));
    result.Set("guided", static_cast<double>(outcome.decoded.guided));
    result.Set("guideMs", outcome.decoded.guide_ms);
    state.deferred.Resolve(result);
  });
  channel_->Close();
}

bool GenerateJob::RunOn(EngineThread& thread) {
  if (priority() < kBackground) {
    return RunHere(thread);
  }
  bool done = true;
  thread.engine().InBackground([&] { done = RunHere(thread); });  // the job's own thread waits: nothing of it is shared
  return done;
}

bool GenerateJob::RunHere(EngineThread& thread) {
  const bool first_run = !started_;
  if (first_run) {
    started_ = true;
    outcome_.queue_ms = MillisecondsSince(submitted_);
  }
  const Status cancelled(StatusCode::kCancelled, "The request was cancelled.");
  Session* session = thread.FindSession(this->session());
  if (session == nullptr) {
    Abandon(
        Status(StatusCode::kInvalidArgument, "The session was closed before its request could run. Open a new one."));
    return true;
  }

  if (!ArmInterrupt()) {
    Abandon(cancelled);
    return true;
  }
  thread.engine().LimitThreads(threads_);
  thread.SetInterruptible(*this, true);
  SyncStats stats;
  const Clock::time_point sync_start = Clock::now();
  const double paused_before = paused_ms();
  session->Shift(shift_);
  const Status synced = session->Sync(prompt_, &interrupt(), &stats, [this](int64_t done, int64_t total) {
    SetProgress(done, total);
    channel_->Post([done, total](Napi::Env env, GenerateState& state) {
      CallBack(state, [&] {
        state.on_prefill.Call(
            {Napi::Number::New(env, static_cast<double>(done)), Napi::Number::New(env, static_cast<double>(total))});
      });
    });
  });
  thread.SetInterruptible(*this, false);
  thread.CountKv();
  outcome_.prefill_ms += MillisecondsSince(sync_start) - (paused_ms() - paused_before);
  outcome_.evaluated += stats.evaluated;
  if (first_run) {
    outcome_.reused = stats.reused;
    outcome_.shared = stats.shared + stats.restored;
    outcome_.shifted = stats.shifted;
  }
  if (synced.code() == StatusCode::kCancelled && !this->cancelled()) {
    return false;  // interrupted
  }
  if (!synced.ok()) {
    Abandon(synced.code() == StatusCode::kCancelled ? cancelled : synced);
    return true;
  }
  if (decode_.max_tokens == 0) {
    outcome_.paused_ms = paused_ms();
    Settle(std::move(outcome_));
    return true;
  }

  if (!ArmInterrupt()) {
    Abandon(cancelled);
    return true;
  }
  const double paused_in_prompt = paused_ms();
  const bool logprobs = decode_.sampling.logprobs || decode_.sampling.top_logprobs > 0;
  Result<DecodeResult> decoded = session->Decode(decode_, &interrupt(), [this, logprobs](const TokenEvent& event) {
    CountDecoded();
    channel_->Post([event, logprobs](Napi::Env env, GenerateState& state) {
      CallBack(state, [&] {
        std::vector<TokenId> top_ids;
        std::vector<float> top_logprobs;
        for (const auto& [id, logprob] : event.top) {
          top_ids.push_back(id);
          top_logprobs.push_back(logprob);
        }
        const Napi::Number id = Napi::Number::New(env, event.id);
        const Napi::String text = Napi::String::New(env, event.text);
        if (!logprobs) {
          state.on_token.Call({id, text});
          return;
        }
        const Napi::Number logprob = Napi::Number::New(env, static_cast<double>(event.logprob));
        if (top_ids.empty()) {  // two arrays a token would be for nothing
          state.on_token.Call({id, text, logprob});
        } else {
          state.on_token.Call({id, text, logprob, ToTokens(env, top_ids), ToFloats(env, top_logprobs)});
        }
      });
    });
    return true;
  });
  thread.CountKv();
  if (!decoded.ok()) {
    Abandon(decoded.status().code() == StatusCode::kCancelled ? cancelled : decoded.status());
    return true;
  }
  if (decoded.value().reason == StopReason::kCancelled && decoded.value().tokens.empty()) {
    Abandon(cancelled);
    return true;
  }
  outcome_.decoded = std::move(decoded.value());
  outcome_.paused_ms = paused_ms();
  outcome_.decoded.ms -= outcome_.paused_ms - paused_in_prompt;
  Settle(std::move(outcome_));
  return true;
}

}  // namespace niwaki::addon
