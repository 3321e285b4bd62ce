// Where decoding threads and the worker that guides them meet (niwaki/guide.h). The worker is one thread, of whatever
// kind, that takes requests one after the other and answers them; decoding threads hold a TokenGuide each, which puts
// the requests there and waits for the answers. Knows nothing of JavaScript, nor of what programs are.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/timed_condition.h"
#include "niwaki/engine.h"

namespace niwaki {

class GuideDesk : public std::enable_shared_from_this<GuideDesk> {
 public:
  struct Request {
    enum class Kind {
      kNothing,  // not within the time that it was waited for
      kIdle,     // and nobody holds a guide, nor waits for a preparation: nothing will come by itself
      kClosed,   // nothing will come any more
      kPrepare,  // `program`, of which `tokens` may be said: to be answered with Prepared or Fail
      kOpen,     // guide `id` goes by `program`: nothing to be answered
      kBegin,    // guide `id`: `tokens` may be said. This one and kTell are to be answered with Answer or Fail.
      kTell,     // guide `id`: `said` was said, and `draft` may be next
      kEnd,      // guide `id` is needed no more: nothing to be answered
    };
    Kind kind = Kind::kNothing;
    int64_t id = 0;
    int64_t tokens = 0;
    std::string program{};
    std::vector<TokenId> said{};
    std::vector<TokenId> draft{};
  };
  // The fewest tokens that the program can be satisfied with, or why there is no going by it. On the worker's thread,
  // or that of whoever closes the desk.
  using PreparedCallback = std::function<void(const Result<int64_t>& least)>;

  explicit GuideDesk(std::weak_ptr<Engine> engine) : engine_(std::move(engine)) {}
  ~GuideDesk();
  GuideDesk(const GuideDesk&) = delete;
  GuideDesk& operator=(const GuideDesk&) = delete;

  // The number by which a worker finds the desk, in all of the process.
  static int64_t Register(const std::shared_ptr<GuideDesk>& desk);
  static std::shared_ptr<GuideDesk> Find(int64_t number);  // null: there is none any more

  // The model's, for its vocabulary; null once the model is gone. Any thread.
  std::shared_ptr<Engine> engine() const { return engine_.lock(); }

  // Any thread. A guide by `program` that answers once it is asked; with a closed desk every Wait fails.
  std::unique_ptr<TokenGuide> Open(std::string program);
  void Prepare(std::string program, int64_t tokens, PreparedCallback done);
  // Whatever waits, and whatever comes later, fails with `why`. The first call counts.
  void Close(const Status& why);
  bool closed() const;

  // The worker's.
  Request Next(std::chrono::milliseconds most);
  void Prepared(int64_t id, int64_t least);
  void Answer(int64_t id, TokenGuide::Step step);
  // A preparation or a guide. A failed guide stays so.
  void Fail(int64_t id, const Status& why);

 private:
  class Guide;
  struct Place {  // of one guide
    bool asked = false;
    bool answered = false;
    TokenGuide::Step step;
    Status failed;
    TimedCondition changed;
  };

  void Put(Request request);  // under mutex_

  const std::weak_ptr<Engine> engine_;
  mutable std::mutex mutex_;
  TimedCondition arrived_;
  std::deque<Request> requests_;
  std::unordered_map<int64_t, std::shared_ptr<Place>> places_;
  std::unordered_map<int64_t, PreparedCallback> preparing_;
  int64_t next_id_ = 1;
  int64_t number_ = 0;
  Status closed_;  // not ok: it is
};

}  // namespace niwaki
