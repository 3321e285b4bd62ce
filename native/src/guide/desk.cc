#include "guide/desk.h"

#include <utility>

namespace niwaki {
namespace {

struct Registry {
  std::mutex mutex;
  std::unordered_map<int64_t, std::weak_ptr<GuideDesk>> desks;
  int64_t next = 1;
};
Registry& AllDesks() {
  static Registry registry;
  return registry;
}

}  // namespace

class GuideDesk::Guide final : public TokenGuide {
 public:
  Guide(std::shared_ptr<GuideDesk> desk, int64_t id, std::shared_ptr<Place> place)
      : desk_(std::move(desk)), id_(id), place_(std::move(place)) {}
  ~Guide() override {
    const std::lock_guard<std::mutex> lock(desk_->mutex_);
    desk_->places_.erase(id_);
    desk_->Put({.kind = Request::Kind::kEnd, .id = id_});
  }

  void Begin(int64_t tokens) override { Ask({.kind = Request::Kind::kBegin, .id = id_, .tokens = tokens}); }
  void Tell(std::span<const TokenId> said, std::span<const TokenId> draft) override {
    Ask({.kind = Request::Kind::kTell,
         .id = id_,
         .said = {said.begin(), said.end()},
         .draft = {draft.begin(), draft.end()}});
  }
  Result<bool> Wait(std::chrono::milliseconds most, Step* step) override {
    std::unique_lock<std::mutex> lock(desk_->mutex_);
    const auto over = [&] { return place_->answered || !place_->failed.ok() || !desk_->closed_.ok(); };
    if (!place_->changed.WaitFor(lock, most, over)) {
      return false;
    }
    if (!place_->failed.ok()) {
      return place_->failed;
    }
    if (!place_->answered) {
      return desk_->closed_;
    }
    place_->answered = false;
    *step = std::move(place_->step);
    return true;
  }

 private:
  void Ask(Request request) {
    const std::lock_guard<std::mutex> lock(desk_->mutex_);
    place_->asked = true;
    place_->answered = false;
    desk_->Put(std::move(request));
  }

  const std::shared_ptr<GuideDesk> desk_;
  const int64_t id_;
  const std::shared_ptr<Place> place_;
};

GuideDesk::~GuideDesk() {
  Registry& all = AllDesks();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.desks.erase(number_);
}

int64_t GuideDesk::Register(const std::shared_ptr<GuideDesk>& desk) {
  Registry& all = AllDesks();
  const std::lock_guard<std::mutex> lock(all.mutex);
  desk->number_ = all.next++;
  all.desks[desk->number_] = desk;
  return desk->number_;
}

std::shared_ptr<GuideDesk> GuideDesk::Find(int64_t number) {
  Registry& all = AllDesks();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.desks.find(number);
  return found == all.desks.end() ? nullptr : found->second.lock();
}

void GuideDesk::Put(Request request) {
  if (closed_.ok()) {
    requests_.push_back(std::move(request));
    arrived_.NotifyOne();
  }
}

std::unique_ptr<TokenGuide> GuideDesk::Open(std::string program) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const int64_t id = next_id_++;
  auto place = std::make_shared<Place>();
  places_[id] = place;
  Put({.kind = Request::Kind::kOpen, .id = id, .program = std::move(program)});
  return std::make_unique<Guide>(shared_from_this(), id, std::move(place));
}

void GuideDesk::Prepare(std::string program, int64_t tokens, PreparedCallback done) {
  Status closed;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed = closed_;
    if (closed.ok()) {
      const int64_t id = next_id_++;
      preparing_[id] = std::move(done);
      Put({.kind = Request::Kind::kPrepare, .id = id, .tokens = tokens, .program = std::move(program)});
    }
  }
  if (!closed.ok()) {
    done(closed);
  }
}

void GuideDesk::Close(const Status& why) {
  std::unordered_map<int64_t, PreparedCallback> preparing;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!closed_.ok()) {
      return;
    }
    closed_ = why;
    requests_.clear();
    preparing.swap(preparing_);
    for (const auto& [id, place] : places_) {
      place->changed.NotifyAll();
    }
    arrived_.NotifyAll();
  }
  for (const auto& [id, done] : preparing) {
    done(why);
  }
}

bool GuideDesk::closed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !closed_.ok();
}

GuideDesk::Request GuideDesk::Next(std::chrono::milliseconds most) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto idle = [&] { return places_.empty() && preparing_.empty(); };
  arrived_.WaitFor(lock, idle() ? std::chrono::milliseconds(0) : most,
                   [&] { return !requests_.empty() || !closed_.ok(); });
  if (!closed_.ok()) {
    return {.kind = Request::Kind::kClosed};
  }
  if (requests_.empty()) {
    return {.kind = idle() ? Request::Kind::kIdle : Request::Kind::kNothing};
  }
  Request request = std::move(requests_.front());
  requests_.pop_front();
  return request;
}

void GuideDesk::Prepared(int64_t id, int64_t least) {
  PreparedCallback done;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = preparing_.find(id);
    if (found == preparing_.end()) {
      return;
    }
    done = std::move(found->second);
    preparing_.erase(found);
  }
  done(least);
}

void GuideDesk::Answer(int64_t id, TokenGuide::Step step) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = places_.find(id);
  if (found == places_.end() || !found->second->asked) {
    return;  // it has been given up
  }
  Place& place = *found->second;
  place.asked = false;
  place.answered = true;
  place.step = std::move(step);
  place.changed.NotifyAll();
}

void GuideDesk::Fail(int64_t id, const Status& why) {
  PreparedCallback done;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const auto found = preparing_.find(id); found != preparing_.end()) {
      done = std::move(found->second);
      preparing_.erase(found);
    }
    if (const auto found = places_.find(id); found != places_.end()) {
      found->second->failed = why;
      found->second->changed.NotifyAll();
    }
  }
  if (done) {
    done(why);
  }
}

}  // namespace niwaki
