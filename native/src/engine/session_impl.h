// One inference timeline. Sync is in session.cc, Decode in decode.cc.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/drafter.h"
#include "engine/engine_impl.h"

namespace niwaki {

class SessionImpl final : public Session {
 public:
  SessionImpl(EngineImpl& engine, int32_t context, std::unique_ptr<KvCache> cache, const SessionOptions& options = {});

  Status Sync(std::span<const TokenId> tokens, const CancelFlag* cancel, SyncStats* stats,
              const std::function<void(int64_t, int64_t)>& progress) override;
  Result<DecodeResult> Decode(const DecodeOptions& options, const CancelFlag* cancel, const TokenSink& sink) override;
  std::span<const float> logits() override;
  std::span<const TokenId> timeline() const override { return timeline_; }
  int64_t kv_bytes() const override { return cache_->allocated_bytes(); }
  void Shift(bool allowed) override { shift_ = allowed; }
  Result<std::unique_ptr<Session>> Fork() override;
  Status Rollback(int64_t tokens) override;
  Status Pin(int64_t tokens) override;
  Result<KvUnsavedPage> NextUnsaved(int64_t from) override;

 private:
  friend class Decoding;
  friend class KvComparison;
  // While one lives, nobody takes this session's memory; what was taken before is forgotten at its beginning.
  class Working {
   public:
    explicit Working(SessionImpl& session);
    ~Working() { session_.cache_->Rest(); }
    Working(const Working&) = delete;
    Working& operator=(const Working&) = delete;

   private:
    SessionImpl& session_;
  };
  Status SyncOrThrow(std::span<const TokenId> tokens, const CancelFlag* cancel, SyncStats* stats,
                     const std::function<void(int64_t, int64_t)>& progress);
  // Appends tokens (one chunk at the most) to the timeline and its cache, and keeps the states after the last `states`
  // of them. Where that is more than one, Keep must follow. What ends in another page than it began in goes through the
  // model in two parts, since a page that is left behind becomes codes. When it fails, with one state wanted, a first
  // part may have been appended.
  Status Extend(std::span<const TokenId> tokens, int64_t states, const CancelFlag* cancel);
  // Evaluates the rest of `tokens`, in chunks, counts them and tells `progress` how long the timeline is.
  Status Evaluate(std::span<const TokenId> tokens, const CancelFlag* cancel, SyncStats* stats,
                  const std::function<void(size_t)>& progress);
  // Forgets the timeline from `length` on, or from an earlier page's end where the cache cannot go back to `length`.
  void Truncate(size_t length);
  // The same, and row `row` of the states is the one after what is left.
  void Keep(size_t length, size_t row);

  EngineImpl& engine_;
  const int64_t context_;
  const KvUser user_;
  bool shift_;
  std::unique_ptr<KvCache> cache_;
  std::vector<TokenId> timeline_;  // exactly the tokens whose keys and values are in the cache
  // What the model's last layer says after the last token of the timeline, and while a draft is looked at after each of
  // its tokens: [1 or Qwen3::kMaxLogits, embedding_length]. Logits are computed from it when they are wanted, for the
  // tokens that are wanted: the output head costs as much as several layers.
  std::vector<float> states_;
  bool has_state_ = false;     // the first row of states_ belongs to the timeline's last token
  std::vector<float> logits_;  // for logits(), empty until somebody asks
  Drafter drafter_;            // for prompt lookup
};

Status Cancelled();
Status NoMemory();

}  // namespace niwaki
