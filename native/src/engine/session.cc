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

SessionImpl::SessionImpl(EngineImpl& engine, int32_t context, std::unique_ptr<KvCache> cache)
    : engine_(engine),
      context_(context),
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
    const int64_t part = std::min(count - done, KvCache::kPageTokens - at % KvCache::kPageTokens);
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
  const size_t limit = std::min(total, timeline_.size());
  size_t common = static_cast<size_t>(
      std::mismatch(tokens.begin(), tokens.begin() + static_cast<int64_t>(limit), timeline_.begin()).first -
      tokens.begin());
  const bool nothing_to_do = common == total && timeline_.size() == total && has_state_;
  if (common == total && !nothing_to_do) {
    --common;  // the state after the last token is wanted: it is evaluated again
  }
  if (common < timeline_.size()) {
    Truncate(common);
    common = timeline_.size();
  }
  size_t done = common;
  Status status;
  while (status.ok() && done < total) {
    // Chunks end where pages do, so that no page's end cuts one in two.
    const size_t rest = static_cast<size_t>(KvCache::kPageTokens) - done % static_cast<size_t>(KvCache::kPageTokens);
    const size_t count = std::min({static_cast<size_t>(Qwen3::kChunk), total - done, rest});
    status = Extend(tokens.subspan(done, count), 1, cancel);
    if (status.ok()) {
      done += count;
      if (progress) {
        progress(static_cast<int64_t>(done), static_cast<int64_t>(total));
      }
      engine_.Between();
    }
  }
  if (stats != nullptr) {
    stats->reused = static_cast<int64_t>(common);
    stats->evaluated = static_cast<int64_t>(done - common);
    stats->ms = MillisecondsSince(begin);
  }
  return status;
}

std::unique_ptr<Session> NewSessionImpl(EngineImpl& engine, int32_t context, std::unique_ptr<KvCache> cache) {
  return std::make_unique<SessionImpl>(engine, context, std::move(cache));
}

}  // namespace niwaki
