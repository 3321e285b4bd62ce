// What the addon keeps for one JavaScript environment (the main thread's, or a worker's): the classes, and the engine
// threads that must have ended before the environment goes.
#pragma once

#include <napi.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "engine_thread.h"
#include "guide/desk.h"

namespace niwaki::addon {

class AddonData {
 public:
  explicit AddonData(Napi::Env env) {
    env.AddCleanupHook([](AddonData* self) { self->StopAll(); }, this);
  }

  static AddonData& Of(Napi::Env env) { return *env.GetInstanceData<AddonData>(); }

  // Threads are joined here and nowhere else, so that none outlives the environment (or the loaded library).
  void Add(std::shared_ptr<EngineThread> thread) {
    Reap();
    threads_.push_back(std::move(thread));
  }
  // Joins a thread that has nothing left to do (it may still be returning).
  void Forget(const EngineThread* thread) {
    const auto found = std::find_if(threads_.begin(), threads_.end(), [&](const auto& t) { return t.get() == thread; });
    if (found != threads_.end()) {
      (*found)->Join();
      threads_.erase(found);
    }
  }

  Napi::FunctionReference model_class;
  Napi::FunctionReference session_class;
  Napi::FunctionReference guide_desk_class;

  // This environment's thread answers there: whoever waits for it is told when it ends.
  void Serve(const std::shared_ptr<GuideDesk>& desk) { served_.push_back(desk); }

 private:
  // Models that were garbage collected stop on their own.
  void Reap() {
    threads_.erase(std::remove_if(threads_.begin(), threads_.end(),
                                  [](const auto& thread) {
                                    if (!thread->finished()) {
                                      return false;
                                    }
                                    thread->Join();
                                    return true;
                                  }),
                   threads_.end());
  }

  // The environment closes: process.exit(), the end of the script, or a worker that is being terminated.
  void StopAll() {
    for (const std::weak_ptr<GuideDesk>& desk : served_) {
      if (const std::shared_ptr<GuideDesk> served = desk.lock()) {
        served->Close(Status(StatusCode::kInternal,
                             "The thread that says what an answer may look like has ended. Try again; if it happens "
                             "again, please report it."));
      }
    }
    for (const auto& thread : threads_) {
      thread->Stop(nullptr);
    }
    for (const auto& thread : threads_) {
      thread->Join();
    }
    threads_.clear();
  }

  std::vector<std::shared_ptr<EngineThread>> threads_;
  std::vector<std::weak_ptr<GuideDesk>> served_;
};

}  // namespace niwaki::addon
