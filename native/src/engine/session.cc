// One inference timeline: what is cached, and what must be computed.
#include <algorithm>
#include <chrono>
#include <new>
#include <string>
#include <vector>

#include "engine/session_impl.h"

namespace niwaki {
namespace {

using Clock = std::chrono::steady_clock;
double MillisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

}  // namespace

Status Cancelled() { return Status(StatusCode::kCancelled, "the request was cancelled"); }
Status NoMemory() {
  return Status(StatusCode::kOutOfMemory,
                "there is not enough memory for this request; close other programs or lower the context size");
}

SessionImpl::SessionImpl(EngineImpl& engine, int32_t context, std::unique_ptr<KvCache> cache,
                         const SessionOptions& options)
    : engine_(engine),
      context_(context),
      user_(options.user),
      shift_(options.shift),
      cache_(std::move(cache)),
      states_(static_cast<size_t>(engine.info().embedding_length)) {}

Status SessionImpl::Sync(std::span<const TokenId> tokens, const CancelFlag* cancel, SyncStats* stats,
                         const std::function<void(int64_t, int64_t)>& progress) {
  try {
    return SyncOrThrow(tokens, cancel, stats, progress);
  } catch (const std::bad_alloc&) {
    return NoMemory();
  }
}

std::span<const float> SessionImpl::logits() {
  if (!has_state_) {
    return {};
  }
  if (logits_.empty()) {
    const float* row = engine_.model().Logits(states_.data(), 1, {}, nullptr);
    logits_.assign(row, row + engine_.info().vocab_size);
  }
  return logits_;
}

Status SessionImpl::Extend(std::span<const TokenId> tokens, int64_t states, const CancelFlag* cancel) {
  const int64_t begin = static_cast<int64_t>(timeline_.size());
  const int64_t count = static_cast<int64_t>(tokens.size());
  has_state_ = false;
  logits_.clear();
  for (int64_t done = 0; done < count;) {
    const int64_t at = begin + done;
    const int64_t part = std::min(count - done, cache_->room(at));
    Status status = cache_->Prepare(at, at + part, engine_.model().pool(), cancel);
    const auto piece = tokens.subspan(static_cast<size_t>(done), static_cast<size_t>(part));
    if (status.ok() && !engine_.model().Forward(piece, at, *cache_, cancel)) {
      status = Cancelled();
    }
    if (!status.ok()) {
      if (states > 1) {
        Truncate(static_cast<size_t>(begin));  // nothing of a draft stays
      }
      return status;
    }
    cache_->Append(piece);
    timeline_.insert(timeline_.end(), piece.begin(), piece.end());
    done += part;
    const int64_t first = std::max(done - part, count - states);  // of this part, whose state is wanted
    if (first < done) {
      engine_.model().Hidden(
          done - first, &states_[static_cast<size_t>((first - (count - states)) * engine_.info().embedding_length)]);
    }
  }
  has_state_ = states == 1;
  return Status();
}

SessionImpl::Working::Working(SessionImpl& session) : session_(session) {
  const int64_t held = session.cache_->Resume();
  if (held < static_cast<int64_t>(session.timeline_.size())) {
    session.Truncate(static_cast<size_t>(held));
  }
}

void SessionImpl::Truncate(size_t length) {
  timeline_.resize(static_cast<size_t>(cache_->Truncate(static_cast<int64_t>(length))));
  has_state_ = false;
  logits_.clear();
}

void SessionImpl::Keep(size_t length, size_t row) {
  Truncate(length);
  const int64_t size = engine_.info().embedding_length;
  const auto from = states_.begin() + static_cast<int64_t>(row) * size;
  std::copy(from, from + size, states_.begin());
  has_state_ = true;
}

Status SessionImpl::SyncOrThrow(std::span<const TokenId> tokens, const CancelFlag* cancel, SyncStats* stats,
                                const std::function<void(int64_t, int64_t)>& progress) {
  const Clock::time_point begin = Clock::now();
  const size_t total = tokens.size();
  if (total == 0) {
    return Status(StatusCode::kInvalidArgument, "an empty prompt cannot be evaluated");
  }
  if (static_cast<int64_t>(total) > context_) {
    return Status(StatusCode::kContextOverflow, "the prompt has " + std::to_string(total) +
                                                    " tokens, this session holds " + std::to_string(context_) +
                                                    "; shorten it, or raise the context size in the settings");
  }
  for (const TokenId id : tokens) {
    if (id < 0 || id >= engine_.info().vocab_size) {
      return Status(StatusCode::kInvalidArgument, "the token " + std::to_string(id) + " does not exist in this model");
    }
  }
  const Working working(*this);
  const size_t limit = std::min(total, timeline_.size());
  size_t common = static_cast<size_t>(
      std::mismatch(tokens.begin(), tokens.begin() + static_cast<int64_t>(limit), timeline_.begin()).first -
      tokens.begin());
  SyncStats now;
  std::vector<KvShiftPiece> pieces;
  const bool moved = !shift_ && cache_->exact_tokens() < static_cast<int64_t>(timeline_.size());
  if (common < total || timeline_.size() > total || !has_state_ || moved) {
    // The state after the last token is wanted: that is evaluated in any case.
    int64_t own = static_cast<int64_t>(std::min(common, total - 1));
    if (!shift_) {
      own = std::min(own, cache_->exact_tokens());
    } else {
      NIWAKI_RETURN_IF_ERROR(cache_->Settle(own, engine_.model().pool(), cancel));
      pieces = cache_->PlanShift(timeline_, tokens.first(total - 1), own, cancel);
      if (cancel != nullptr && cancel->load()) {
        return Cancelled();  // before anything is given up that the plan might have moved
      }
    }
    const KvAdopted adopted = cache_->Adopt(tokens, own, cancel);
    common = static_cast<size_t>(adopted.tokens);
    now.restored = adopted.restored;
    now.shared = std::max<int64_t>(0, adopted.tokens - own - adopted.restored);
    timeline_.assign(tokens.begin(), tokens.begin() + static_cast<int64_t>(common));
    has_state_ = false;
    logits_.clear();
  }
  now.reused = static_cast<int64_t>(common);
  const auto report = [&](size_t done) {
    if (progress) {
      progress(static_cast<int64_t>(done), static_cast<int64_t>(total));
    }
  };
  Status status;
  for (const KvShiftPiece& piece : pieces) {
    if (piece.begin < static_cast<int64_t>(timeline_.size())) {
      continue;  // what others have reaches further
    }
    status = Evaluate(tokens.first(static_cast<size_t>(piece.begin)), cancel, &now, report);
    if (!status.ok()) {
      break;
    }
    status = cache_->Place(piece, engine_.model().pool(), cancel);
    if (status.code() == StatusCode::kNotFound) {
      status = Status();  // computed instead
    } else if (status.ok()) {
      const auto from = tokens.begin() + piece.begin;
      timeline_.insert(timeline_.end(), from, from + piece.tokens());
      now.shifted += piece.tokens();
      now.reused += piece.tokens();
      has_state_ = false;
    }
    if (!status.ok()) {
      break;
    }
  }
  if (status.ok()) {
    status = Evaluate(tokens, cancel, &now, report);
  }
  now.ms = MillisecondsSince(begin);
  KvTokenCounts& counts = engine_.kv_pool().counters().of(user_);
  counts.reused += now.reused - now.shared - now.restored - now.shifted;
  counts.shared += now.shared;
  counts.restored += now.restored;
  counts.shifted += now.shifted;
  counts.computed += now.evaluated;
  if (stats != nullptr) {
    *stats = now;
  }
  return status;
}

Status SessionImpl::Evaluate(std::span<const TokenId> tokens, const CancelFlag* cancel, SyncStats* stats,
                             const std::function<void(size_t)>& progress) {
  while (timeline_.size() < tokens.size()) {
    // Chunks end where pages do, so that no page's end cuts one in two.
    const size_t done = timeline_.size();
    const size_t room = static_cast<size_t>(cache_->room(static_cast<int64_t>(done)));
    const size_t count = std::min({static_cast<size_t>(Qwen3::kChunk), tokens.size() - done, room});
    const Status status = Extend(tokens.subspan(done, count), 1, cancel);
    stats->evaluated += static_cast<int64_t>(timeline_.size() - done);
    NIWAKI_RETURN_IF_ERROR(status);
    progress(timeline_.size());
    engine_.Between();
  }
  return Status();
}

Result<std::unique_ptr<Session>> SessionImpl::Fork() {
  try {
    const Working working(*this);
    Result<std::unique_ptr<KvCache>> cache = cache_->Fork();
    if (!cache.ok()) {
      return cache.status();
    }
    SessionOptions options;
    options.user = user_;
    options.shift = shift_;  // the rest is the cache's, which has been copied
    auto fork =
        std::make_unique<SessionImpl>(engine_, static_cast<int32_t>(context_), std::move(cache.value()), options);
    fork->timeline_ = timeline_;
    return std::unique_ptr<Session>(std::move(fork));
  } catch (const std::bad_alloc&) {
    return NoMemory();
  }
}

Status SessionImpl::Rollback(int64_t tokens) {
  const Working working(*this);
  if (tokens < 0 || tokens > static_cast<int64_t>(timeline_.size())) {
    return Status(StatusCode::kInvalidArgument, "a session of " + std::to_string(timeline_.size()) +
                                                    " tokens cannot be rolled back to " + std::to_string(tokens));
  }
  Truncate(static_cast<size_t>(tokens));
  return Status();
}

Result<KvUnsavedPage> SessionImpl::NextUnsaved(int64_t from) {
  try {
    const Working working(*this);
    return cache_->NextUnsaved(from);
  } catch (const std::bad_alloc&) {
    return NoMemory();
  }
}

Status SessionImpl::Pin(int64_t tokens) {
  const Working working(*this);
  return cache_->Pin(tokens);
}

std::unique_ptr<Session> NewSessionImpl(EngineImpl& engine, int32_t context, std::unique_ptr<KvCache> cache,
                                        const SessionOptions& options) {
  return std::make_unique<SessionImpl>(engine, context, std::move(cache), options);
}

}  // namespace niwaki
