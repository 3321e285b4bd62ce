// Short pieces of work with a promise: they compute nothing, and are done by whoever holds the baton, between two
// pieces of its own work (schedule/scheduler.h), but not while a job of the same session is under way.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>

#include "engine_thread.h"

namespace niwaki::addon {

// Makes the promise's value. On the JavaScript thread; captures nothing that belongs to JavaScript.
using ErrandAnswer = std::function<Napi::Value(Napi::Env)>;
// Holding the baton.
using ErrandWork = std::function<Result<ErrandAnswer>(EngineThread&)>;

// `session`: whose, or kModelJobs.
Napi::Promise StartErrand(Napi::Env env, const std::shared_ptr<EngineThread>& thread, SessionId session,
                          ErrandWork work);
// The same with a session that must be there.
Napi::Promise StartSessionErrand(Napi::Env env, const std::shared_ptr<EngineThread>& thread, SessionId session,
                                 std::function<Result<ErrandAnswer>(Session&)> work);
// undefined.
ErrandAnswer Nothing();

}  // namespace niwaki::addon
