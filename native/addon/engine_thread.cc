#include "engine_thread.h"

#include <new>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace niwaki::addon {
namespace {

// A tokenizer is a hundred thousand small strings. glibc keeps what they took for the next ones, in an arena of the
// thread that has made them, and every model has threads of its own: without this each switch of models would cost
// tens of megabytes.
void ReturnFreedMemory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

}  // namespace

std::shared_ptr<EngineThread> EngineThread::Start(LoadOptions options, LoadedCallback loaded) {
  std::shared_ptr<EngineThread> self(new EngineThread());
  EngineThread* raw = self.get();  // whoever holds `self` last joins the thread
  self->thread_ =
      std::thread([raw, options = std::move(options), loaded = std::move(loaded)] { raw->Main(options, loaded); });
  return self;
}

EngineThread::~EngineThread() {
  Stop(nullptr);
  Join();
}

bool EngineThread::Submit(std::shared_ptr<EngineJob> job) {
  job->owner_ = this;
  job->alive_ = weak_from_this();
  return scheduler_.Submit(std::move(job));
}

void EngineJob::CancelThis() {
  Cancel();
  if (const std::shared_ptr<EngineThread> thread = alive_.lock()) {
    thread->Reconsider();
  }
}

void EngineThread::CancelJob(SessionId session, int64_t id) {
  scheduler_.Cancel([&](const Job& job) { return job.session() == session && job.id() == id; });
}

void EngineThread::CancelSession(SessionId session) {
  scheduler_.Cancel([&](const Job& job) { return job.session() == session; });
}

void EngineThread::Stop(std::function<void()> stopped) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopped && !freed_) {
      stopped_callbacks_.push_back(std::move(stopped));
      stopped = nullptr;
    }
  }
  load_cancel_.store(true);
  scheduler_.Stop();
  if (stopped) {
    stopped();
  }
}

void EngineThread::Join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

Session* EngineThread::FindSession(SessionId id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

void EngineThread::CountKv() {
  const std::lock_guard<std::mutex> lock(mutex_);
  kv_counters_ = engine_->kv_counters();
}

void EngineThread::Main(const LoadOptions& options, const LoadedCallback& loaded) {
  Load(options, loaded);
  if (engine_) {
    engine_->UsePauser(&scheduler_);
    scheduler_.Open();
  } else {
    scheduler_.Stop();
  }
  scheduler_.Join();  // until somebody calls Stop and the jobs have ended
  sessions_.clear();
  engine_.reset();
  ReturnFreedMemory();
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    freed_ = true;
    callbacks.swap(stopped_callbacks_);
  }
  for (const auto& callback : callbacks) {
    callback();
  }
  finished_.store(true);
}

void EngineThread::Load(const LoadOptions& options, const LoadedCallback& loaded) {
  Status status;
  try {
    Result<std::unique_ptr<Engine>> result = Engine::Load(options, &load_cancel_);
    status = result.status();
    if (result.ok()) {
      engine_ = std::move(result.value());
    }
  } catch (const std::bad_alloc&) {
    status = Status(StatusCode::kOutOfMemory,
                    "There is not enough memory to load the model. Close other programs or choose a smaller model.");
  } catch (...) {
    status = Status(StatusCode::kInternal,
                    "Loading the model failed in an unforeseen way. Please report this with the model's name.");
  }
  loaded(status, engine_);
}

}  // namespace niwaki::addon
