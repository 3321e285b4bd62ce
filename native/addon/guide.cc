#include "guide.h"

#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "addon_data.h"
#include "convert.h"
#include "js_channel.h"

namespace niwaki::addon {
namespace {

constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;

const char* KindName(GuideDesk::Request::Kind kind) {
  using Kind = GuideDesk::Request::Kind;
  switch (kind) {
    case Kind::kNothing:
      return "nothing";
    case Kind::kIdle:
      return "idle";
    case Kind::kClosed:
      return "closed";
    case Kind::kPrepare:
      return "prepare";
    case Kind::kOpen:
      return "open";
    case Kind::kBegin:
      return "begin";
    case Kind::kTell:
      return "tell";
    case Kind::kEnd:
      return "end";
  }
  return "nothing";
}

StatusCode ReadStatusCode(Napi::Env env, const Napi::Value& value) {
  const std::string name = ReadString(env, value, "code");
  for (const StatusCode code : {StatusCode::kInvalidArgument, StatusCode::kUnsupported, StatusCode::kContextOverflow}) {
    if (name == StatusCodeName(code)) {
      return code;
    }
  }
  return StatusCode::kInternal;
}

int64_t ReadId(const Napi::CallbackInfo& info) { return ReadInteger(info.Env(), info[0], "id", 0, kMaxSafeInteger); }

}  // namespace

Napi::Promise PrepareGuide(Napi::Env env, GuideDesk& desk, std::string program, int64_t tokens) {
  auto state = std::make_unique<PromiseState>(env);
  const Napi::Promise promise = state->deferred.Promise();
  auto channel = std::make_shared<PromiseChannel>(env, "niwaki.prepareGuide", std::move(state));
  desk.Prepare(std::move(program), tokens, [channel](const Result<int64_t>& least) {
    channel->Post([least](Napi::Env js, PromiseState& call) {
      if (least.ok()) {
        call.deferred.Resolve(Napi::Number::New(js, static_cast<double>(least.value())));
      } else {
        call.deferred.Reject(ToError(js, least.status()).Value());
      }
    });
    channel->Close();
  });
  return promise;
}

Napi::Function NativeGuideDesk::DefineClass(Napi::Env env) {
  return ObjectWrap::DefineClass(env, "NativeGuideDesk",
                                 {
                                     InstanceMethod<&NativeGuideDesk::Next>("next"),
                                     InstanceMethod<&NativeGuideDesk::Prepared>("prepared"),
                                     InstanceMethod<&NativeGuideDesk::Answer>("answer"),
                                     InstanceMethod<&NativeGuideDesk::Fail>("fail"),
                                     InstanceMethod<&NativeGuideDesk::Vocabulary>("vocabulary"),
                                     InstanceMethod<&NativeGuideDesk::Tokenize>("tokenize"),
                                 });
}

Napi::Value NativeGuideDesk::Find(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::shared_ptr<GuideDesk> desk = GuideDesk::Find(ReadInteger(env, info[0], "number", 0, kMaxSafeInteger));
  if (desk == nullptr) {
    throw InvalidArgument(env, "There is no such desk: its model has been unloaded.");
  }
  AddonData& data = AddonData::Of(env);
  data.Serve(desk);
  const Napi::Object object = data.guide_desk_class.New({});
  Unwrap(object)->desk_ = std::move(desk);
  return object;
}

Napi::Value NativeGuideDesk::Next(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int64_t most = ReadInteger(env, info[0], "most", 0, 60'000);
  const GuideDesk::Request request = desk_->Next(std::chrono::milliseconds(most));
  using Kind = GuideDesk::Request::Kind;
  Napi::Object object = Napi::Object::New(env);
  object.Set("kind", KindName(request.kind));
  object.Set("id", static_cast<double>(request.id));
  if (request.kind == Kind::kPrepare || request.kind == Kind::kOpen) {
    object.Set("program", request.program);
  }
  if (request.kind == Kind::kPrepare || request.kind == Kind::kBegin) {
    object.Set("tokens", static_cast<double>(request.tokens));
  }
  if (request.kind == Kind::kTell) {
    object.Set("said", ToTokens(env, request.said));
    object.Set("draft", ToTokens(env, request.draft));
  }
  return object;
}

Napi::Value NativeGuideDesk::Prepared(const Napi::CallbackInfo& info) {
  desk_->Prepared(ReadId(info), ReadInteger(info.Env(), info[1], "least", 0, kMaxSafeInteger));
  return info.Env().Undefined();
}

Napi::Value NativeGuideDesk::Answer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int64_t id = ReadId(info);
  TokenGuide::Step step;
  step.forced = ReadTokens(env, info[1], "forced");
  const std::vector<TokenId> words = ReadTokens(env, info[2], "masks");  // one after the other
  const std::vector<uint8_t> ends = ReadBytes(env, info[3], "ends");
  if (ends.empty() ? !words.empty() : words.size() % ends.size() != 0) {
    throw InvalidArgument(env, "masks must hold as many bitsets of one length as ends has entries.");
  }
  const size_t length = ends.empty() ? 0 : words.size() / ends.size();
  for (size_t i = 0; i < ends.size(); ++i) {
    const auto from = words.begin() + static_cast<int64_t>(i * length);
    TokenGuide::Choice choice;
    choice.allowed.assign(from, from + static_cast<int64_t>(length));
    choice.may_end = ends[i] != 0;
    step.choices.push_back(std::move(choice));
  }
  desk_->Answer(id, std::move(step));
  return env.Undefined();
}

Napi::Value NativeGuideDesk::Fail(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  desk_->Fail(ReadId(info), Status(ReadStatusCode(env, info[1]), ReadString(env, info[2], "message")));
  return env.Undefined();
}

Napi::Value NativeGuideDesk::Vocabulary(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<Engine> engine = desk_->engine();
  if (engine == nullptr) {
    throw InvalidArgument(env, "The model has been unloaded.");
  }
  const Tokenizer& tokenizer = engine->tokenizer();
  const auto count = static_cast<size_t>(tokenizer.size());
  std::vector<uint8_t> bytes;
  Napi::Uint32Array ends = Napi::Uint32Array::New(env, count);
  Napi::Uint8Array control = Napi::Uint8Array::New(env, count);
  for (size_t id = 0; id < count; ++id) {
    const std::string_view token = tokenizer.Bytes(static_cast<TokenId>(id));
    bytes.insert(bytes.end(), token.begin(), token.end());
    ends[id] = static_cast<uint32_t>(bytes.size());
    control[id] = tokenizer.IsControl(static_cast<TokenId>(id)) ? 1 : 0;
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("bytes", ToBytes(env, bytes));
  object.Set("ends", ends);
  object.Set("control", control);
  return object;
}

Napi::Value NativeGuideDesk::Tokenize(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<Engine> engine = desk_->engine();
  if (engine == nullptr) {
    throw InvalidArgument(env, "The model has been unloaded.");
  }
  return ToTokens(env, engine->tokenizer().Encode(ReadString(env, info[0], "text"), SpecialTokens::kAsText));
}

}  // namespace niwaki::addon
