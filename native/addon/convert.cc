#include "convert.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace niwaki::addon {
namespace {

Napi::Number Bytes(Napi::Env env, int64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

Napi::Error WrongType(Napi::Env env, const char* name, const char* wanted) {
  return InvalidArgument(env, std::string("Niwaki's addon got a wrong argument: ") + name + " must be " + wanted + ".");
}

}  // namespace

Napi::Error ToError(Napi::Env env, const Status& status) {
  Napi::Error error = Napi::Error::New(env, status.message());
  error.Set("code", Napi::String::New(env, StatusCodeName(status.code())));
  return error;
}

Napi::Error InvalidArgument(Napi::Env env, const std::string& message) {
  return ToError(env, Status(StatusCode::kInvalidArgument, message));
}

std::string ReadString(Napi::Env env, const Napi::Value& value, const char* name) {
  if (!value.IsString()) {
    throw WrongType(env, name, "a string");
  }
  return value.As<Napi::String>().Utf8Value();
}

bool ReadBool(Napi::Env env, const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) {
    throw WrongType(env, name, "true or false");
  }
  return value.As<Napi::Boolean>().Value();
}

double ReadNumber(Napi::Env env, const Napi::Value& value, const char* name) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!std::isfinite(number)) {
    throw WrongType(env, name, "a finite number");
  }
  return number;
}

int64_t ReadInteger(Napi::Env env, const Napi::Value& value, const char* name, int64_t low, int64_t high) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  // False for NaN too.
  if (!(number >= static_cast<double>(low) && number <= static_cast<double>(high)) || number != std::floor(number)) {
    const std::string wanted = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
    throw WrongType(env, name, wanted.c_str());
  }
  return static_cast<int64_t>(number);
}

std::vector<TokenId> ReadTokens(Napi::Env env, const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    throw WrongType(env, name, "an Int32Array of token ids");
  }
  const Napi::Int32Array array = value.As<Napi::Int32Array>();
  std::vector<TokenId> ids(array.ElementLength());
  if (!ids.empty()) {
    std::memcpy(ids.data(), array.Data(), ids.size() * sizeof(TokenId));
  }
  return ids;
}

std::vector<float> ReadFloats(Napi::Env env, const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
    throw WrongType(env, name, "a Float32Array");
  }
  const Napi::Float32Array array = value.As<Napi::Float32Array>();
  std::vector<float> values(array.ElementLength());
  if (!values.empty()) {
    std::memcpy(values.data(), array.Data(), values.size() * sizeof(float));
  }
  for (const float number : values) {
    if (!std::isfinite(number)) {
      throw WrongType(env, name, "a Float32Array of finite numbers");
    }
  }
  return values;
}

std::vector<uint8_t> ReadBytes(Napi::Env env, const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw WrongType(env, name, "a Uint8Array");
  }
  const Napi::Uint8Array array = value.As<Napi::Uint8Array>();
  return std::vector<uint8_t>(array.Data(), array.Data() + array.ElementLength());
}

std::vector<std::string> ReadStrings(Napi::Env env, const Napi::Value& value, const char* name) {
  if (!value.IsArray()) {
    throw WrongType(env, name, "an array of strings");
  }
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<std::string> strings;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    strings.push_back(ReadString(env, array.Get(i), name));
  }
  return strings;
}

Napi::Object ReadObject(Napi::Env env, const Napi::Value& value, const char* name) {
  if (!value.IsObject()) {
    throw WrongType(env, name, "an object");
  }
  return value.As<Napi::Object>();
}

Napi::Function ReadFunction(Napi::Env env, const Napi::Value& value, const char* name) {
  if (!value.IsFunction()) {
    throw WrongType(env, name, "a function");
  }
  return value.As<Napi::Function>();
}

LoadOptions ReadLoadOptions(Napi::Env env, const Napi::Value& value) {
  const Napi::Object object = ReadObject(env, value, "options");
  LoadOptions options;
  options.path = ReadString(env, object.Get("path"), "options.path");
  const Napi::Value threads = object.Get("threads");
  if (!threads.IsUndefined()) {
    options.threads = static_cast<int>(ReadInteger(env, threads, "options.threads", 0, 1024));
  }
  const Napi::Value kernels = object.Get("kernels");
  if (!kernels.IsUndefined()) {
    options.kernels = ReadString(env, kernels, "options.kernels");
  }
  return options;
}

KvCodec ReadKvCodec(Napi::Env env, const Napi::Value& value) {
  if (value.IsUndefined()) {
    return {KvBits::k16, KvBits::k16};
  }
  const Result<KvCodec> codec = ParseKvCodec(ReadString(env, value, "codec"));
  if (!codec.ok()) {
    throw ToError(env, codec.status());
  }
  return codec.value();
}

namespace {

constexpr const char* kKvUserNames[kKvUsers] = {"completion", "chat", "agent", "other"};

KvUser ReadKvUser(Napi::Env env, const Napi::Value& value) {
  if (value.IsUndefined()) {
    return KvUser::kOther;
  }
  const std::string name = ReadString(env, value, "user");
  for (int user = 0; user < kKvUsers; ++user) {
    if (name == kKvUserNames[user]) {
      return static_cast<KvUser>(user);
    }
  }
  throw InvalidArgument(env, "user must be \"completion\", \"chat\", \"agent\" or \"other\".");
}

}  // namespace

SessionOptions ReadSessionOptions(Napi::Env env, const Napi::Value& context, const Napi::Value& codec,
                                  const Napi::Value& options) {
  const int64_t tokens = ReadInteger(env, context, "context", 0, std::numeric_limits<int32_t>::max());
  SessionOptions session(static_cast<int32_t>(tokens), ReadKvCodec(env, codec));
  if (!options.IsUndefined()) {
    const Napi::Object object = ReadObject(env, options, "options");
    session.user = ReadKvUser(env, object.Get("user"));
    const Napi::Value saved = object.Get("saved");
    if (!saved.IsUndefined()) {
      const Napi::Object place = ReadObject(env, saved, "saved");
      session.saved.root = ReadString(env, place.Get("root"), "saved.root");
      session.saved.folder = ReadString(env, place.Get("folder"), "saved.folder");
      session.saved.budget = ReadInteger(env, place.Get("bytes"), "saved.bytes", 0, (int64_t{1} << 53) - 1);
    }
  }
  return session;
}

Napi::Object ToKvCounters(Napi::Env env, const KvCounters& counters) {
  Napi::Object object = Napi::Object::New(env);
  for (int user = 0; user < kKvUsers; ++user) {
    const KvTokenCounts& counts = counters.users[user];
    Napi::Object row = Napi::Object::New(env);
    row.Set("reused", static_cast<double>(counts.reused));
    row.Set("shared", static_cast<double>(counts.shared));
    row.Set("restored", static_cast<double>(counts.restored));
    row.Set("shifted", static_cast<double>(counts.shifted));
    row.Set("computed", static_cast<double>(counts.computed));
    row.Set("evicted", static_cast<double>(counts.evicted));
    object.Set(kKvUserNames[user], row);
  }
  return object;
}

KvShape ReadKvShape(Napi::Env env, const Napi::Value& value) {
  // Far above any model; sizes of caches stay below 2^53.
  constexpr int64_t kMost = 1 << 16;
  const Napi::Object object = ReadObject(env, value, "shape");
  const auto read = [&](const char* name) {
    return static_cast<int32_t>(ReadInteger(env, object.Get(name), name, 1, kMost));
  };
  return {read("layers"), read("kvHeads"), read("headSize")};
}

Napi::Float32Array ToFloats(Napi::Env env, const std::vector<float>& values) {
  Napi::Float32Array array = Napi::Float32Array::New(env, values.size());
  if (!values.empty()) {
    std::memcpy(array.Data(), values.data(), values.size() * sizeof(float));
  }
  return array;
}

Napi::Uint8Array ToBytes(Napi::Env env, const std::vector<uint8_t>& bytes) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, bytes.size());
  if (!bytes.empty()) {
    std::memcpy(array.Data(), bytes.data(), bytes.size());
  }
  return array;
}

Napi::Int32Array ToTokens(Napi::Env env, const std::vector<TokenId>& ids) {
  Napi::Int32Array array = Napi::Int32Array::New(env, ids.size());
  if (!ids.empty()) {
    std::memcpy(array.Data(), ids.data(), ids.size() * sizeof(TokenId));
  }
  return array;
}

Napi::Array ToSpecialTokens(Napi::Env env, const Tokenizer& tokenizer) {
  const std::vector<SpecialToken> specials = tokenizer.Specials();
  Napi::Array array = Napi::Array::New(env, specials.size());
  for (size_t i = 0; i < specials.size(); ++i) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("id", specials[i].id);
    entry.Set("text", std::string(tokenizer.Bytes(specials[i].id)));
    entry.Set("inAllText", specials[i].in_all_text);
    array.Set(static_cast<uint32_t>(i), entry);
  }
  return array;
}

Napi::Object ToObject(Napi::Env env, const std::vector<std::pair<std::string, std::string>>& pairs) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [key, value] : pairs) {
    object.Set(key, Napi::String::New(env, value));
  }
  return object;
}

Napi::Object ToModelInfo(Napi::Env env, const Engine& engine) {
  const ModelInfo& info = engine.info();
  Napi::Object object = Napi::Object::New(env);
  object.Set("path", info.path);
  object.Set("name", info.name);
  object.Set("architecture", info.architecture);
  object.Set("kernels", info.kernels);
  object.Set("threads", info.threads);
  object.Set("fileBytes", Bytes(env, info.file_bytes));
  object.Set("parameters", Bytes(env, info.parameters));
  object.Set("weightBytes", Bytes(env, info.weight_bytes));
  object.Set("scratchBytes", Bytes(env, info.scratch_bytes));
  object.Set("contextLength", info.context_length);
  object.Set("vocabSize", info.vocab_size);
  object.Set("layers", info.layers);
  object.Set("embeddingLength", info.embedding_length);
  object.Set("heads", info.heads);
  object.Set("kvHeads", info.kv_heads);
  object.Set("headSize", info.head_size);
  object.Set("kvBytesPerToken", Bytes(env, info.kv_bytes_per_token));
  object.Set("tiedHead", info.tied_head);
  object.Set("fingerprint", info.fingerprint);
  object.Set("kvCalibration", info.kv_calibration);
  object.Set("kvCarefulLayers", info.kv_careful_layers);
  object.Set("eos", engine.tokenizer().eos());
  object.Set("bos", engine.tokenizer().bos());
  object.Set("metadata", ToObject(env, engine.metadata()));
  return object;
}

Napi::Object ToFileSummary(Napi::Env env, const FileSummary& summary) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("version", summary.version);
  object.Set("fileBytes", Bytes(env, summary.file_bytes));
  object.Set("metadata", ToObject(env, summary.metadata));
  Napi::Array tensors = Napi::Array::New(env, summary.tensors.size());
  for (size_t i = 0; i < summary.tensors.size(); ++i) {
    const TensorSummary& tensor = summary.tensors[i];
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", tensor.name);
    entry.Set("type", tensor.type);
    Napi::Array shape = Napi::Array::New(env, tensor.shape.size());
    for (size_t d = 0; d < tensor.shape.size(); ++d) {
      shape.Set(static_cast<uint32_t>(d), Bytes(env, tensor.shape[d]));
    }
    entry.Set("shape", shape);
    entry.Set("bytes", Bytes(env, tensor.bytes));
    tensors.Set(static_cast<uint32_t>(i), entry);
  }
  object.Set("tensors", tensors);
  object.Set("problem", summary.problem);
  object.Set("fingerprint", summary.fingerprint);
  return object;
}

Napi::Object ToMemoryEstimate(Napi::Env env, const MemoryEstimate& estimate) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("weights", Bytes(env, estimate.weights));
  object.Set("kv", Bytes(env, estimate.kv));
  object.Set("scratch", Bytes(env, estimate.scratch));
  object.Set("mapped", Bytes(env, estimate.mapped));
  return object;
}

Napi::Object ToKvQuality(Napi::Env env, const KvQuality& quality) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("codec", KvCodecText(quality.codec));
  object.Set("positions", Bytes(env, quality.positions));
  object.Set("meanKl", quality.mean_kl);
  object.Set("p999Kl", quality.p999_kl);
  object.Set("maxKl", quality.max_kl);
  object.Set("top1", quality.top1);
  object.Set("top1Clear", quality.top1_clear);
  object.Set("clearPositions", Bytes(env, quality.clear_positions));
  object.Set("perplexityF16", quality.perplexity_fp16);
  object.Set("perplexity", quality.perplexity);
  object.Set("bytes", Bytes(env, quality.bytes));
  object.Set("bytesF16", Bytes(env, quality.bytes_fp16));
  return object;
}

Napi::Array ToKvLayers(Napi::Env env, const std::vector<KvLayerStatistics>& layers) {
  Napi::Array array = Napi::Array::New(env, layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("meanRatio", layers[i].mean_ratio);
    entry.Set("channelRatio", layers[i].channel_ratio);
    entry.Set("scaledRatio", layers[i].scaled_ratio);
    array.Set(static_cast<uint32_t>(i), entry);
  }
  return array;
}

Napi::Object ToJobs(Napi::Env env, const std::vector<JobStatus>& jobs, int64_t scratch_bytes) {
  Napi::Array array = Napi::Array::New(env, jobs.size());
  for (size_t i = 0; i < jobs.size(); ++i) {
    const JobStatus& job = jobs[i];
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("job", Napi::Number::New(env, static_cast<double>(job.id)));
    entry.Set("priority", job.priority);
    entry.Set("state", JobStateName(job.state));
    entry.Set("done", Napi::Number::New(env, static_cast<double>(job.done)));
    entry.Set("total", Napi::Number::New(env, static_cast<double>(job.total)));
    entry.Set("decoded", Napi::Number::New(env, static_cast<double>(job.decoded)));
    array.Set(static_cast<uint32_t>(i), entry);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("jobs", array);
  object.Set("scratchBytes", Bytes(env, scratch_bytes));
  return object;
}

Napi::Array ToKernelTables(Napi::Env env, const std::vector<KernelTableInfo>& tables) {
  Napi::Array array = Napi::Array::New(env, tables.size());
  for (size_t i = 0; i < tables.size(); ++i) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", tables[i].name);
    entry.Set("needs", tables[i].needs);
    entry.Set("supported", tables[i].supported);
    entry.Set("allowed", tables[i].allowed);
    array.Set(static_cast<uint32_t>(i), entry);
  }
  return array;
}

}  // namespace niwaki::addon
