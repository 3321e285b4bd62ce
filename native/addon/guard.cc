// guard.node, an addon of its own beside the engine's: GuardBinding of server/src/network/guardAddon.ts. The server
// loads it before all else, the engine only once it has been tried out in a child process. JavaScript thread only.
#include <napi.h>

#include "guard/network_filter.h"

namespace niwaki::addon {
namespace {

// `guardVersion` of guardAddon.ts.
constexpr int kGuardVersion = 1;

const char* NameOf(SocketFamily family) {
  switch (family) {
    case SocketFamily::kUnix:
      return "unix";
    case SocketFamily::kIpv4:
      return "ipv4";
    case SocketFamily::kIpv6:
      return "ipv6";
    case SocketFamily::kOther:
      break;
  }
  return "other";
}

Napi::Value ToOutcome(Napi::Env env, const Status& status) {
  const char* state = status.ok() ? "installed" : status.code() == StatusCode::kUnsupported ? "unsupported" : "failed";
  Napi::Object outcome = Napi::Object::New(env);
  outcome.Set("state", state);
  outcome.Set("reason", status.message());
  return outcome;
}

Napi::Value Install(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return ToOutcome(env, InstallNetworkFilter());
}

Napi::Value LeaveRings(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return ToOutcome(env, LeaveRingsBehind());
}

Napi::Value ListOpenSockets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto sockets = OpenSockets();
  if (!sockets.ok()) {
    return env.Null();
  }
  Napi::Array list = Napi::Array::New(env, sockets.value().size());
  uint32_t index = 0;
  for (const OpenSocket& socket : sockets.value()) {
    Napi::Object one = Napi::Object::New(env);
    one.Set("family", NameOf(socket.family));
    one.Set("listening", socket.listening);
    one.Set("address", socket.address);
    one.Set("peer", socket.peer);
    list.Set(index++, one);
  }
  return list;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("guardVersion", kGuardVersion);
  exports.Set("leaveRingsBehind", Napi::Function::New<LeaveRings>(env, "leaveRingsBehind"));
  exports.Set("install", Napi::Function::New<Install>(env, "install"));
  exports.Set("openSockets", Napi::Function::New<ListOpenSockets>(env, "openSockets"));
  return exports;
}

NODE_API_MODULE(guard, Init)

}  // namespace
}  // namespace niwaki::addon
