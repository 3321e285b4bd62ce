#include "model.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "addon_data.h"
#include "convert.h"
#include "errand.h"
#include "guide.h"
#include "js_channel.h"
#include "kv_job.h"
#include "session.h"

namespace niwaki::addon {
namespace {

// Tokenizes on a thread of libuv's pool: a long text takes longer than the event loop may be blocked.
class TokenizeWorker : public Napi::AsyncWorker {
 public:
  using Encode = std::function<std::vector<TokenId>()>;
  // Whatever `encode` captures stays alive when the model is disposed meanwhile.
  TokenizeWorker(Napi::Env env, Encode encode)
      : AsyncWorker(env, "niwaki.tokenize"), deferred_(Napi::Promise::Deferred::New(env)), encode_(std::move(encode)) {}

  // Deletes itself when done.
  static Napi::Promise Start(Napi::Env env, Encode encode) {
    auto* worker = new TokenizeWorker(env, std::move(encode));
    const Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();
    return promise;
  }

 protected:
  void Execute() override { ids_ = encode_(); }
  void OnOK() override { deferred_.Resolve(ToTokens(Env(), ids_)); }
  void OnError(const Napi::Error& error) override {
    deferred_.Reject(ToError(Env(), Status(StatusCode::kInternal, "Tokenizing failed: " + error.Message())).Value());
  }

 private:
  Napi::Promise::Deferred deferred_;
  Encode encode_;
  std::vector<TokenId> ids_;
};

Status ModelGone() { return Status(StatusCode::kCancelled, "The model was unloaded."); }

}  // namespace

// Texts that change by edits, one a slot. A slot may get any text; it is quick when that is nearly the last one.
class EditedTexts {
 public:
  static constexpr int64_t kSlots = 32;
  explicit EditedTexts(const std::shared_ptr<Engine>& engine) : engine_(engine) {}

  std::vector<TokenId> Update(size_t slot, const std::string& text) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::unique_ptr<EditableTokens>& tokens = slots_[slot];
    if (!tokens) {
      tokens = std::make_unique<EditableTokens>(engine_->tokenizer());
    }
    return tokens->Update(text);
  }

 private:
  std::shared_ptr<Engine> engine_;
  std::mutex mutex_;
  std::array<std::unique_ptr<EditableTokens>, kSlots> slots_;
};

Napi::Function NativeModel::DefineClass(Napi::Env env) {
  return ObjectWrap::DefineClass(env, "NativeModel",
                                 {
                                     InstanceMethod<&NativeModel::Tokenize>("tokenize"),
                                     InstanceMethod<&NativeModel::TokenizeEdited>("tokenizeEdited"),
                                     InstanceMethod<&NativeModel::Detokenize>("detokenize"),
                                     InstanceMethod<&NativeModel::FindToken>("findToken"),
                                     InstanceMethod<&NativeModel::ListSpecialTokens>("specialTokens"),
                                     InstanceMethod<&NativeModel::OpenSession>("openSession"),
                                     InstanceMethod<&NativeModel::KvBytes>("kvBytes"),
                                     InstanceMethod<&NativeModel::KvCountersNow>("kvCounters"),
                                     InstanceMethod<&NativeModel::SetKvBudget>("setKvBudget"),
                                     InstanceMethod<&NativeModel::Jobs>("jobs"),
                                     InstanceMethod<&NativeModel::CalibrateKv>("calibrateKv"),
                                     InstanceMethod<&NativeModel::UseKvCalibration>("useKvCalibration"),
                                     InstanceMethod<&NativeModel::MeasureKv>("measureKv"),
                                     InstanceMethod<&NativeModel::OpenGuideDesk>("openGuideDesk"),
                                     InstanceMethod<&NativeModel::CloseGuideDesk>("closeGuideDesk"),
                                     InstanceMethod<&NativeModel::PrepareGuide>("prepareGuide"),
                                     InstanceMethod<&NativeModel::Cancel>("cancel"),
                                     InstanceMethod<&NativeModel::Dispose>("dispose"),
                                 });
}

NativeModel::NativeModel(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

NativeModel::~NativeModel() {
  if (desk_) {
    desk_->Close(ModelGone());
  }
  if (thread_) {
    thread_->Stop(nullptr);  // does not wait; AddonData joins the thread
  }
}

Napi::Object NativeModel::Create(Napi::Env env, std::shared_ptr<EngineThread> thread, std::shared_ptr<Engine> engine) {
  Napi::Object object = AddonData::Of(env).model_class.New({});
  NativeModel* model = Unwrap(object);
  object.Set("info", ToModelInfo(env, *engine));
  model->thread_ = std::move(thread);
  model->engine_ = std::move(engine);
  model->texts_ = std::make_shared<EditedTexts>(model->engine_);
  return object;
}

Napi::Value NativeModel::Load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    LoadOptions options = ReadLoadOptions(env, info[0]);
    auto state = std::make_unique<PromiseState>(env);
    const Napi::Promise promise = state->deferred.Promise();
    // Both are reached from the engine thread, through std::function, which needs something that can be copied.
    auto channel = std::make_shared<PromiseChannel>(env, "niwaki.load", std::move(state));
    auto self = std::make_shared<std::weak_ptr<EngineThread>>();
    std::shared_ptr<EngineThread> thread =
        EngineThread::Start(std::move(options), [channel, self](const Status& status, std::shared_ptr<Engine> engine) {
          channel->Post([status, engine = std::move(engine), self](Napi::Env js, PromiseState& call) {
            const std::shared_ptr<EngineThread> loaded = self->lock();
            if (status.ok()) {
              call.deferred.Resolve(Create(js, loaded, engine));
            } else {
              call.deferred.Reject(ToError(js, status).Value());
              AddonData::Of(js).Forget(loaded.get());
            }
          });
          channel->Close();
        });
    *self = thread;  // read on this thread only, when the posted closure runs
    AddonData::Of(env).Add(std::move(thread));
    return promise;
  });
}

void NativeModel::Check(Napi::Env env) const {
  if (!engine_) {
    throw InvalidArgument(env, "The model has been unloaded. Load it again.");
  }
}

Napi::Value NativeModel::Tokenize(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    Check(env);
    std::string text = ReadString(env, info[0], "text");
    const bool parse = ReadBool(env, info[1], "parseSpecial");
    return TokenizeWorker::Start(env, [engine = engine_, text = std::move(text),
                                       special = parse ? SpecialTokens::kParse : SpecialTokens::kAsText] {
      return engine->tokenizer().Encode(text, special);
    });
  });
}

Napi::Value NativeModel::TokenizeEdited(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    Check(env);
    const auto slot = static_cast<size_t>(ReadInteger(env, info[0], "slot", 0, EditedTexts::kSlots - 1));
    std::string text = ReadString(env, info[1], "text");
    return TokenizeWorker::Start(env,
                                 [texts = texts_, slot, text = std::move(text)] { return texts->Update(slot, text); });
  });
}

Napi::Value NativeModel::Detokenize(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Check(env);
  // V8 turns bytes that are no UTF-8 into U+FFFD.
  return Napi::String::New(env, engine_->tokenizer().Decode(ReadTokens(env, info[0], "tokens")));
}

Napi::Value NativeModel::FindToken(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Check(env);
  return Napi::Number::New(env, engine_->tokenizer().Find(ReadString(env, info[0], "text")));
}

Napi::Value NativeModel::ListSpecialTokens(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Check(env);
  return ToSpecialTokens(env, engine_->tokenizer());
}

Napi::Value NativeModel::OpenSession(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    Check(env);
    return NativeSession::Open(env, info.This().As<Napi::Object>(), thread_,
                               ReadSessionOptions(env, info[0], info[1], info[2]));
  });
}

Napi::Value NativeModel::KvBytes(const Napi::CallbackInfo& info) {
  Check(info.Env());
  return Napi::Number::New(info.Env(), static_cast<double>(engine_->kv_bytes()));
}

Napi::Value NativeModel::KvCountersNow(const Napi::CallbackInfo& info) {
  Check(info.Env());
  return ToKvCounters(info.Env(), thread_->kv_counters());
}

Napi::Value NativeModel::SetKvBudget(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    Check(env);
    const int64_t bytes = ReadInteger(env, info[0], "bytes", 0, (int64_t{1} << 53) - 1);
    return StartErrand(env, thread_, kModelJobs, [bytes](EngineThread& thread) -> Result<ErrandAnswer> {
      thread.engine().SetKvBudget(bytes);
      thread.CountKv();
      return Nothing();
    });
  });
}

Napi::Value NativeModel::Jobs(const Napi::CallbackInfo& info) {
  Check(info.Env());
  return ToJobs(info.Env(), thread_->Jobs(), engine_->scratch_bytes());
}

Napi::Value NativeModel::CalibrateKv(const Napi::CallbackInfo& info) {
  return RejectOnThrow(info.Env(), [&]() -> Napi::Value {
    Check(info.Env());
    return StartCalibration(info, thread_);
  });
}

Napi::Value NativeModel::UseKvCalibration(const Napi::CallbackInfo& info) {
  return RejectOnThrow(info.Env(), [&]() -> Napi::Value {
    Check(info.Env());
    return StartUsingCalibration(info, thread_);
  });
}

Napi::Value NativeModel::MeasureKv(const Napi::CallbackInfo& info) {
  return RejectOnThrow(info.Env(), [&]() -> Napi::Value {
    Check(info.Env());
    return StartMeasurement(info, thread_);
  });
}

Napi::Value NativeModel::OpenGuideDesk(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Check(env);
  if (guide_desk() != nullptr) {
    throw InvalidArgument(env, "The model's desk is open already.");
  }
  desk_ = std::make_shared<GuideDesk>(engine_);
  return Napi::Number::New(env, static_cast<double>(GuideDesk::Register(desk_)));
}

Napi::Value NativeModel::CloseGuideDesk(const Napi::CallbackInfo& info) {
  if (desk_) {
    desk_->Close(Status(StatusCode::kInternal, ReadString(info.Env(), info[0], "why")));
  }
  return info.Env().Undefined();
}

Napi::Value NativeModel::PrepareGuide(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    Check(env);
    std::string program = ReadString(env, info[0], "program");
    const int64_t tokens = ReadInteger(env, info[1], "tokens", 0, (int64_t{1} << 53) - 1);
    const std::shared_ptr<GuideDesk> desk = guide_desk();
    if (desk == nullptr) {
      throw InvalidArgument(env, "The model's desk is not open.");
    }
    return niwaki::addon::PrepareGuide(env, *desk, std::move(program), tokens);
  });
}

Napi::Value NativeModel::Cancel(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int64_t id = ReadInteger(env, info[0], "job", 0, (int64_t{1} << 53) - 1);
  if (thread_) {
    thread_->CancelJob(kModelJobs, id);
  }
  return env.Undefined();
}

Napi::Value NativeModel::Dispose(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    auto state = std::make_unique<PromiseState>(env);
    const Napi::Promise promise = state->deferred.Promise();
    texts_.reset();
    if (desk_) {
      desk_->Close(ModelGone());
    }
    engine_.reset();  // the engine thread holds the other share
    if (!thread_) {
      state->deferred.Resolve(env.Undefined());
      return promise;
    }
    auto channel = std::make_shared<PromiseChannel>(env, "niwaki.dispose", std::move(state));
    const EngineThread* thread = thread_.get();
    thread_->Stop([channel, thread] {
      channel->Post([thread](Napi::Env js, PromiseState& call) {
        AddonData::Of(js).Forget(thread);
        call.deferred.Resolve(js.Undefined());
      });
      channel->Close();
    });
    return promise;
  });
}

}  // namespace niwaki::addon
