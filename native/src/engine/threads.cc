// Which threads compute for an engine: how many, at which priority, and how a computation makes way for another.
#include <exception>
#include <thread>
#include <utility>

#include "base/thread_priority.h"
#include "engine/engine_impl.h"

namespace niwaki {

void EngineImpl::LimitThreads(int threads) {
  thread_limit_ = threads;
  pool_->Limit(threads);
  if (background_pool_ != nullptr) {
    background_pool_->Limit(threads);
  }
}

void EngineImpl::InBackground(const std::function<void()>& work) {
  if (background_pool_ == nullptr) {
    background_pool_ = std::make_unique<ThreadPool>(pool_->threads(), ThreadPool::Priority::kLow);
    background_pool_->Limit(thread_limit_);
    LetPause(*background_pool_);
  }
  std::exception_ptr thrown;
  // A thread a call: what it does takes far longer than to start it.
  std::thread thread([&] {
    LowerThisThread();
    model_->UsePool(*background_pool_);
    try {
      work();
    } catch (...) {
      thrown = std::current_exception();
    }
    model_->UsePool(*pool_);
  });
  thread.join();
  if (thrown != nullptr) {
    std::rethrow_exception(thrown);
  }
}

void EngineImpl::UsePauser(Pauser* pauser) {
  pauser_ = pauser;
  LetPause(*pool_);
  if (background_pool_ != nullptr) {
    LetPause(*background_pool_);
  }
}

void EngineImpl::LetPause(ThreadPool& pool) {
  pool.PauseWith(pauser_ != nullptr ? &pauser_->wanted : nullptr, [this] { Pause(); });
}

void EngineImpl::MakeWay(const std::function<void()>& wait) {
  const int limit = thread_limit_;
  ThreadPool& pool = model_->pool();
  model_->UsePool(*pool_);  // what others begin with, whatever this one computes with
  wait();
  model_->UsePool(pool);
  if (thread_limit_ != limit) {
    LimitThreads(limit);
  }
}

void EngineImpl::Pause() {
  MakeWay([this] {
    if (!pauser_->LookUp()) {
      return;
    }
    std::unique_ptr<Activations> mine = model_->SetAside();
    if (mine == nullptr) {
      return;  // no memory: whoever waits gets its turn at the next Between
    }
    ++pauses_;
    pauser_->Pause();
    model_->TakeBack(std::move(mine));
  });
}

void EngineImpl::Between() {
  if (pauser_ != nullptr) {
    MakeWay([this] { pauses_ += pauser_->Between() ? 1 : 0; });
  }
}

}  // namespace niwaki
