// A way for another thread to run closures on the JavaScript thread, in the order in which they were posted: one
// thread-safe function, without a bound on its queue. It carries the state of one asynchronous call (its Deferred and
// its callbacks), which is touched and deleted on the JavaScript thread only.
#pragma once

#include <napi.h>

#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace niwaki::addon {

template <typename State>
class JsChannel {
 public:
  // Runs on the JavaScript thread. Captures nothing that belongs to JavaScript: a closure may be destroyed on any
  // thread.
  using Task = std::function<void(Napi::Env, State&)>;

  // On the JavaScript thread. The event loop stays alive until Close.
  JsChannel(Napi::Env env, const char* resource_name, std::unique_ptr<State> state) {
    napi_value name = Napi::String::New(env, resource_name);
    const napi_status status =
        napi_create_threadsafe_function(env, nullptr, nullptr, name, /*max_queue_size=*/0, /*initial_thread_count=*/1,
                                        nullptr, &JsChannel::Finalize, state.get(), &JsChannel::Call, &function_);
    if (status != napi_ok) {
      function_ = nullptr;
      throw Napi::Error::New(env, "Niwaki could not create a thread-safe function. Restart the language server.");
    }
    (void)state.release();  // Finalize deletes it
  }
  JsChannel(const JsChannel&) = delete;
  JsChannel& operator=(const JsChannel&) = delete;
  ~JsChannel() { Close(); }

  // From one thread at a time. Does nothing once the environment has begun to close.
  void Post(Task task) {
    if (function_ == nullptr) {
      return;
    }
    auto boxed = std::make_unique<Task>(std::move(task));
    const napi_status status = napi_call_threadsafe_function(function_, boxed.get(), napi_tsfn_nonblocking);
    if (status == napi_ok) {
      (void)boxed.release();
    } else {
      // napi_closing has also taken back this thread's share of the function: it must not be touched again.
      function_ = nullptr;
    }
  }

  // The last thing that a thread does with the channel; closures already posted are still run.
  void Close() {
    if (function_ != nullptr) {
      napi_release_threadsafe_function(function_, napi_tsfn_release);
      function_ = nullptr;
    }
  }

 private:
  static void Call(napi_env env, napi_value /*callback*/, void* context, void* data) {
    std::unique_ptr<Task> task(static_cast<Task*>(data));
    if (env == nullptr) {
      return;  // the environment is being torn down: nobody waits any more
    }
    try {
      (*task)(Napi::Env(env), *static_cast<State*>(context));
    } catch (const Napi::Error& error) {
      error.ThrowAsJavaScriptException();  // becomes an uncaughtException, or nothing in a worker that is being
                                           // terminated
    }
  }

  static void Finalize(napi_env /*env*/, void* /*data*/, void* context) { delete static_cast<State*>(context); }

  napi_threadsafe_function function_ = nullptr;
};

// The state of a call that only has a promise to settle.
struct PromiseState {
  explicit PromiseState(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise::Deferred deferred;
};
using PromiseChannel = JsChannel<PromiseState>;

}  // namespace niwaki::addon
