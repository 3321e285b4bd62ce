#include "kv.h"

#include <cstdint>

#include "convert.h"
#include "niwaki/kv.h"

namespace niwaki::addon {
namespace {

constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;

Napi::Array NamesOfCodecs(Napi::Env env) {
  Napi::Array names = Napi::Array::New(env);
  for (const KvCodecName& codec : KvCodecs()) {
    names.Set(names.Length(), Napi::String::New(env, codec.name));
  }
  return names;
}

int32_t ReadCareful(Napi::Env env, const Napi::Value& value) {
  return static_cast<int32_t>(ReadInteger(env, value, "careful", 0, INT32_MAX));
}

Napi::Value KvFits(const Napi::CallbackInfo& info) {
  const KvShape shape = ReadKvShape(info.Env(), info[0]);
  const KvCodec codec = ReadKvCodec(info.Env(), info[1]);
  return Napi::Boolean::New(info.Env(), codec.exact() || CodesFit(shape.head_size));
}

Napi::Value BytesOfTokens(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const KvShape shape = ReadKvShape(env, info[0]);
  const KvCodec codec = ReadKvCodec(env, info[1]);
  const int64_t tokens = ReadInteger(env, info[2], "tokens", 0, INT32_MAX);
  return Napi::Number::New(env, static_cast<double>(KvPeakBytes(shape, codec, tokens, ReadCareful(env, info[3]))));
}

Napi::Value TokensWithin(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const KvShape shape = ReadKvShape(env, info[0]);
  const KvCodec codec = ReadKvCodec(env, info[1]);
  const int64_t bytes = ReadInteger(env, info[2], "bytes", 0, kMaxSafeInteger);
  return Napi::Number::New(env, static_cast<double>(KvTokensWithin(shape, codec, bytes, ReadCareful(env, info[3]))));
}

}  // namespace

void ExportKv(Napi::Env env, Napi::Object exports) {
  exports.Set("kvCodecs", NamesOfCodecs(env));
  exports.Set("kvFits", Napi::Function::New<KvFits>(env, "kvFits"));
  exports.Set("kvBytes", Napi::Function::New<BytesOfTokens>(env, "kvBytes"));
  exports.Set("kvTokensWithin", Napi::Function::New<TokensWithin>(env, "kvTokensWithin"));
}

}  // namespace niwaki::addon
