// NativeModel of binding.ts: a loaded model and its engine thread.
#pragma once

#include <napi.h>

#include <memory>

#include "engine_thread.h"
#include "guide/desk.h"

namespace niwaki::addon {

class EditedTexts;

class NativeModel : public Napi::ObjectWrap<NativeModel> {
 public:
  static Napi::Function DefineClass(Napi::Env env);
  // The binding's load(): a promise of a NativeModel.
  static Napi::Value Load(const Napi::CallbackInfo& info);

  // For Napi only: instances are made by Load.
  explicit NativeModel(const Napi::CallbackInfo& info);
  // Null where none has been opened, or the last one is closed.
  std::shared_ptr<GuideDesk> guide_desk() const { return desk_ && !desk_->closed() ? desk_ : nullptr; }
  ~NativeModel() override;

 private:
  static Napi::Object Create(Napi::Env env, std::shared_ptr<EngineThread> thread, std::shared_ptr<Engine> engine);

  Napi::Value Tokenize(const Napi::CallbackInfo& info);
  Napi::Value TokenizeEdited(const Napi::CallbackInfo& info);
  Napi::Value Detokenize(const Napi::CallbackInfo& info);
  Napi::Value FindToken(const Napi::CallbackInfo& info);
  Napi::Value ListSpecialTokens(const Napi::CallbackInfo& info);
  Napi::Value OpenSession(const Napi::CallbackInfo& info);
  Napi::Value KvBytes(const Napi::CallbackInfo& info);
  Napi::Value KvCountersNow(const Napi::CallbackInfo& info);
  Napi::Value SetKvBudget(const Napi::CallbackInfo& info);
  Napi::Value Jobs(const Napi::CallbackInfo& info);
  Napi::Value CalibrateKv(const Napi::CallbackInfo& info);
  Napi::Value UseKvCalibration(const Napi::CallbackInfo& info);
  Napi::Value MeasureKv(const Napi::CallbackInfo& info);
  Napi::Value OpenGuideDesk(const Napi::CallbackInfo& info);
  Napi::Value CloseGuideDesk(const Napi::CallbackInfo& info);
  Napi::Value PrepareGuide(const Napi::CallbackInfo& info);
  Napi::Value Cancel(const Napi::CallbackInfo& info);
  Napi::Value Dispose(const Napi::CallbackInfo& info);
  // Throws when disposed.
  void Check(Napi::Env env) const;

  std::shared_ptr<EngineThread> thread_;
  std::shared_ptr<Engine> engine_;  // null once disposed; its tokenizer may be used on any thread
  std::shared_ptr<EditedTexts> texts_;
  std::shared_ptr<GuideDesk> desk_;
};

}  // namespace niwaki::addon
