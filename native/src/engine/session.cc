// One inference timeline: what is cached, what must be computed, and the decoding loop.
#include <algorithm>
#include <chrono>
#include <new>
#include <string>
#include <vector>

#include "engine/engine_impl.h"
#include "engine/stop_text.h"
#include "sample/sampler.h"

namespace niwaki {
namespace {

using Clock = std::chrono::steady_clock;
double MillisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

Status Cancelled() { return Status(StatusCode::kCancelled, "the request was cancelled"); }
Status NoMemory() {
  return Status(StatusCode::kOutOfMemory,
                "there is not enough memory for this request; close other programs or lower the context size");
}

class SessionImpl final : public Session {
 public:
  SessionImpl(EngineImpl& engine, int32_t context)
      : engine_(engine),
        context_(context),
        cache_(NewF16KvCache(KvShapeOf(engine.info(), context), engine.kernels())),
        logits_(static_cast<size_t>(engine.info().vocab_size)) {}

  Status Sync(std::span<const TokenId> tokens, const CancelFlag* cancel, SyncStats* stats,
              const std::function<void(int64_t, int64_t)>& progress) override {
    try {
      return SyncOrThrow(tokens, cancel, stats, progress);
    } catch (const std::bad_alloc&) {
      return NoMemory();
    }
  }

  Result<DecodeResult> Decode(const DecodeOptions& options, const CancelFlag* cancel, const TokenSink& sink) override {
    if (!has_logits_) {
      return Status(StatusCode::kInvalidArgument, "decoding needs a prompt: sync the session first");
    }
    try {
      return DecodeOrThrow(options, cancel, sink);
    } catch (const std::bad_alloc&) {
      return NoMemory();
    }
  }

  std::span<const float> logits() const override {
    return has_logits_ ? std::span<const float>(logits_) : std::span<const float>();
  }
  std::span<const TokenId> timeline() const override { return timeline_; }
  int64_t kv_bytes() const override { return cache_->allocated_bytes(); }

 private:
  Status SyncOrThrow(std::span<const TokenId> tokens, const CancelFlag* cancel, SyncStats* stats,
                     const std::function<void(int64_t, int64_t)>& progress);
  Result<DecodeResult> DecodeOrThrow(const DecodeOptions& options, const CancelFlag* cancel, const TokenSink& sink);
  // Appends tokens (one chunk at the most) to the timeline and its cache.
  Status Extend(std::span<const TokenId> tokens, const CancelFlag* cancel);
  // Ids that may come next while `left` of the required prefix is outstanding.
  std::vector<TokenId> AllowedFor(std::string_view left) const;
  // Whether the timeline has `first` somewhere, followed by tokens that begin with `rest`.
  bool SpelledInPrompt(TokenId first, std::string_view rest) const;

  EngineImpl& engine_;
  const int64_t context_;
  std::unique_ptr<KvCache> cache_;
  std::vector<TokenId> timeline_;  // exactly the tokens whose keys and values are in the cache
  std::vector<float> logits_;
  bool has_logits_ = false;  // logits_ belong to the last token of the timeline
};

Status SessionImpl::Extend(std::span<const TokenId> tokens, const CancelFlag* cancel) {
  const int64_t begin = static_cast<int64_t>(timeline_.size());
  NIWAKI_RETURN_IF_ERROR(cache_->Reserve(begin + static_cast<int64_t>(tokens.size())));
  has_logits_ = false;
  if (!engine_.model().Forward(tokens, begin, *cache_, cancel)) {
    return Cancelled();
  }
  timeline_.insert(timeline_.end(), tokens.begin(), tokens.end());
  return Status();
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
  const bool nothing_to_do = common == total && timeline_.size() == total && has_logits_;
  if (common == total && !nothing_to_do) {
    --common;  // the logits of the last token are wanted: it is evaluated again
  }
  if (common < timeline_.size()) {
    timeline_.resize(common);
    cache_->Truncate(static_cast<int64_t>(common));
    has_logits_ = false;
  }
  size_t done = common;
  Status status;
  while (status.ok() && done < total) {
    const size_t count = std::min(static_cast<size_t>(Qwen3::kChunk), total - done);
    status = Extend(tokens.subspan(done, count), cancel);
    if (status.ok()) {
      done += count;
      if (progress) {
        progress(static_cast<int64_t>(done), static_cast<int64_t>(total));
      }
    }
  }
  if (status.ok() && !has_logits_) {
    has_logits_ = engine_.model().Logits(logits_.data(), cancel);
    if (!has_logits_) {
      status = Cancelled();
    }
  }
  if (stats != nullptr) {
    stats->reused = static_cast<int64_t>(common);
    stats->evaluated = static_cast<int64_t>(done - common);
    stats->ms = MillisecondsSince(begin);
  }
  return status;
}

std::vector<TokenId> SessionImpl::AllowedFor(std::string_view left) const {
  const niwaki::Tokenizer& tokenizer = engine_.tokenizer();
  std::vector<TokenId> ids = tokenizer.IdsWithPrefix(left);
  // A token that is only the beginning of what is left ("p" of "pal", where "palette" is "p", "alette") would let the
  // model take back the cut that healing undoes, unless the prompt itself spells a word with it.
  const bool any_cut = ids.empty();
  for (size_t length = left.size() - 1; length > 0; --length) {
    const TokenId id = tokenizer.Find(left.substr(0, length));
    if (id < 0 || tokenizer.IsControl(id)) {
      continue;
    }
    if (SpelledInPrompt(id, left.substr(length)) || (any_cut && ids.empty())) {
      ids.push_back(id);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

bool SessionImpl::SpelledInPrompt(TokenId first, std::string_view rest) const {
  const niwaki::Tokenizer& tokenizer = engine_.tokenizer();
  for (size_t at = 0; at + 1 < timeline_.size(); ++at) {
    if (timeline_[at] != first) {
      continue;
    }
    std::string_view wanted = rest;
    for (size_t next = at + 1; next < timeline_.size() && !wanted.empty(); ++next) {
      const std::string_view bytes = tokenizer.Bytes(timeline_[next]);
      const size_t shared = std::min(bytes.size(), wanted.size());
      if (shared == 0 || bytes.substr(0, shared) != wanted.substr(0, shared)) {
        break;
      }
      wanted.remove_prefix(shared);
    }
    if (wanted.empty()) {
      return true;
    }
  }
  return false;
}

Result<DecodeResult> SessionImpl::DecodeOrThrow(const DecodeOptions& options, const CancelFlag* cancel,
                                                const TokenSink& sink) {
  const Clock::time_point begin = Clock::now();
  const Tokenizer& tokenizer = engine_.tokenizer();
  std::vector<uint8_t> never = engine_.never();
  for (const TokenId id : options.stop_tokens) {  // a control token may be sampled when it is asked to stop there
    if (id >= 0 && static_cast<size_t>(id) < never.size()) {
      never[static_cast<size_t>(id)] = 0;
    }
  }
  Sampler sampler(options.sampling, never);
  StreamingDetokenizer detokenizer(tokenizer);
  StopText stop_text(options.stop_strings);
  std::string left = options.required_prefix;

  DecodeResult result;
  const auto emit = [&](TokenId id, std::string text, float logprob, std::vector<std::pair<TokenId, float>> top) {
    result.text += text;
    return !sink || sink({id, std::move(text), logprob, std::move(top)});
  };
  for (result.reason = StopReason::kMaxTokens; static_cast<int>(result.tokens.size()) < options.max_tokens;) {
    if (!result.tokens.empty()) {
      if (static_cast<int64_t>(timeline_.size()) >= context_) {
        result.reason = StopReason::kContextFull;
        break;
      }
      const Status extended = Extend({&result.tokens.back(), 1}, cancel);
      has_logits_ = extended.ok() && engine_.model().Logits(logits_.data(), cancel);
      if (!has_logits_) {
        if (!extended.ok() && extended.code() != StatusCode::kCancelled) {
          return extended;
        }
        result.reason = StopReason::kCancelled;
        break;
      }
    }
    const std::vector<TokenId> allowed = left.empty() ? std::vector<TokenId>() : AllowedFor(left);
    const TokenId id = sampler.Sample(logits_, allowed, timeline_);
    if (id < 0) {
      return Status(StatusCode::kInvalidArgument,
                    "every token is ruled out by the request's bans, allowed tokens and required prefix; loosen them");
    }
    if (std::find(options.stop_tokens.begin(), options.stop_tokens.end(), id) != options.stop_tokens.end()) {
      result.reason = StopReason::kStopToken;
      break;
    }
    if (engine_.ends_text(id)) {
      result.reason = StopReason::kEndOfText;
      break;
    }
    result.tokens.push_back(id);
    left.erase(0, tokenizer.Bytes(id).size());
    const bool wanted = emit(id, stop_text.Push(detokenizer.Push(id)), LogProbability(logits_, id),
                             TopLogProbabilities(logits_, options.sampling.top_logprobs));
    if (stop_text.stopped()) {
      result.reason = StopReason::kStopString;
      break;
    }
    if (!wanted) {
      result.reason = StopReason::kCallback;
      break;
    }
  }
  if (!stop_text.stopped() && result.reason != StopReason::kCallback) {  // a sink that said stop is not called again
    // What was held back belongs to no further token: it comes with the last one's id and no probability of its own.
    std::string rest = stop_text.Push(detokenizer.Flush());
    rest += stop_text.Flush();
    if (!rest.empty()) {
      emit(result.tokens.back(), std::move(rest), 0.0f, {});
    }
  }
  result.ms = MillisecondsSince(begin);
  return result;
}

}  // namespace

std::unique_ptr<Session> NewSessionImpl(EngineImpl& engine, int32_t context) {
  return std::make_unique<SessionImpl>(engine, context);
}

}  // namespace niwaki
