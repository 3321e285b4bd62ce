// NativeSession of binding.ts: a session that lives on its model's engine thread.
#pragma once

#include <napi.h>

#include <memory>

#include "engine_thread.h"

namespace niwaki::addon {

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
  Napi::Value Generate(const Napi::CallbackInfo& info);
  Napi::Value Cancel(const Napi::CallbackInfo& info);
  Napi::Value Dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<EngineThread> thread_;
  Napi::ObjectReference model_;
  SessionId id_ = 0;
  bool disposed_ = false;
};

}  // namespace niwaki::addon
