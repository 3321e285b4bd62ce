#include "engine_thread.h"

#include <new>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace niwaki::addon {
namespace {

Status CancelledStatus() { return Status(StatusCode::kCancelled, "The request was cancelled."); }

// A tokenizer is a hundred thousand small strings. glibc keeps what they took for the next ones, in an arena of the
// thread that has made them, and every model has a thread of its own: without this each switch of models would cost
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

bool EngineThread::Submit(std::shared_ptr<Job> job) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) {
      return false;
    }
    job->order_ = next_order_++;
    if (running_ && running_->preemptible_ && job->priority_ < running_->priority_) {
      running_->interrupt_.store(true);
    }
    queue_.emplace(QueueKey(job->priority_, job->order_), std::move(job));
  }
  wake_.notify_one();
  return true;
}

std::vector<std::shared_ptr<Job>> EngineThread::CancelWhere(const std::function<bool(const Job&)>& chosen) {
  std::vector<std::shared_ptr<Job>> taken;
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto it = queue_.begin(); it != queue_.end();) {
    if (chosen(*it->second)) {
      it->second->Cancel();
      taken.push_back(std::move(it->second));
      it = queue_.erase(it);
    } else {
      ++it;
    }
  }
  if (running_ && chosen(*running_)) {
    running_->Cancel();
  }
  return taken;
}

void EngineThread::CancelJob(SessionId session, int64_t id) {
  for (const auto& job : CancelWhere([&](const Job& j) { return j.session() == session && j.id() == id; })) {
    job->Abandon(CancelledStatus());
  }
}

void EngineThread::CancelSession(SessionId session) {
  for (const auto& job : CancelWhere([&](const Job& j) { return j.session() == session; })) {
    job->Abandon(CancelledStatus());
  }
}

void EngineThread::Stop(std::function<void()> stopped) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    if (stopped && !freed_) {
      stopped_callbacks_.push_back(std::move(stopped));
      stopped = nullptr;
    }
  }
  load_cancel_.store(true);
  for (const auto& job : CancelWhere([](const Job&) { return true; })) {
    job->Abandon(CancelledStatus());
  }
  wake_.notify_one();
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
  int64_t bytes = 0;
  for (const auto& [id, session] : sessions_) {
    bytes += session->kv_bytes();
  }
  kv_bytes_.store(bytes);
}

void EngineThread::SetPreemptible(Job& job, bool preemptible) {
  const std::lock_guard<std::mutex> lock(mutex_);
  job.preemptible_ = preemptible;
  if (preemptible && !queue_.empty() && queue_.begin()->second->priority_ < job.priority_) {
    job.interrupt_.store(true);
  }
}

void EngineThread::Main(const LoadOptions& options, const LoadedCallback& loaded) {
  Load(options, loaded);
  if (engine_) {
    Loop();
  }
  // Jobs that came between the end of the loop and here find `stopping_` set and were refused.
  sessions_.clear();
  engine_.reset();
  ReturnFreedMemory();
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
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

void EngineThread::Loop() {
  for (;;) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (stopping_) {
        return;  // Stop has emptied the queue
      }
      job = std::move(queue_.begin()->second);
      queue_.erase(queue_.begin());
      running_ = job;
    }
    RunJob(job);
  }
}

void EngineThread::RunJob(const std::shared_ptr<Job>& job) {
  bool done = true;
  try {
    done = job->Run(*this);
  } catch (const std::bad_alloc&) {
    job->Abandon(Status(StatusCode::kOutOfMemory,
                        "There is not enough memory for this request. Close other programs or shorten it."));
  } catch (...) {
    job->Abandon(Status(StatusCode::kInternal, "The engine failed in an unforeseen way. Please report this."));
  }
  bool abandon = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_.reset();
    job->preemptible_ = false;
    if (!done) {
      // Between its return and here the job may have been cancelled.
      abandon = stopping_ || job->cancelled();
      if (!abandon) {
        queue_.emplace(QueueKey(job->priority_, job->order_), job);
      }
    }
  }
  if (abandon) {
    job->Abandon(CancelledStatus());
  }
}

}  // namespace niwaki::addon
