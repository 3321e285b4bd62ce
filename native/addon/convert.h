// Between the engine's types and JavaScript values (server/src/engine/binding.ts is the contract). JavaScript thread
// only.
#pragma once

#include <napi.h>

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "niwaki/engine.h"
#include "schedule/job.h"

namespace niwaki::addon {

// An Error with `code`, to be thrown or given to a Deferred.
Napi::Error ToError(Napi::Env env, const Status& status);
Napi::Error InvalidArgument(Napi::Env env, const std::string& message);

// Runs `body` (which may throw Napi::Error) and turns what it throws into a rejected promise: methods that return
// promises never throw.
template <typename Body>
Napi::Value RejectOnThrow(Napi::Env env, Body&& body) {
  try {
    return body();
  } catch (const Napi::Error& error) {
    Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(error.Value());
    return deferred.Promise();
  } catch (const std::exception& error) {
    Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(ToError(env, Status(StatusCode::kInternal, error.what())).Value());
    return deferred.Promise();
  }
}

// The readers throw InvalidArgument with the name of the value that does not fit.
std::string ReadString(Napi::Env env, const Napi::Value& value, const char* name);
bool ReadBool(Napi::Env env, const Napi::Value& value, const char* name);
// A whole number within [low, high]; bounds up to 2^53.
int64_t ReadInteger(Napi::Env env, const Napi::Value& value, const char* name, int64_t low, int64_t high);
double ReadNumber(Napi::Env env, const Napi::Value& value, const char* name);
// Copies an Int32Array.
std::vector<TokenId> ReadTokens(Napi::Env env, const Napi::Value& value, const char* name);
// Copies a Float32Array.
std::vector<float> ReadFloats(Napi::Env env, const Napi::Value& value, const char* name);
// Copies a Uint8Array.
std::vector<uint8_t> ReadBytes(Napi::Env env, const Napi::Value& value, const char* name);
std::vector<std::string> ReadStrings(Napi::Env env, const Napi::Value& value, const char* name);
Napi::Object ReadObject(Napi::Env env, const Napi::Value& value, const char* name);
Napi::Function ReadFunction(Napi::Env env, const Napi::Value& value, const char* name);
LoadOptions ReadLoadOptions(Napi::Env env, const Napi::Value& value);
// The name of a codec; undefined means half precision, as everywhere in the engine.
KvCodec ReadKvCodec(Napi::Env env, const Napi::Value& value);
// Two arguments: context, codec.
SessionOptions ReadSessionOptions(Napi::Env env, const Napi::Value& context, const Napi::Value& codec,
                                  const Napi::Value& options);
KvShape ReadKvShape(Napi::Env env, const Napi::Value& value);

Napi::Float32Array ToFloats(Napi::Env env, const std::vector<float>& values);
Napi::Uint8Array ToBytes(Napi::Env env, const std::vector<uint8_t>& bytes);
Napi::Int32Array ToTokens(Napi::Env env, const std::vector<TokenId>& ids);
Napi::Array ToSpecialTokens(Napi::Env env, const Tokenizer& tokenizer);
Napi::Object ToObject(Napi::Env env, const std::vector<std::pair<std::string, std::string>>& pairs);
Napi::Object ToModelInfo(Napi::Env env, const Engine& engine);
Napi::Object ToFileSummary(Napi::Env env, const FileSummary& summary);
Napi::Object ToMemoryEstimate(Napi::Env env, const MemoryEstimate& estimate);
Napi::Object ToKvQuality(Napi::Env env, const KvQuality& quality);
Napi::Array ToKvLayers(Napi::Env env, const std::vector<KvLayerStatistics>& layers);
Napi::Object ToKvCounters(Napi::Env env, const KvCounters& counters);
// NativeJobs of the binding.
Napi::Object ToJobs(Napi::Env env, const std::vector<JobStatus>& jobs, int64_t scratch_bytes);
Napi::Array ToKernelTables(Napi::Env env, const std::vector<KernelTableInfo>& tables);

}  // namespace niwaki::addon
