// The addon's exports: NativeBinding of server/src/engine/binding.ts.
#include <napi.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "addon_data.h"
#include "convert.h"
#include "guide.h"
#include "kv.h"
#include "model.h"
#include "niwaki/engine.h"
#include "session.h"

namespace niwaki::addon {
namespace {

// `bindingVersion` of binding.ts.
constexpr int kBindingVersion = 10;

// Reads a file's header on a thread of libuv's pool.
template <typename Value>
class HeaderWorker : public Napi::AsyncWorker {
 public:
  using Read = std::function<Result<Value>()>;
  using Convert = Napi::Object (*)(Napi::Env, const Value&);

  HeaderWorker(Napi::Env env, Read read, Convert convert)
      : AsyncWorker(env, "niwaki.readHeader"),
        deferred_(Napi::Promise::Deferred::New(env)),
        read_(std::move(read)),
        convert_(convert) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { result_ = std::make_unique<Result<Value>>(read_()); }
  void OnOK() override {
    if (result_->ok()) {
      deferred_.Resolve(convert_(Env(), result_->value()));
    } else {
      deferred_.Reject(ToError(Env(), result_->status()).Value());
    }
  }
  void OnError(const Napi::Error& error) override {
    deferred_.Reject(
        ToError(Env(), Status(StatusCode::kInternal, "Reading the file failed: " + error.Message())).Value());
  }

 private:
  Napi::Promise::Deferred deferred_;
  const Read read_;
  const Convert convert_;
  std::unique_ptr<Result<Value>> result_;
};

template <typename Value>
Napi::Promise ReadHeader(Napi::Env env, typename HeaderWorker<Value>::Read read,
                         typename HeaderWorker<Value>::Convert convert) {
  auto* worker = new HeaderWorker<Value>(env, std::move(read), convert);
  const Napi::Promise promise = worker->promise();
  worker->Queue();  // deletes itself when done
  return promise;
}

Napi::Value InspectFile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    std::string path = ReadString(env, info[0], "path");
    return ReadHeader<FileSummary>(env, [path = std::move(path)] { return Inspect(path); }, &ToFileSummary);
  });
}

Napi::Value EstimateMemory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return RejectOnThrow(env, [&]() -> Napi::Value {
    LoadOptions options = ReadLoadOptions(env, info[0]);
    const SessionOptions session = ReadSessionOptions(env, info[1], info[2], env.Undefined());
    return ReadHeader<MemoryEstimate>(
        env, [options = std::move(options), session] { return Engine::Estimate(options, session); }, &ToMemoryEstimate);
  });
}

Napi::Value ListKernelTables(const Napi::CallbackInfo& info) { return ToKernelTables(info.Env(), KernelTables()); }

Napi::Value RunSelfTest(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Status status = SelfTest(ReadString(env, info[0], "kernels"));
  if (!status.ok()) {
    throw ToError(env, status);
  }
  return env.Undefined();
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto data = std::make_unique<AddonData>(env);
  data->model_class = Napi::Persistent(NativeModel::DefineClass(env));
  data->session_class = Napi::Persistent(NativeSession::DefineClass(env));
  data->guide_desk_class = Napi::Persistent(NativeGuideDesk::DefineClass(env));
  env.SetInstanceData(data.release());
  exports.Set("bindingVersion", kBindingVersion);
  exports.Set("kernelTables", Napi::Function::New<ListKernelTables>(env, "kernelTables"));
  exports.Set("selfTest", Napi::Function::New<RunSelfTest>(env, "selfTest"));
  exports.Set("inspect", Napi::Function::New<InspectFile>(env, "inspect"));
  exports.Set("estimate", Napi::Function::New<EstimateMemory>(env, "estimate"));
  ExportKv(env, exports);
  exports.Set("load", Napi::Function::New<&NativeModel::Load>(env, "load"));
  exports.Set("guideDesk", Napi::Function::New<&NativeGuideDesk::Find>(env, "guideDesk"));
  return exports;
}

NODE_API_MODULE(niwaki, Init)

}  // namespace
}  // namespace niwaki::addon
