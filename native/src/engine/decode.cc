// The decoding loop: choose a token, tell the sink, evaluate it, also several of them in one pass where what comes next
// can be guessed (prompt lookup) or is known (a guide's text).
#include <algorithm>
#include <chrono>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "engine/guided.h"
#include "engine/healing.h"
#include "engine/session_impl.h"
#include "engine/stop_text.h"
#include "sample/logprobs.h"
#include "sample/sampler.h"

namespace niwaki {
namespace {

using Clock = std::chrono::steady_clock;
double MillisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

template <typename T>
bool Contains(const std::vector<T>& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// The engine's list, without control tokens at which this request stops: those may be sampled.
std::vector<uint8_t> NeverSampled(const EngineImpl& engine, const DecodeOptions& options) {
  std::vector<uint8_t> never = engine.never();
  for (const TokenId id : options.stop_tokens) {
    if (id >= 0 && static_cast<size_t>(id) < never.size()) {
      never[static_cast<size_t>(id)] = 0;
    }
  }
  return never;
}

}  // namespace

// One Decode call. Beyond the timeline there is at most one token that was said and has not been evaluated: the last.
class Decoding {
 public:
  Decoding(SessionImpl& session, const DecodeOptions& options, const CancelFlag* cancel, const TokenSink& sink)
      : session_(session),
        engine_(session.engine_),
        options_(options),
        cancel_(cancel),
        sink_(sink),
        logprobs_(options.sampling.logprobs || options.sampling.top_logprobs > 0),
        never_(NeverSampled(engine_, options)),
        sampler_(options.sampling, never_),
        detokenizer_(engine_.tokenizer()),
        stop_text_(options.stop_strings),
        left_(options.required_prefix),
        guided_(engine_, options),
        forced_(options.forced) {}

  Result<DecodeResult> Run();

 private:
  // Evaluates the last token and a draft after it.
  Status Advance();
  // Fills draft_ with at most `most` tokens.
  void Propose(int most);
  // Waits for the guide, and takes over what it forces.
  Result<bool> AwaitGuide();
  Status CheckOptions() const;
  bool IsNextForced() const { return result_.tokens.size() < forced_.size(); }
  // Whether the next tokens are known: forced ones are evaluated together, as a draft that cannot be wrong.
  bool IsForced() const { return left_.empty() && IsNextForced(); }
  // Panels of the output head that the next `rows` tokens can come from, of which `skip` are forced; empty = all.
  std::vector<int32_t> Panels(const std::vector<TokenId>& allowed, size_t skip, size_t rows) const;
  // Chooses the next token and tells the sink. False when the stream ends with it; the result's reason then says why.
  Result<bool> Next(std::span<const float> logits, const std::vector<TokenId>& allowed,
                    std::span<const TokenId> history);
  // False when the sink wants no more.
  bool Emit(TokenId id, std::string text, std::span<const float> logits);
  bool IsCancelled() const { return cancel_ != nullptr && cancel_->load(std::memory_order_relaxed); }
  bool End(StopReason reason) {
    result_.reason = reason;
    return false;
  }

  SessionImpl& session_;
  EngineImpl& engine_;
  const DecodeOptions& options_;
  const CancelFlag* const cancel_;
  const TokenSink& sink_;
  const bool logprobs_;
  const std::vector<uint8_t> never_;
  Sampler sampler_;
  StreamingDetokenizer detokenizer_;
  StopText stop_text_;
  std::string left_;  // of the required prefix
  Guided guided_;
  std::vector<TokenId>
      forced_;  // from the first token on: by the request or, up to where it has forced some, by the guide
  DecodeResult result_;
  std::vector<TokenId> draft_;
};

bool Decoding::Emit(TokenId id, std::string text, std::span<const float> logits) {
  result_.text += text;
  if (!sink_) {
    return true;
  }
  TokenEvent event{id, std::move(text), 0.0f, {}};
  if (logprobs_ && !logits.empty()) {
    event.logprob = LogProbability(logits, id);
    event.top = TopLogProbabilities(logits, options_.sampling.top_logprobs);
  }
  return sink_(event);
}

std::vector<int32_t> Decoding::Panels(const std::vector<TokenId>& allowed, size_t skip, size_t rows) const {
  const std::vector<uint32_t>& mask = options_.sampling.allowed;  // a word of it is a panel
  static_assert(kPanelRows == 32);
  const size_t all = (static_cast<size_t>(engine_.info().vocab_size) + 31) / 32;
  std::vector<int32_t> panels;
  if (logprobs_ || (allowed.empty() && mask.empty() && !guided_.on())) {
    return panels;
  }
  const size_t next = result_.tokens.size() + skip;
  const size_t guides = guided_.on() ? std::min(rows - skip, guided_.choices(next)) : 0;
  const auto masked = [&](size_t panel) {
    bool guided = guides > 0;
    for (size_t i = 0; i < guides && guided; ++i) {
      guided = guided_.Mask(next + i)[panel] == 0;
    }
    return guided || (!mask.empty() && (panel >= mask.size() || mask[panel] == 0));
  };
  if (allowed.empty()) {
    for (size_t panel = 0; panel < all; ++panel) {
      if (!masked(panel)) {
        panels.push_back(static_cast<int32_t>(panel));
      }
    }
  } else {
    for (const TokenId id : allowed) {
      const int32_t panel = id / 32;
      if ((panels.empty() || panels.back() != panel) && !masked(static_cast<size_t>(panel))) {
        panels.push_back(panel);
      }
    }
  }
  // Scattered panels are read more slowly than a matrix from end to end.
  if (panels.size() > all / 2) {
    panels.clear();
  }
  return panels;
}

void Decoding::Propose(int most) {
  draft_.clear();
  if (IsForced()) {
    const std::span<const TokenId> next = std::span(forced_).subspan(result_.tokens.size());
    draft_.assign(next.begin(), next.begin() + std::clamp<int64_t>(most, 0, static_cast<int64_t>(next.size())));
    return;
  }
  // A guide says what may follow a draft when it is told of the tokens before it.
  const bool too_late = guided_.on() && !guided_.IsBehind(result_.tokens.size());
  if (!left_.empty() || options_.lookup.max_draft <= 0 || too_late) {
    return;
  }
  for (const TokenId id : session_.drafter_.Propose(options_.lookup, most)) {
    if (never_[static_cast<size_t>(id)] != 0) {
      break;
    }
    draft_.push_back(id);
  }
}

Status Decoding::Advance() {
  const int64_t room = session_.context_ - static_cast<int64_t>(session_.timeline_.size()) - 1;
  const int64_t wanted = options_.max_tokens - static_cast<int64_t>(result_.tokens.size()) - 1;
  const int64_t longest = IsForced() ? LookupOptions::kMaxDraft : options_.lookup.max_draft;
  const bool known = IsForced();
  Propose(static_cast<int>(std::min({room, wanted, longest, int64_t{LookupOptions::kMaxDraft}})));
  std::vector<TokenId> batch = {result_.tokens.back()};
  batch.insert(batch.end(), draft_.begin(), draft_.end());
  if (guided_.IsBehind(result_.tokens.size())) {
    guided_.Tell(result_.tokens, draft_);  // it thinks while the model computes
  }
  NIWAKI_RETURN_IF_ERROR(session_.Extend(batch, static_cast<int64_t>(batch.size()), cancel_));
  ++result_.batches;
  result_.drafted += known ? 0 : static_cast<int64_t>(draft_.size());
  return Status();
}

Result<bool> Decoding::Next(std::span<const float> logits, const std::vector<TokenId>& allowed,
                            std::span<const TokenId> history) {
  const size_t said = result_.tokens.size();
  TokenId id = -1;
  if (guided_.on() && IsNextForced()) {
    id = forced_[said];
    sampler_.Skip();
    ++result_.guided;
  } else {
    std::span<const uint32_t> mask;
    if (guided_.on()) {
      if (guided_.choices(said) == 0) {
        return Status(StatusCode::kInternal, "the guide did not say which token may come next");
      }
      if (guided_.IsOver(said)) {
        return End(StopReason::kEndOfText);
      }
      mask = guided_.Mask(said);
    }
    id = sampler_.Sample(logits, allowed, history, mask);
    if (id < 0) {
      return Status(StatusCode::kInvalidArgument,
                    "every token is ruled out by the request's bans, allowed tokens and required prefix; loosen them");
    }
    id = IsNextForced() ? forced_[said] : id;
    if (Contains(options_.stop_tokens, id)) {
      return End(StopReason::kStopToken);
    }
    if (engine_.ends_text(id)) {
      return End(StopReason::kEndOfText);
    }
  }
  result_.tokens.push_back(id);
  left_.erase(0, engine_.tokenizer().Bytes(id).size());
  const bool more = Emit(id, stop_text_.Push(detokenizer_.Push(id)), logits);
  if (stop_text_.stopped()) {
    return End(StopReason::kStopString);
  }
  return more || End(StopReason::kCallback);
}

Result<bool> Decoding::AwaitGuide() {
  Result<bool> came = guided_.Await([this] { return IsCancelled(); });
  if (!came.ok() || !came.value() || guided_.forced().empty()) {
    return came;
  }
  const std::string text = engine_.tokenizer().Decode(guided_.forced());
  const size_t both = std::min(text.size(), left_.size());
  if (text.compare(0, both, left_, 0, both) != 0) {
    return Status(StatusCode::kInvalidArgument, "the request's required prefix is not what its guide allows");
  }
  forced_ = result_.tokens;
  forced_.insert(forced_.end(), guided_.forced().begin(), guided_.forced().end());
  return true;
}

Status Decoding::CheckOptions() const {
  const size_t vocabulary = static_cast<size_t>(engine_.info().vocab_size);
  for (const std::vector<TokenId>* const tokens : {&options_.forced, &options_.lookup.expected}) {
    for (const TokenId id : *tokens) {
      if (id < 0 || static_cast<size_t>(id) >= vocabulary) {
        return Status(StatusCode::kInvalidArgument,
                      "the token " + std::to_string(id) + " does not exist in this model");
      }
    }
  }
  if (guided_.on() && !options_.forced.empty()) {
    return Status(StatusCode::kInvalidArgument, "forced tokens and a guide exclude each other");
  }
  return Status();
}

Result<DecodeResult> Decoding::Run() {
  const Clock::time_point begin = Clock::now();
  const size_t vocabulary = static_cast<size_t>(engine_.info().vocab_size);
  NIWAKI_RETURN_IF_ERROR(CheckOptions());
  if (guided_.on()) {
    const int64_t room = session_.context_ - static_cast<int64_t>(session_.timeline_.size()) + 1;
    guided_.Begin(std::min<int64_t>(options_.max_tokens, room));
  }
  const bool lookup = options_.lookup.max_draft > 0;
  if (lookup || options_.forced.size() > 1 || guided_.on()) {
    session_.states_.resize(static_cast<size_t>(Qwen3::kMaxLogits * engine_.info().embedding_length));
  }
  if (lookup) {
    session_.drafter_.Begin(session_.timeline_, options_.lookup.expected);
  }
  for (bool more = true; more;) {
    if (static_cast<int64_t>(result_.tokens.size()) >= options_.max_tokens) {
      more = End(StopReason::kMaxTokens);
      break;
    }
    const bool first = result_.tokens.empty();
    if (!first) {
      engine_.Between();
    }
    const Clock::time_point pass = Clock::now();
    const int64_t pauses = engine_.pauses();
    draft_.clear();
    const bool known_draft = !first && IsForced();
    if (!first) {
      if (static_cast<int64_t>(session_.timeline_.size()) >= session_.context_) {
        more = End(StopReason::kContextFull);
        break;
      }
      const Status advanced = Advance();
      if (advanced.code() == StatusCode::kCancelled) {
        more = End(StopReason::kCancelled);
        break;
      }
      NIWAKI_RETURN_IF_ERROR(advanced);
    }
    const size_t known = session_.timeline_.size() - draft_.size();  // the timeline without the draft
    const double guide_ms = guided_.waited_ms();
    Result<bool> next = true;
    if (guided_.IsAwaited()) {
      next = AwaitGuide();
      const bool dropped = !next.ok() || !next.value() || IsNextForced();
      if (dropped && !draft_.empty()) {
        session_.Keep(known, 0);
        draft_.clear();
      }
      if (!next.ok()) {
        return next.status();
      }
      if (!next.value()) {
        more = End(StopReason::kCancelled);
        break;
      }
    }
    const size_t rows = draft_.size() + 1;
    // Nobody looks at the logits of what a guide forces, unless they are asked for.
    const size_t skip =
        guided_.on() && !logprobs_ && IsNextForced() ? std::min(rows, forced_.size() - result_.tokens.size()) : 0;
    const std::vector<TokenId> allowed =
        left_.empty() ? std::vector<TokenId>()
                      : HealingTokens(engine_.tokenizer(), std::span(session_.timeline_).first(known), left_);
    const float* const states = session_.states_.data() + static_cast<int64_t>(skip) * engine_.info().embedding_length;
    const float* logits = skip == rows ? states  // none of them is read
                                       : engine_.model().Logits(states, static_cast<int64_t>(rows - skip),
                                                                Panels(allowed, skip, rows), cancel_);
    // A pass in whose middle others computed says nothing of how long one takes.
    if (logits != nullptr && lookup && !first && allowed.empty() && !known_draft && engine_.pauses() == pauses) {
      session_.drafter_.policy().Time(static_cast<int>(rows),
                                      MillisecondsSince(pass) - (guided_.waited_ms() - guide_ms));
    }
    // Each row's token is chosen as if it were alone, and the next row counts for as long as the draft was right.
    size_t row = 0;
    if (logits == nullptr) {
      next = End(StopReason::kCancelled);
    }
    while (logits != nullptr) {
      const int64_t computed = static_cast<int64_t>(row) - static_cast<int64_t>(skip);
      next = Next(computed < 0 ? std::span<const float>()
                               : std::span(logits + computed * engine_.model().logits_stride(), vocabulary),
                  allowed, std::span(session_.timeline_).first(known + row));
      if (!next.ok() || !next.value()) {
        break;
      }
      if (lookup) {
        session_.drafter_.Push(result_.tokens.back());
      }
      if (row == draft_.size() || result_.tokens.back() != draft_[row]) {
        break;
      }
      if (guided_.on() && !IsNextForced() && guided_.choices(result_.tokens.size()) == 0) {
        break;  // it is to be told first
      }
      if (IsCancelled()) {
        next = End(StopReason::kCancelled);
        break;
      }
      ++row;
    }
    if (!draft_.empty()) {
      session_.Keep(known + row, row);
      result_.accepted += known_draft ? 0 : static_cast<int64_t>(row);
      if (next.ok() && next.value() && !known_draft) {
        session_.drafter_.Judge(static_cast<int>(draft_.size()), static_cast<int>(row));
      }
    }
    if (!next.ok()) {
      return next.status();
    }
    more = next.value();
  }
  if (!stop_text_.stopped() && result_.reason != StopReason::kCallback) {  // a sink that said stop is not called again
    // What was held back belongs to no further token: it comes with the last one's id and no probability of its own.
    std::string rest = stop_text_.Push(detokenizer_.Flush());
    rest += stop_text_.Flush();
    if (!rest.empty()) {
      Emit(result_.tokens.back(), std::move(rest), {});
    }
  }
  result_.guide_ms = guided_.waited_ms();
  result_.ms = MillisecondsSince(begin);
  return std::move(result_);
}

Result<DecodeResult> SessionImpl::Decode(const DecodeOptions& options, const CancelFlag* cancel,
                                         const TokenSink& sink) {
  const Working working(*this);
  if (!has_state_) {
    return Status(StatusCode::kInvalidArgument, "decoding needs a prompt: sync the session first");
  }
  try {
    return Decoding(*this, options, cancel, sink).Run();
  } catch (const std::bad_alloc&) {
    return NoMemory();
  }
}

}  // namespace niwaki
