// The functions of binding.ts that reckon sizes of KV caches; no model is needed for them.
#pragma once

#include <napi.h>

namespace niwaki::addon {

void ExportKv(Napi::Env env, Napi::Object exports);

}  // namespace niwaki::addon
