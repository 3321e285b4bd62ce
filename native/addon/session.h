// NativeSession of binding.ts: a session that lives on its model's engine thread.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>

#include "engine_thread.h"

namespace niwaki::addon {

// Holding the baton.
using SessionMaker = std::function<Result<std::unique_ptr<Session>>(EngineThread&)>;

class NativeSession : public Napi::ObjectWrap<NativeSession> {
 public:
  static Napi::Function DefineClass(Napi::Env env);
  // A promise of a NativeSession. `model` is kept from being collected as long as the session lives.
  static Napi::Promise Open(Napi::Env env, Napi::Object model, const std::shared_ptr<EngineThread>& thread,
                            SessionOptions options);

  // For Napi only: instances are made by Open.
  explicit NativeSession(const Napi::CallbackInfo& info);
  ~NativeSession() override;

 private:
  // `uses`: the session that `make` looks at, or kModelJobs.
  static Napi::Promise Make(Napi::Env env, Napi::Object model, const std::shared_ptr<EngineThread>& thread,
                            SessionId uses, SessionMaker make);

  Napi::Value Generate(const Napi::CallbackInfo& info);
  Napi::Value Cancel(const Napi::CallbackInfo& info);
  Napi::Value Fork(const Napi::CallbackInfo& info);
  Napi::Value Rollback(const Napi::CallbackInfo& info);
  Napi::Value Pin(const Napi::CallbackInfo& info);
  Napi::Value SaveNext(const Napi::CallbackInfo& info);
  // Null for "": nothing guides. Throws when the model's desk is not open.
  std::unique_ptr<TokenGuide> OpenGuide(Napi::Env env, std::string program) const;
  // Throws when closed.
  void Check(Napi::Env env) const;
  Napi::Value Dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<EngineThread> thread_;
  Napi::ObjectReference model_;
  SessionId id_ = 0;
  bool disposed_ = false;
};

}  // namespace niwaki::addon
