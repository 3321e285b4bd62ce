// The narrow API of the engine. An Engine is a loaded model; a Session is one mutable inference timeline over it.
// Callers always pass the *whole* prompt: Session::Sync keeps the longest prefix it has already evaluated.
//
// Threads: an Engine may be shared by many Sessions, but calls on the Sessions of one Engine must not overlap (one
// thread at a time makes them; the engine's own pool of workers does the arithmetic), except that calls on other
// Sessions may be made while one is paused (niwaki/pause.h). The const methods of Tokenizer, Engine::info and
// Engine::scratch_bytes may be called from any thread at any time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "niwaki/guide.h"
#include "niwaki/kv.h"
#include "niwaki/pause.h"
#include "niwaki/status.h"

namespace niwaki {

using TokenId = int32_t;

// ---------------------------------------------------------------------------------------------------------------- load

struct LoadOptions {
  std::string path;     // a GGUF file, UTF-8
  int threads = 0;      // workers that compute, 0 = as many as the machine's cores allow
  std::string kernels;  // name of a kernel table ("oracle", "generic", "avx2", "avx512vnni", "neon"), "" = the best
                        // that the CPU supports and NIWAKI_CPU allows
};

struct ModelInfo {
  std::string path;
  std::string name;          // general.name
  std::string architecture;  // general.architecture
  std::string kernels;       // the active kernel table
  int threads = 0;
  int64_t file_bytes = 0;
  int64_t parameters = 0;      // elements of all tensors
  int64_t weight_bytes = 0;    // memory held by weights after loading
  int64_t scratch_bytes = 0;   // activations and logits of one computation; Engine::scratch_bytes says what is held
  int32_t context_length = 0;  // tokens, from the header
  int32_t vocab_size = 0;
  int32_t layers = 0;
  int32_t embedding_length = 0;
  int32_t heads = 0;
  int32_t kv_heads = 0;
  int32_t head_size = 0;
  int64_t kv_bytes_per_token = 0;  // in half precision; KvBytes says it for a codec
  bool tied_head = false;
  // 32 hexadecimal digits that name the model: of its header and of samples of every tensor. Files that belong to a
  // model (its KV calibration, saved pages) carry it.
  std::string fingerprint;
  std::string kv_calibration;     // "text" or "norms": what sessions opened from now on go by
  int32_t kv_careful_layers = 0;  // that keep 8 bits by that calibration
};
inline KvShape KvShapeOf(const ModelInfo& info) { return {info.layers, info.kv_heads, info.head_size}; }

// Bytes before anything is allocated.
struct MemoryEstimate {
  int64_t weights = 0;  // repacked weights that stay in memory
  int64_t kv = 0;       // KV cache for `context` tokens
  int64_t scratch = 0;  // activations and logits of one computation: as much again for each one that is paused
  int64_t mapped = 0;   // size of the file, which is read and not kept
};

// ----------------------------------------------------------------------------------------------------------- tokenizer

enum class SpecialTokens {
  kAsText,  // "<|fim_prefix|>" in the text is just characters: what user text always gets
  kParse,   // control tokens written out in the text become their ids: only for text that we wrote ourselves
};

// A token that is looked for in texts as a whole.
struct SpecialToken {
  TokenId id;
  bool in_all_text;  // in untrusted text (kAsText) too; false = only with kParse: a control token
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual std::vector<TokenId> Encode(std::string_view text, SpecialTokens special) const = 0;
  // The exact bytes of one token (control tokens: their literal text). Empty for ids out of range.
  virtual std::string_view Bytes(TokenId id) const = 0;
  // Bytes of all tokens in order. Control tokens are left out when `skip_control`.
  virtual std::string Decode(std::span<const TokenId> ids, bool skip_control = false) const = 0;
  virtual bool IsControl(TokenId id) const = 0;
  // Id of the token whose literal text is `text` ("<|im_end|>"), or -1.
  virtual TokenId Find(std::string_view text) const = 0;
  // All that Encode looks for as a whole, ascending ids; of equal texts the lowest id.
  virtual std::vector<SpecialToken> Specials() const = 0;
  virtual int32_t size() const = 0;
  virtual TokenId bos() const = 0;  // -1 when the model has none
  virtual TokenId eos() const = 0;  // -1 when the model has none
  // Ids that start with the bytes `prefix` (ascending ids). For token healing: what may follow a cut token.
  virtual std::vector<TokenId> IdsWithPrefix(std::string_view prefix) const = 0;

  // What EditableTokens needs. A text is encoded piece by piece (kAsText), and the ids of what begins at the end of a
  // piece depend on the text from there on alone. A tokenizer that knows no pieces calls the whole text one.
  //
  // Appends the ids of text[begin..], where `begin` is 0 or the end of a piece. After each piece `after_piece` is told
  // where it ends; false stops.
  virtual void EncodePieces(std::string_view text, size_t begin, std::vector<TokenId>* ids,
                            const std::function<bool(size_t end)>& after_piece) const;
  // Pieces of `text` that end at or before this byte stay what they are whatever is appended to `text`.
  virtual size_t SettledBytes(std::string_view text) const;
};

// The ids of a text that changes by edits. Callers always pass the *whole* text: what an edit cannot have touched is
// found by comparing it with the last one, and only the rest is encoded. Not thread-safe.
class EditableTokens {
 public:
  explicit EditableTokens(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  // Always equal to tokenizer.Encode(text, SpecialTokens::kAsText). Valid until the next call.
  const std::vector<TokenId>& Update(std::string_view text);
  const std::vector<TokenId>& tokens() const { return tokens_; }
  // Bytes of the last text that did not have to be encoded.
  size_t reused_bytes() const { return reused_bytes_; }

 private:
  struct End {
    uint32_t byte;
    uint32_t token;
  };
  const Tokenizer& tokenizer_;
  std::string text_;
  std::vector<TokenId> tokens_;
  std::vector<End> ends_;  // of the pieces, in bytes of text_ and in tokens_
  size_t reused_bytes_ = 0;
};

// Turns tokens into UTF-8 text piece by piece and never splits a character: bytes of an unfinished character are held
// back.
class StreamingDetokenizer {
 public:
  explicit StreamingDetokenizer(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  // Text that is complete after this token; "" while a character is unfinished. Bytes that can never become valid UTF-8
  // come out as U+FFFD, one for each maximal invalid part (WHATWG's practice).
  std::string Push(TokenId id);
  // What was held back, as U+FFFD, when the stream has ended.
  std::string Flush();

 private:
  const Tokenizer& tokenizer_;
  std::string pending_;
};

// ------------------------------------------------------------------------------------------------------------- session

struct SyncStats {
  int64_t reused = 0;     // prompt tokens whose KV was already there
  int64_t evaluated = 0;  // prompt tokens that were computed now
  double ms = 0;          // wall time of the evaluation
  int64_t shared = 0;     // of the reused ones: another session had computed them
  int64_t restored = 0;   // of the reused ones: they were on disk
  int64_t shifted = 0;    // of the reused ones: moved behind an edit, computed with the text before it (approximate)
};

struct SamplingOptions {
  float temperature = 0;  // 0 = greedy
  int top_k = 0;          // 0 = off
  float top_p = 1;        // 1 = off
  float min_p = 0;        // 0 = off
  uint64_t seed = 0;
  std::vector<TokenId> banned;  // never sampled
  // Added to the logits of single tokens before everything else.
  std::vector<std::pair<TokenId, float>> logit_bias;
  // Penalties for tokens among the last `penalty_window` of the timeline, prompt included (0 = all of it), after the
  // bias. Repetition (Keskar et al. 2019, CTRL): a positive logit is divided by it, a negative one multiplied.
  // Frequency and presence as OpenAI defines them: count * frequency + presence is subtracted.
  float repetition_penalty = 1;  // 1 = off
  float frequency_penalty = 0;
  float presence_penalty = 0;
  int penalty_window = 64;
  // Bit id % 32 of word id / 32 set = the token may be sampled; empty = all may. Tokens past its end may not.
  std::vector<uint32_t> allowed;
  bool logprobs = false;  // each event tells its token's log probability: then the output head is computed for all
                          // tokens, also where a mask leaves few
  int top_logprobs = 0;   // how many of the likeliest tokens each event lists; implies `logprobs`
};

// Prompt lookup: speculative decoding without a second model (Saxena 2023; LLMA, Yang et al. 2023). Where the last
// tokens have occurred before, what followed them there is taken for a draft and verified in one batch. The tokens are
// those that decoding without it yields, sampled ones too (each is drawn from the model's distribution at its place,
// with the same draws; the draft is kept for as long as the draws agree with it).
struct LookupOptions {
  static constexpr int kMaxDraft = 15;  // with the token before it a batch of 16, what one tile of the kernels takes
  int max_draft = 0;                    // tokens drafted at once at the most; 0 = off
  int min_ngram = 2;                    // tokens that must agree before a draft, at least 2
  bool adapt = true;  // fewer, or none, where they cost more than they bring; false = always max_draft
  // How the text is expected to go on, known from elsewhere: drafted before anything else, for as long as it is said.
  // Every token must exist in the model.
  std::vector<TokenId> expected;
};

struct DecodeOptions {
  int max_tokens = 64;
  SamplingOptions sampling;
  std::vector<TokenId> stop_tokens;  // end the stream; the token itself is not emitted
  std::vector<std::string>
      stop_strings;  // end the stream; text before the match is emitted, the match and what follows is not
  // Token healing: the emitted bytes must begin with these. Each step is restricted to tokens that begin with what is
  // left of them (or, where no such token exists, to tokens that are a prefix of it) until they are used up.
  std::string required_prefix;
  LookupOptions lookup;
  // Teacher forcing, to learn how likely a text is: the first tokens are these, whatever the sampler chooses. Log
  // probabilities are the model's all the same. They are known, so up to 16 are evaluated in a pass.
  std::vector<TokenId> forced;
  // Says from token to token which ones may come; null = all may. Holds together with everything above, `forced` left
  // out (kInvalidArgument). Must outlive the call.
  TokenGuide* guide = nullptr;
};

enum class StopReason { kEndOfText, kStopToken, kStopString, kMaxTokens, kContextFull, kCallback, kCancelled };
const char* StopReasonName(StopReason reason);

struct TokenEvent {
  TokenId id = -1;
  std::string text;  // complete UTF-8 that this token releases; may be "" (see StreamingDetokenizer and stop strings)
  // Natural log of the probability under softmax of the raw (unbanned, temperature 1) logits; 0 when the options do not
  // ask for it.
  float logprob = 0;
  std::vector<std::pair<TokenId, float>> top;  // the likeliest `top_logprobs` tokens and their logprobs, best first
};
// Returns false to stop (StopReason::kCallback).
using TokenSink = std::function<bool(const TokenEvent&)>;

struct DecodeResult {
  std::vector<TokenId> tokens;  // all sampled tokens, those of a stop string included, the stop token not
  std::string text;             // what the sink received, joined
  StopReason reason = StopReason::kMaxTokens;
  double ms = 0;
  int64_t batches = 0;   // passes through the model
  int64_t drafted = 0;   // tokens that prompt lookup proposed
  int64_t accepted = 0;  // those of them that were sampled too
  int64_t guided = 0;    // tokens that the guide forced
  double guide_ms = 0;   // for which the guide was waited for, others' computations left out
};

// Set from any thread; looked at between row panels, so that the engine is idle within 20 ms.
using CancelFlag = std::atomic<bool>;

struct SessionOptions {
  SessionOptions(int32_t tokens = 0, KvCodec kv = {KvBits::k16, KvBits::k16})  // NOLINT: a context alone will do
      : context(tokens), codec(kv) {}
  SessionOptions(KvCodec kv) : context(0), codec(kv) {}  // NOLINT: so will a codec
  int32_t context;                                       // tokens at the most; 0 = the model's own
  KvCodec codec;
  // Layers whose codec is another one. Where it is empty, the calibration's careful layers count.
  std::vector<std::pair<int32_t, KvCodec>> layer_codecs;
  KvUser user = KvUser::kOther;  // for the counters
  KvSavedPages saved;
  bool shift = false;     // as Session::Shift
  bool isolated = false;  // shares no pages with other sessions: for measurements
};

class Session {
 public:
  virtual ~Session() = default;
  // Makes the timeline equal to `tokens` and leaves the state after the last one ready. Empty token lists are
  // kInvalidArgument. On kCancelled what was finished stays evaluated. `progress` (may be null) gets (done, total)
  // prompt tokens after every chunk.
  virtual Status Sync(std::span<const TokenId> tokens, const CancelFlag* cancel, SyncStats* stats,
                      const std::function<void(int64_t, int64_t)>& progress = nullptr) = 0;
  // Continues the timeline. Sampled tokens become part of it, so accepted text is already cached; all but the last,
  // which nothing has evaluated yet. To go on after a Decode, Sync first with prompt and sampled tokens: one
  // evaluation.
  virtual Result<DecodeResult> Decode(const DecodeOptions& options, const CancelFlag* cancel,
                                      const TokenSink& sink) = 0;
  // [vocab_size] logits after the last token of the timeline, computed when they are first asked for; empty when
  // nothing has been evaluated. Valid until the next call on a session of the engine.
  virtual std::span<const float> logits() = 0;
  // Tokens whose KV was held when the session last worked. While it rests, memory may have been taken for others; Sync
  // finds out.
  virtual std::span<const TokenId> timeline() const = 0;
  // Held by this session. Sessions share pages, so their sum may be more than Engine::kv_bytes.
  virtual int64_t kv_bytes() const = 0;

  // Whether Sync may, after an edit in the middle, keep what follows it and move it, although that was computed with
  // the old text before it: quick and nearly right. A Sync that may not computes anew what was moved before.
  virtual void Shift(bool allowed) = 0;
  // Another session with the same timeline, for a branch: what is finished is shared, and the page at hand until one of
  // both goes on. To decode in it, Sync first.
  virtual Result<std::unique_ptr<Session>> Fork() = 0;
  // Forgets the timeline from `tokens` on. To decode, Sync first. kInvalidArgument when there are fewer.
  virtual Status Rollback(int64_t tokens) = 0;
  // The first finished page from number `from` on (from 0) that is exact and not yet on disk where the session's
  // options say, copied. To save a session: ask, write, ask for the one after it, until there is none; whoever wants to
  // compute comes between.
  virtual Result<KvUnsavedPage> NextUnsaved(int64_t from) = 0;
  // Keeps whole pages of the timeline's first `tokens` in memory, whatever else needs room, until the session pins
  // something else or ends. Pins what is exact. kOutOfMemory when all pins together would take more than half of the
  // budget.
  virtual Status Pin(int64_t tokens) = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;
  // Reads and checks the file, repacks weights. `progress` (may be null) gets 0..1. kCancelled when `cancel` is set.
  static Result<std::unique_ptr<Engine>> Load(const LoadOptions& options, const CancelFlag* cancel = nullptr,
                                              const std::function<void(float)>& progress = nullptr);
  // Reads only the header. `context` = 0 means the model's own.
  static Result<MemoryEstimate> Estimate(const LoadOptions& options, const SessionOptions& session);

  virtual const ModelInfo& info() const = 0;
  virtual const niwaki::Tokenizer& tokenizer() const = 0;
  // KV pages are allocated as they fill. Sessions of one codec and calibration share the pages of a common beginning.
  virtual Result<std::unique_ptr<Session>> NewSession(const SessionOptions& options) = 0;
  // Bytes that the KV caches of all sessions, and pages that closed sessions leave behind, may take together; what was
  // used longest ago goes first. 0, as after loading: no limit, and nothing is left behind. The session at work gets
  // what it needs also beyond the limit.
  virtual void SetKvBudget(int64_t bytes) = 0;
  virtual int64_t kv_bytes() const = 0;  // any thread
  virtual KvCounters kv_counters() const = 0;

  // Runs the model over `tokens` (cut to its context) and takes the keys' and queries' statistics. kCancelled,
  // kInvalidArgument for fewer than 256 tokens. `layers` (may be null) gets one entry a layer.
  virtual Result<KvCalibration> CalibrateKv(std::span<const TokenId> tokens, const CancelFlag* cancel,
                                            const std::function<void(float)>& progress = nullptr,
                                            std::vector<KvLayerStatistics>* layers = nullptr) = 0;
  // Which layers `codec` does most damage in, on `tokens` (cut to the context): found one by one (all other layers at 8
  // bits), the worst first, taken until the likeliest token is the same in 99.9 % of the positions where half
  // precision's two best logits differ by 0.1, or a quarter of the layers are. [layers] of 0 and 1. It takes a pass
  // over the text for every layer and more. Measured by the means and scales of `calibration`, which is not in use
  // afterwards unless it was before. kCancelled; kInvalidArgument as UseKvCalibration.
  virtual Result<std::vector<uint8_t>> FindCarefulLayers(std::span<const TokenId> tokens, KvCodec codec,
                                                         const KvCalibration& calibration, const CancelFlag* cancel,
                                                         const std::function<void(float)>& progress = nullptr) = 0;
  // For sessions opened from now on; those that are open keep theirs. Until the first call it is derived from the
  // model's norm weights. kInvalidArgument when the shape is not the model's or a number is not finite.
  virtual Status UseKvCalibration(KvCalibration calibration) = 0;
  // Compares the codec of `options` with the fp16 cache on `tokens` (cut to the model's context), evaluated in steps of
  // `step` tokens (1 = as when decoding). kCancelled.
  virtual Result<KvQuality> MeasureKv(std::span<const TokenId> tokens, const SessionOptions& options, int step,
                                      const CancelFlag* cancel,
                                      const std::function<void(float)>& progress = nullptr) = 0;
  // From the next call on at most `threads` of the workers compute (0 = all): less heat and noise, the same results.
  virtual void LimitThreads(int threads) = 0;
  // Runs `work`, which may call this engine and its sessions, on a thread of low priority, with workers of low
  // priority: whoever else wants the processor comes first. Returns when it is done and passes on what it throws. The
  // first call makes the workers.
  virtual void InBackground(const std::function<void()>& work) = 0;
  // From the next call on computations make way for others where `pauser` says so; null = never. It must stay valid for
  // as long as calls are made. Results do not depend on it, to the last bit.
  virtual void UsePauser(Pauser* pauser) = 0;
  // Bytes of activations and logits that are held now: a set for what computes, one for each computation that is paused
  // in the middle, and after the first pause a spare one. Any thread.
  virtual int64_t scratch_bytes() const = 0;
  // GGUF metadata with scalar or string values (and small arrays) as key -> text, for inspection and prompts'
  // templates.
  virtual const std::vector<std::pair<std::string, std::string>>& metadata() const = 0;
};

// ------------------------------------------------------------------------------------------------- kernels, inspection

struct KernelTableInfo {
  std::string name;
  std::string needs;       // instruction sets, in words
  bool supported = false;  // by this CPU
  bool allowed = false;    // by NIWAKI_CPU
};
// Best table first. The reference table "oracle" is never chosen on its own.
std::vector<KernelTableInfo> KernelTables();
// The table that Load would take for `name` ("" = best). An error for unknown, unsupported or disallowed names.
Result<std::string> ChooseKernels(std::string_view name);
// Small checks of every kernel of a table against the references (a second at most). For a child process before first
// use.
Status SelfTest(std::string_view kernels);

struct TensorSummary {
  std::string name;
  std::string type;            // "Q1_0", "F32", or "type 99" when unknown
  std::vector<int64_t> shape;  // ne[0] (the inner dimension) first, as in the file
  int64_t bytes = 0;
};
struct FileSummary {
  int32_t version = 0;
  int64_t file_bytes = 0;
  std::vector<std::pair<std::string, std::string>> metadata;  // arrays abbreviated: "[151669 strings]"
  std::vector<TensorSummary> tensors;
  std::string problem;      // why Load would refuse it; "" when it would not
  std::string fingerprint;  // as ModelInfo has it; "" when there is a problem
};
// Looks into any GGUF, also one that Load refuses.
Result<FileSummary> Inspect(const std::string& path);

}  // namespace niwaki
