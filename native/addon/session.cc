#include "session.h"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "addon_data.h"
#include "convert.h"
#include "errand.h"
#include "generate_job.h"
#include "js_channel.h"
#include "model.h"

namespace niwaki::addon {
namespace {

// Errands: sessions are opened before anything else waits longer, and closed as soon as no job of theirs is under way.
constexpr int kHousekeepingPriority = -1;
// No caller's job has this id.
constexpr int64_t kNoJobId = -1;

class CloseSessionJob : public EngineJob {
 public:
  // `channel` may be null: a session that was garbage collected has nobody who waits.
  CloseSessionJob(SessionId session, std::unique_ptr<PromiseChannel> channel)
      : EngineJob(kHousekeepingPriority, session, kNoJobId), channel_(std::move(channel)) {}

  bool RunOn(EngineThread& thread) override {
    thread.RemoveSession(session());
    Done();
    return true;
  }
  // The whole model is being unloaded, and this session with it.
  void Abandon(const Status& /*why*/) override { Done(); }

  void Done() {
    if (channel_) {
      channel_->Post([](Napi::Env env, PromiseState& call) { call.deferred.Resolve(env.Undefined()); });
      channel_->Close();
    }
  }

 private:
  std::unique_ptr<PromiseChannel> channel_;
};

struct OpenState : PromiseState {
  OpenState(Napi::Env env, Napi::Object model_object) : PromiseState(env), model(Napi::Persistent(model_object)) {}
  Napi::ObjectReference model;
};

class OpenSessionJob : public EngineJob {
 public:
  using Resolve = std::function<void(Napi::Env, OpenState&)>;
  // `uses`: the session that must not be at work, or the new one itself.
  OpenSessionJob(SessionId uses, SessionId opens, SessionMaker make, std::unique_ptr<JsChannel<OpenState>> channel,
                 Resolve resolve)
      : EngineJob(kHousekeepingPriority, uses, kNoJobId),
        opens_(opens),
        make_(std::move(make)),
        channel_(std::move(channel)),
        resolve_(std::move(resolve)) {}

  bool RunOn(EngineThread& thread) override {
    Result<std::unique_ptr<Session>> opened = make_(thread);
    if (!opened.ok()) {
      Abandon(opened.status());
      return true;
    }
    thread.AddSession(opens_, std::move(opened.value()));
    channel_->Post(resolve_);
    channel_->Close();
    return true;
  }
  void Abandon(const Status& why) override {
    channel_->Post([why](Napi::Env env, OpenState& call) { call.deferred.Reject(ToError(env, why).Value()); });
    channel_->Close();
  }

 private:
  const SessionId opens_;
  const SessionMaker make_;
  std::unique_ptr<JsChannel<OpenState>> channel_;
  const Resolve resolve_;
};

// Writes a page on a thread of libuv's pool: the disk may take its time.
class WriteWorker : public Napi::AsyncWorker {
 public:
  // A promise of the page's number. Deletes itself when done.
  static Napi::Promise Start(Napi::Env env, KvUnsavedPage page) {
    auto* worker = new WriteWorker(env, std::move(page));
    const Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();
    return promise;
  }

 protected:
  void Execute() override { status_ = page_.write(); }
  void OnOK() override {
    if (status_.ok()) {
      deferred_.Resolve(Napi::Number::New(Env(), static_cast<double>(page_.page)));
    } else {
      deferred_.Reject(ToError(Env(), status_).Value());
    }
  }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  WriteWorker(Napi::Env env, KvUnsavedPage page)
      : AsyncWorker(env, "niwaki.save"), deferred_(Napi::Promise::Deferred::New(env)), page_(std::move(page)) {}

  Napi::Promise::Deferred deferred_;
  const KvUnsavedPage page_;
  Status status_;
};

DecodeOptions ReadDecodeOptions(Napi::Env env, const Napi::Object& request) {
  constexpr int64_t kMaxInt = std::numeric_limits<int32_t>::max();
  constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;
  DecodeOptions options;
  options.max_tokens = static_cast<int>(ReadInteger(env, request.Get("maxTokens"), "maxTokens", 0, kMaxInt));
  options.sampling.temperature = static_cast<float>(ReadNumber(env, request.Get("temperature"), "temperature"));
  options.sampling.top_k = static_cast<int>(ReadInteger(env, request.Get("topK"), "topK", 0, kMaxInt));
  options.sampling.top_p = static_cast<float>(ReadNumber(env, request.Get("topP"), "topP"));
  options.sampling.min_p = static_cast<float>(ReadNumber(env, request.Get("minP"), "minP"));
  options.sampling.seed = static_cast<uint64_t>(ReadInteger(env, request.Get("seed"), "seed", 0, kMaxSafeInteger));
  options.sampling.banned = ReadTokens(env, request.Get("banned"), "banned");
  const std::vector<TokenId> bias_tokens = ReadTokens(env, request.Get("biasTokens"), "biasTokens");
  const std::vector<float> bias_values = ReadFloats(env, request.Get("biasValues"), "biasValues");
  if (bias_tokens.size() != bias_values.size()) {
    throw InvalidArgument(env, "biasTokens and biasValues must have the same length.");
  }
  for (size_t i = 0; i < bias_tokens.size(); ++i) {
    options.sampling.logit_bias.emplace_back(bias_tokens[i], bias_values[i]);
  }
  const auto factor = [&](const char* name, double low, double high) {
    const double value = ReadNumber(env, request.Get(name), name);
    if (value < low || value > high) {
      throw InvalidArgument(
          env, std::string(name) + " must lie between " + std::to_string(low) + " and " + std::to_string(high) + ".");
    }
    return static_cast<float>(value);
  };
  options.sampling.repetition_penalty = factor("repetitionPenalty", 0.01, 100);
  options.sampling.frequency_penalty = factor("frequencyPenalty", -100, 100);
  options.sampling.presence_penalty = factor("presencePenalty", -100, 100);
  options.sampling.penalty_window =
      static_cast<int>(ReadInteger(env, request.Get("penaltyWindow"), "penaltyWindow", 0, kMaxInt));
  for (const TokenId word : ReadTokens(env, request.Get("allowed"), "allowed")) {
    options.sampling.allowed.push_back(static_cast<uint32_t>(word));
  }
  options.sampling.top_logprobs =
      static_cast<int>(ReadInteger(env, request.Get("topLogprobs"), "topLogprobs", 0, 1 << 20));
  options.sampling.logprobs = ReadBool(env, request.Get("logprobs"), "logprobs");
  options.lookup.max_draft =
      static_cast<int>(ReadInteger(env, request.Get("lookupDraft"), "lookupDraft", 0, LookupOptions::kMaxDraft));
  options.lookup.min_ngram = static_cast<int>(ReadInteger(env, request.Get("lookupNgram"), "lookupNgram", 2, 64));
  options.lookup.expected = ReadTokens(env, request.Get("expected"), "expected");
  options.forced = ReadTokens(env, request.Get("forced"), "forced");
  options.stop_tokens = ReadTokens(env, request.Get("stopTokens"), "stopTokens");
  options.stop_strings = ReadStrings(env, request.Get("stopStrings"), "stopStrings");
  options.required_prefix = ReadString(env, request.Get("requiredPrefix"), "requiredPrefix");
  return options;
}

Status SessionClosed() { return Status(StatusCode::kInvalidArgument, "The session has been closed. Open a new one."); }
Status ModelUnloaded() {
  return Status(StatusCode::kInvalidArgument, "The model has been unloaded. Load it again and open a new session.");
}

}  // namespace

Napi::Function NativeSession::DefineClass(Napi::Env env) {
  return ObjectWrap::DefineClass(env, "NativeSession",
                                 {
                                     InstanceMethod<&NativeSession::Generate>("generate"),
                                     InstanceMethod<&NativeSession::Cancel>("cancel"),
                                     InstanceMethod<&NativeSession::Fork>("fork"),
                                     InstanceMethod<&NativeSession::Rollback>("rollback"),
                                     InstanceMethod<&NativeSession::Pin>("pin"),
                                     InstanceMethod<&NativeSession::SaveNext>("saveNext"),
                                     InstanceMethod<&NativeSession::Dispose>("dispose"),
                                 });
}

NativeSession::NativeSession(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

NativeSession::~NativeSession() {
  if (thread_ && !disposed_) {
    (void)thread_->Submit(std::make_shared<CloseSessionJob>(id_, nullptr));
  }
}

Napi::Promise NativeSession::Open(Napi::Env env, Napi::Object model, const std::shared_ptr<EngineThread>& thread,
                                  SessionOptions options) {
  return Make(env, model, thread, kModelJobs,
              [options = std::move(options)](EngineThread& owner) { return owner.engine().NewSession(options); });
}

Napi::Promise NativeSession::Make(Napi::Env env, Napi::Object model, const std::shared_ptr<EngineThread>& thread,
                                  SessionId uses, SessionMaker make) {
  auto state = std::make_unique<OpenState>(env, model);
  const Napi::Promise::Deferred deferred = state->deferred;
  auto channel = std::make_unique<JsChannel<OpenState>>(env, "niwaki.openSession", std::move(state));
  const SessionId id = thread->NewSessionId();
  std::weak_ptr<EngineThread> weak = thread;
  auto job = std::make_shared<OpenSessionJob>(uses == kModelJobs ? id : uses, id, std::move(make), std::move(channel),
                                              [weak, id](Napi::Env js, OpenState& call) {
                                                const Napi::Object object = AddonData::Of(js).session_class.New({});
                                                NativeSession* session = Unwrap(object);
                                                session->thread_ = weak.lock();
                                                session->model_ = std::move(call.model);
                                                session->id_ = id;
                                                call.deferred.Resolve(object);
                                              });
  if (!thread->Submit(job)) {
    job->Abandon(ModelUnloaded());
  }
  return deferred.Promise();
}

Napi::Value NativeSession::Generate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    Check(env);
    const Napi::Object request = ReadObject(env, info[0], "request");
    const Napi::Function on_token = ReadFunction(env, info[1], "onToken");
    const Napi::Function on_prefill = ReadFunction(env, info[2], "onPrefill");
    const int64_t id = ReadInteger(env, request.Get("job"), "job", 0, (int64_t{1} << 53) - 1);
    const auto priority = static_cast<int>(ReadInteger(env, request.Get("priority"), "priority", 0, 1000));
    const auto threads = static_cast<int>(ReadInteger(env, request.Get("threads"), "threads", 0, 256));
    auto job = std::make_shared<GenerateJob>(
        priority, id_, id, ReadTokens(env, request.Get("tokens"), "tokens"), ReadDecodeOptions(env, request), threads,
        ReadBool(env, request.Get("shift"), "shift"), OpenGuide(env, ReadString(env, request.Get("guide"), "guide")));
    auto state = std::make_unique<GenerateState>(
        GenerateState{Napi::Promise::Deferred::New(env), Napi::Persistent(on_token), Napi::Persistent(on_prefill),
                      Napi::Persistent(info.This().As<Napi::Object>()), Napi::Reference<Napi::Value>(), job});
    const Napi::Promise promise = state->deferred.Promise();
    job->SetChannel(std::make_unique<JsChannel<GenerateState>>(env, "niwaki.generate", std::move(state)));
    if (!thread_->Submit(job)) {
      job->Abandon(ModelUnloaded());
    }
    return promise;
  });
}

std::unique_ptr<TokenGuide> NativeSession::OpenGuide(Napi::Env env, std::string program) const {
  if (program.empty()) {
    return nullptr;
  }
  const std::shared_ptr<GuideDesk> desk = Napi::ObjectWrap<NativeModel>::Unwrap(model_.Value())->guide_desk();
  if (desk == nullptr) {
    throw InvalidArgument(env, "The model's desk is not open.");
  }
  return desk->Open(std::move(program));
}

Napi::Value NativeSession::Cancel(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int64_t id = ReadInteger(env, info[0], "job", 0, (int64_t{1} << 53) - 1);
  if (thread_) {
    thread_->CancelJob(id_, id);
  }
  return env.Undefined();
}

void NativeSession::Check(Napi::Env env) const {
  if (disposed_ || !thread_) {
    throw InvalidArgument(env, "The session has been closed. Open a new one.");
  }
}

Napi::Value NativeSession::Fork(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    Check(env);
    return Make(env, model_.Value(), thread_, id_, [id = id_](EngineThread& owner) -> Result<std::unique_ptr<Session>> {
      Session* session = owner.FindSession(id);
      return session != nullptr ? session->Fork() : SessionClosed();
    });
  });
}

Napi::Value NativeSession::Rollback(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    Check(env);
    const int64_t tokens = ReadInteger(env, info[0], "tokens", 0, std::numeric_limits<int32_t>::max());
    return StartSessionErrand(env, thread_, id_, [tokens](Session& session) -> Result<ErrandAnswer> {
      NIWAKI_RETURN_IF_ERROR(session.Rollback(tokens));
      return Nothing();
    });
  });
}

Napi::Value NativeSession::Pin(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    Check(env);
    const int64_t tokens = ReadInteger(env, info[0], "tokens", 0, std::numeric_limits<int32_t>::max());
    return StartSessionErrand(env, thread_, id_, [tokens](Session& session) -> Result<ErrandAnswer> {
      NIWAKI_RETURN_IF_ERROR(session.Pin(tokens));
      return Nothing();
    });
  });
}

Napi::Value NativeSession::SaveNext(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    Check(env);
    const int64_t from = ReadInteger(env, info[0], "from", 0, std::numeric_limits<int32_t>::max());
    return StartSessionErrand(env, thread_, id_, [from](Session& session) -> Result<ErrandAnswer> {
      Result<KvUnsavedPage> page = session.NextUnsaved(from);
      if (!page.ok()) {
        return page.status();
      }
      return ErrandAnswer([found = std::move(page.value())](Napi::Env js) -> Napi::Value {
        if (found.page < 0) {
          return Napi::Number::New(js, -1);
        }
        return WriteWorker::Start(js, found);
      });
    });
  });
}

Napi::Value NativeSession::Dispose(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    auto state = std::make_unique<PromiseState>(env);
    const Napi::Promise promise = state->deferred.Promise();
    if (disposed_ || !thread_) {
      state->deferred.Resolve(env.Undefined());
      return promise;
    }
    disposed_ = true;
    auto job = std::make_shared<CloseSessionJob>(
        id_, std::make_unique<PromiseChannel>(env, "niwaki.closeSession", std::move(state)));
    thread_->CancelSession(id_);
    if (!thread_->Submit(job)) {
      job->Done();
    }
    return promise;
  });
}

}  // namespace niwaki::addon
