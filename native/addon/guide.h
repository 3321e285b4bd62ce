// NativeGuideDesk of binding.ts: what the worker that guides decoding sees of it (src/guide/desk.h). It lives in the
// worker's own JavaScript environment.
#pragma once

#include <napi.h>

#include <memory>

#include "guide/desk.h"

namespace niwaki::addon {

class NativeGuideDesk : public Napi::ObjectWrap<NativeGuideDesk> {
 public:
  static Napi::Function DefineClass(Napi::Env env);
  // The binding's guideDesk(number).
  static Napi::Value Find(const Napi::CallbackInfo& info);

  // For Napi only: instances are made by Find.
  explicit NativeGuideDesk(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

 private:
  Napi::Value Next(const Napi::CallbackInfo& info);
  Napi::Value Prepared(const Napi::CallbackInfo& info);
  Napi::Value Answer(const Napi::CallbackInfo& info);
  Napi::Value Fail(const Napi::CallbackInfo& info);
  Napi::Value Vocabulary(const Napi::CallbackInfo& info);
  Napi::Value Tokenize(const Napi::CallbackInfo& info);

  std::shared_ptr<GuideDesk> desk_;
};

// A promise of the fewest tokens that `program` can be satisfied with.
Napi::Promise PrepareGuide(Napi::Env env, GuideDesk& desk, std::string program, int64_t tokens);

}  // namespace niwaki::addon
