// Jobs about a model's KV cache that belong to no session: taking its keys' statistics over a text, going by them, and
// comparing codecs. They may take minutes; what is more urgent pauses them like all others.
#pragma once

#include <napi.h>

#include <memory>

#include "engine_thread.h"

namespace niwaki::addon {

// Methods of binding.ts's NativeModel: read the call's arguments, which may throw, and return its promise.
Napi::Value StartCalibration(const Napi::CallbackInfo& info, const std::shared_ptr<EngineThread>& thread);
Napi::Value StartUsingCalibration(const Napi::CallbackInfo& info, const std::shared_ptr<EngineThread>& thread);
Napi::Value StartMeasurement(const Napi::CallbackInfo& info, const std::shared_ptr<EngineThread>& thread);

}  // namespace niwaki::addon
