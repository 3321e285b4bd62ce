// Jobs of a model's engine: they get the engine and its sessions when they run.
#pragma once

#include <memory>

#include "schedule/job.h"

namespace niwaki::addon {

class EngineThread;

class EngineJob : public Job {
 public:
  using Job::Job;

  bool Run() final { return RunOn(*owner_); }
  // Holding the baton (schedule/scheduler.h). False: interrupted before it was done, to be run again later.
  virtual bool RunOn(EngineThread& thread) = 0;

  // For callbacks of the job that fail, on the JavaScript thread: as EngineThread::CancelJob.
  void CancelThis();

 private:
  friend class EngineThread;
  EngineThread* owner_ = nullptr;      // set by Submit; there as long as jobs run
  std::weak_ptr<EngineThread> alive_;  // the same, for those who do not know that
};

}  // namespace niwaki::addon
