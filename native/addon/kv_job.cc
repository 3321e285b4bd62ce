#include "kv_job.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "convert.h"
#include "js_channel.h"

namespace niwaki::addon {
namespace {

// An errand, before whatever waits: it takes no time, and what is opened next shall go by it.
constexpr int kUsePriority = -1;
constexpr int64_t kNoJobId = -1;
// Jobs of this priority are computed by threads that the system puts behind all others (Priority in port.ts).
constexpr int kBackground = 3;

class KvJob;

// What belongs to JavaScript of one call.
struct KvState {
  Napi::Promise::Deferred deferred;
  Napi::FunctionReference on_progress;          // empty where there is none
  Napi::ObjectReference model;                  // keeps the model from being collected while its job waits or runs
  Napi::Reference<Napi::Value> callback_error;  // what the callback threw; empty = nothing
  std::shared_ptr<KvJob> job;
};

class KvJob : public EngineJob {
 public:
  // `tokens`: of the text that it reads.
  KvJob(int priority, int64_t id, int threads, size_t tokens)
      : EngineJob(priority, kModelJobs, id), threads_(threads), length_(static_cast<int64_t>(tokens)) {
    SetProgress(0, length_);
  }
  // Before it is submitted.
  void SetChannel(std::unique_ptr<JsChannel<KvState>> channel) { channel_ = std::move(channel); }

  bool RunOn(EngineThread& thread) override {
    const Status cancelled(StatusCode::kCancelled, "The request was cancelled.");
    if (!ArmInterrupt()) {
      Abandon(cancelled);
      return true;
    }
    thread.engine().LimitThreads(threads_);
    Status status;
    if (priority() < kBackground) {
      status = Work(thread.engine());
    } else {
      thread.engine().InBackground([&] { status = Work(thread.engine()); });
    }
    if (!status.ok()) {
      Abandon(status.code() == StatusCode::kCancelled ? cancelled : status);
      return true;
    }
    channel_->Post([answer = Answer()](Napi::Env env, KvState& state) {
      if (state.callback_error.IsEmpty()) {
        state.deferred.Resolve(answer(env));
      } else {
        state.deferred.Reject(state.callback_error.Value());
      }
    });
    channel_->Close();
    return true;
  }

  void Abandon(const Status& why) override {
    channel_->Post([why](Napi::Env env, KvState& state) {
      if (state.callback_error.IsEmpty()) {
        state.deferred.Reject(ToError(env, why).Value());
      } else {
        state.deferred.Reject(state.callback_error.Value());
      }
    });
    channel_->Close();
  }

 protected:
  using ToJs = std::function<Napi::Value(Napi::Env)>;
  // Holding the baton. kCancelled as soon as interrupt() is set.
  virtual Status Work(Engine& engine) = 0;
  // What the call resolves with, once Work has succeeded.
  virtual ToJs Answer() = 0;

  std::function<void(float)> Progress() {
    return [this](float share) {
      SetProgress(std::llround(static_cast<double>(share) * static_cast<double>(length_)), length_);
      channel_->Post([share](Napi::Env env, KvState& state) {
        if (!state.callback_error.IsEmpty()) {
          return;
        }
        try {
          state.on_progress.Call({Napi::Number::New(env, static_cast<double>(share))});
        } catch (const Napi::Error& error) {
          state.callback_error = Napi::Reference<Napi::Value>::New(error.Value(), 1);
          state.job->CancelThis();
        }
      });
    };
  }

 private:
  const int threads_;
  const int64_t length_;
  std::unique_ptr<JsChannel<KvState>> channel_;
};

// The codec that layers are too much for or not: the product's own.
constexpr KvCodec kWatched{KvBits::k4, KvBits::k4};

class CalibrateJob : public KvJob {
 public:
  CalibrateJob(int priority, int64_t id, int threads, std::vector<TokenId> tokens, bool careful)
      : KvJob(priority, id, threads, tokens.size()), tokens_(std::move(tokens)), careful_(careful) {}

 protected:
  Status Work(Engine& engine) override {
    const ModelInfo& model = engine.info();
    const std::function<void(float)> progress = Progress();
    // Statistics are one pass over the text, careful layers two for every layer and some more (the comparisons' two
    // sessions); how many more turns out only then, so the last step may be a large one.
    const float first = careful_ ? 1.0F / static_cast<float>(1 + 2 * model.layers) : 1.0F;
    Result<KvCalibration> calibration =
        engine.CalibrateKv(tokens_, &interrupt(), [&](float share) { progress(first * share); }, &layers_);
    if (!calibration.ok()) {
      return calibration.status();
    }
    if (careful_) {
      Result<std::vector<uint8_t>> found =
          engine.FindCarefulLayers(tokens_, kWatched, calibration.value(), &interrupt(),
                                   [&](float share) { progress(first + (1 - first) * share); });
      if (!found.ok()) {
        return found.status();
      }
      calibration.value().careful = std::move(found.value());
      progress(1);
    }
    found_ = calibration.value().careful;
    bytes_ = SerializeKvCalibration(calibration.value(), KvShapeOf(model), model.fingerprint);
    return Status();
  }
  ToJs Answer() override {
    return [bytes = std::move(bytes_), layers = std::move(layers_),
            careful = std::move(found_)](Napi::Env env) -> Napi::Value {
      Napi::Object object = Napi::Object::New(env);
      object.Set("bytes", ToBytes(env, bytes));
      object.Set("layers", ToKvLayers(env, layers));
      Napi::Array numbers = Napi::Array::New(env);
      for (size_t layer = 0; layer < careful.size(); ++layer) {
        if (careful[layer] != 0) {
          numbers.Set(numbers.Length(), Napi::Number::New(env, static_cast<double>(layer)));
        }
      }
      object.Set("careful", numbers);
      return object;
    };
  }

 private:
  const std::vector<TokenId> tokens_;
  const bool careful_;
  std::vector<uint8_t> found_;
  std::vector<KvLayerStatistics> layers_;
  std::vector<uint8_t> bytes_;
};

class UseCalibrationJob : public KvJob {
 public:
  explicit UseCalibrationJob(std::vector<uint8_t> bytes)
      : KvJob(kUsePriority, kNoJobId, 0, 0), bytes_(std::move(bytes)) {}

 protected:
  Status Work(Engine& engine) override {
    const ModelInfo& model = engine.info();
    Result<KvCalibration> calibration = ParseKvCalibration(bytes_, KvShapeOf(model), model.fingerprint);
    if (!calibration.ok()) {
      return calibration.status();
    }
    const Status status = engine.UseKvCalibration(std::move(calibration.value()));
    source_ = model.kv_calibration;
    careful_layers_ = model.kv_careful_layers;
    return status;
  }
  ToJs Answer() override {
    return [source = source_, careful = careful_layers_](Napi::Env env) -> Napi::Value {
      Napi::Object object = Napi::Object::New(env);
      object.Set("source", source);
      object.Set("carefulLayers", careful);
      return object;
    };
  }

 private:
  const std::vector<uint8_t> bytes_;
  std::string source_;
  int32_t careful_layers_ = 0;
};

class MeasureJob : public KvJob {
 public:
  MeasureJob(int priority, int64_t id, int threads, std::vector<TokenId> tokens, KvCodec codec, int step)
      : KvJob(priority, id, threads, tokens.size()), tokens_(std::move(tokens)), codec_(codec), step_(step) {}

 protected:
  Status Work(Engine& engine) override {
    Result<KvQuality> quality = engine.MeasureKv(tokens_, codec_, step_, &interrupt(), Progress());
    if (quality.ok()) {
      quality_ = quality.value();
    }
    return quality.status();
  }
  ToJs Answer() override {
    return [quality = quality_](Napi::Env env) -> Napi::Value { return ToKvQuality(env, quality); };
  }

 private:
  const std::vector<TokenId> tokens_;
  const KvCodec codec_;
  const int step_;
  KvQuality quality_;
};

Napi::Value Start(const Napi::CallbackInfo& info, const std::shared_ptr<EngineThread>& thread,
                  const std::shared_ptr<KvJob>& job, Napi::FunctionReference on_progress) {
  const Napi::Env env = info.Env();
  auto state = std::make_unique<KvState>(KvState{Napi::Promise::Deferred::New(env), std::move(on_progress),
                                                 Napi::Persistent(info.This().As<Napi::Object>()),
                                                 Napi::Reference<Napi::Value>(), job});
  const Napi::Promise promise = state->deferred.Promise();
  job->SetChannel(std::make_unique<JsChannel<KvState>>(env, "niwaki.kv", std::move(state)));
  if (!thread->Submit(job)) {
    job->Abandon(Status(StatusCode::kInvalidArgument, "The model has been unloaded. Load it again."));
  }
  return promise;
}

// What calibration and measurement have in common of their request.
struct LongRequest {
  Napi::Object object;
  int priority;
  int64_t id;
  int threads;
  std::vector<TokenId> tokens;
};

LongRequest ReadRequest(Napi::Env env, const Napi::Value& value) {
  const Napi::Object object = ReadObject(env, value, "request");
  return {object, static_cast<int>(ReadInteger(env, object.Get("priority"), "priority", 0, 1000)),
          ReadInteger(env, object.Get("job"), "job", 0, (int64_t{1} << 53) - 1),
          static_cast<int>(ReadInteger(env, object.Get("threads"), "threads", 0, 256)),
          ReadTokens(env, object.Get("tokens"), "tokens")};
}

}  // namespace

Napi::Value StartCalibration(const Napi::CallbackInfo& info, const std::shared_ptr<EngineThread>& thread) {
  LongRequest request = ReadRequest(info.Env(), info[0]);
  const bool careful = ReadBool(info.Env(), request.object.Get("careful"), "careful");
  Napi::FunctionReference progress = Napi::Persistent(ReadFunction(info.Env(), info[1], "onProgress"));
  return Start(
      info, thread,
      std::make_shared<CalibrateJob>(request.priority, request.id, request.threads, std::move(request.tokens), careful),
      std::move(progress));
}

Napi::Value StartUsingCalibration(const Napi::CallbackInfo& info, const std::shared_ptr<EngineThread>& thread) {
  return Start(info, thread, std::make_shared<UseCalibrationJob>(ReadBytes(info.Env(), info[0], "bytes")),
               Napi::FunctionReference());
}

Napi::Value StartMeasurement(const Napi::CallbackInfo& info, const std::shared_ptr<EngineThread>& thread) {
  const Napi::Env env = info.Env();
  LongRequest request = ReadRequest(env, info[0]);
  const KvCodec codec = ReadKvCodec(env, request.object.Get("codec"));
  const auto step = static_cast<int>(ReadInteger(env, request.object.Get("step"), "step", 1, 1 << 20));
  Napi::FunctionReference progress = Napi::Persistent(ReadFunction(env, info[1], "onProgress"));
  return Start(info, thread,
               std::make_shared<MeasureJob>(request.priority, request.id, request.threads, std::move(request.tokens),
                                            codec, step),
               std::move(progress));
}

}  // namespace niwaki::addon
