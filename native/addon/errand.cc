#include "errand.h"

#include <utility>

#include "convert.h"
#include "js_channel.h"

namespace niwaki::addon {
namespace {

constexpr int kErrandPriority = -1;
constexpr int64_t kNoJobId = -1;  // no caller's job has this id

class Errand final : public EngineJob {
 public:
  Errand(SessionId session, ErrandWork work, std::unique_ptr<PromiseChannel> channel)
      : EngineJob(kErrandPriority, session, kNoJobId), work_(std::move(work)), channel_(std::move(channel)) {}

  bool RunOn(EngineThread& thread) override {
    Result<ErrandAnswer> answer = work_(thread);
    if (!answer.ok()) {
      Abandon(answer.status());
      return true;
    }
    channel_->Post([answer = std::move(answer.value())](Napi::Env env, PromiseState& call) {
      call.deferred.Resolve(answer(env));
    });
    channel_->Close();
    return true;
  }
  void Abandon(const Status& why) override {
    channel_->Post([why](Napi::Env env, PromiseState& call) { call.deferred.Reject(ToError(env, why).Value()); });
    channel_->Close();
  }

 private:
  const ErrandWork work_;
  std::unique_ptr<PromiseChannel> channel_;
};

}  // namespace

Napi::Promise StartErrand(Napi::Env env, const std::shared_ptr<EngineThread>& thread, SessionId session,
                          ErrandWork work) {
  auto state = std::make_unique<PromiseState>(env);
  const Napi::Promise promise = state->deferred.Promise();
  auto job = std::make_shared<Errand>(session, std::move(work),
                                      std::make_unique<PromiseChannel>(env, "niwaki.errand", std::move(state)));
  if (!thread->Submit(job)) {
    job->Abandon(Status(StatusCode::kInvalidArgument, "The model has been unloaded. Load it again."));
  }
  return promise;
}

Napi::Promise StartSessionErrand(Napi::Env env, const std::shared_ptr<EngineThread>& thread, SessionId session,
                                 std::function<Result<ErrandAnswer>(Session&)> work) {
  return StartErrand(env, thread, session,
                     [session, work = std::move(work)](EngineThread& owner) -> Result<ErrandAnswer> {
                       Session* found = owner.FindSession(session);
                       if (found == nullptr) {
                         return Status(StatusCode::kInvalidArgument, "The session has been closed. Open a new one.");
                       }
                       Result<ErrandAnswer> answer = work(*found);
                       owner.CountKv();
                       return answer;
                     });
}

ErrandAnswer Nothing() {
  return [](Napi::Env env) -> Napi::Value { return env.Undefined(); };
}

}  // namespace niwaki::addon
