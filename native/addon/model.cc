#include "model.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "addon_data.h"
#include "convert.h"
#include "js_channel.h"
#include "session.h"

namespace niwaki::addon {
namespace {

// Tokenizes on a thread of libuv's pool: a long text takes longer than the event loop may be blocked.
class TokenizeWorker : public Napi::AsyncWorker {
 public:
  TokenizeWorker(Napi::Env env, std::shared_ptr<Engine> engine, std::string text, SpecialTokens special)
      : AsyncWorker(env, "niwaki.tokenize"),
        deferred_(Napi::Promise::Deferred::New(env)),
        engine_(std::move(engine)),
        text_(std::move(text)),
        special_(special) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { ids_ = engine_->tokenizer().Encode(text_, special_); }
  void OnOK() override { deferred_.Resolve(ToTokens(Env(), ids_)); }
  void OnError(const Napi::Error& error) override {
    deferred_.Reject(ToError(Env(), Status(StatusCode::kInternal, "Tokenizing failed: " + error.Message())).Value());
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Engine> engine_;  // stays alive when the model is disposed meanwhile
  const std::string text_;
  const SpecialTokens special_;
  std::vector<TokenId> ids_;
};

}  // namespace

Napi::Function NativeModel::DefineClass(Napi::Env env) {
  return ObjectWrap::DefineClass(env, "NativeModel",
                                 {
                                     InstanceMethod<&NativeModel::Tokenize>("tokenize"),
                                     InstanceMethod<&NativeModel::Detokenize>("detokenize"),
                                     InstanceMethod<&NativeModel::FindToken>("findToken"),
                                     InstanceMethod<&NativeModel::OpenSession>("openSession"),
                                     InstanceMethod<&NativeModel::KvBytes>("kvBytes"),
                                     InstanceMethod<&NativeModel::Dispose>("dispose"),
                                 });
}

NativeModel::NativeModel(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

NativeModel::~NativeModel() {
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
    auto* worker =
        new TokenizeWorker(env, engine_, std::move(text), parse ? SpecialTokens::kParse : SpecialTokens::kAsText);
    const Napi::Promise promise = worker->promise();
    worker->Queue();  // deletes itself when done
    return promise;
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

Napi::Value NativeModel::OpenSession(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    Check(env);
    const int64_t context = ReadInteger(env, info[0], "context", 0, std::numeric_limits<int32_t>::max());
    return NativeSession::Open(env, info.This().As<Napi::Object>(), thread_, static_cast<int32_t>(context));
  });
}

Napi::Value NativeModel::KvBytes(const Napi::CallbackInfo& info) {
  Check(info.Env());
  return Napi::Number::New(info.Env(), static_cast<double>(thread_->kv_bytes()));
}

Napi::Value NativeModel::Dispose(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    auto state = std::make_unique<PromiseState>(env);
    const Napi::Promise promise = state->deferred.Promise();
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
