// What a caller chooses of the KV cache: how keys and values are stored, and what is known of a model's keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "niwaki/status.h"

namespace niwaki {

// How a vector of head_size keys or values is stored. Codes are rotated (Walsh-Hadamard with fixed signs), scaled by
// their own length and looked up in a Lloyd-Max codebook, as in TurboQuant (Zandieh et al. 2025, arXiv 2504.19874,
// without its QJL stage) and before it in DRIVE, EDEN and HIGGS.
enum class KvBits : uint8_t { k3 = 3, k4 = 4, k8 = 8, k16 = 16 };

// A codec of the whole cache, by the name that settings and files use.
struct KvCodec {
  KvBits keys = KvBits::k4;
  KvBits values = KvBits::k4;
  bool operator==(const KvCodec&) const = default;
  // True when pages are never turned into codes.
  bool exact() const { return keys == KvBits::k16; }
};
// "f16" 16 bits a value; "kv8" 8 and 8; "kv4" 4 and 4, the default; "kv43" keys 4, values 3; "kv3" 3 and 3,
// experimental. In the order of their sizes, the largest first.
struct KvCodecName {
  const char* name;
  KvCodec codec;
};
const std::vector<KvCodecName>& KvCodecs();
// kInvalidArgument, listing the names, for any other text.
Result<KvCodec> ParseKvCodec(std::string_view name);
// "kv4"; for pairs without a name, "k8v4".
std::string KvCodecText(KvCodec codec);

struct KvShape {
  int32_t layers = 0;
  int32_t kv_heads = 0;
  int32_t head_size = 0;
};

// Whether codes can be made of heads of this size. Where not, a cache keeps 16 bits.
bool CodesFit(int32_t head_size);

// What is taken from keys before they are quantised, and given back to the queries; neither changes a score by more
// than rounding. [layers, kv_heads, head_size] each.
struct KvCalibration {
  std::vector<float> key_mean;   // subtracted from every key: moves all scores of a query by the same amount
  std::vector<float> key_scale;  // keys are divided by it, queries multiplied; > 0
  std::string source;            // "text", or "norms" when it was derived from the model's norm weights alone
  // [layers] or empty: 1 where a layer keeps 8 bits a value under a codec of fewer, because measurement has shown that
  // most of the damage is done there (Engine::FindCarefulLayers).
  std::vector<uint8_t> careful = {};
};
// The calibration as bytes for a file, with a magic number, a version, the shape, the model's fingerprint and a
// checksum.
std::vector<uint8_t> SerializeKvCalibration(const KvCalibration& calibration, const KvShape& shape,
                                            std::string_view fingerprint);
// kBadFile when the bytes are damaged, kUnsupported when they are of another version, kInvalidArgument when they belong
// to another model; each says what to do.
Result<KvCalibration> ParseKvCalibration(const std::vector<uint8_t>& bytes, const KvShape& shape,
                                         std::string_view fingerprint);

// Bytes that a session's cache holds when it holds `tokens` tokens: codes, scales, and the tokens that stay in half
// precision: the first ones, the page at hand and, until that one has more than 64 tokens, the page before it.
// `careful` layers keep 8 bits.
int64_t KvBytes(const KvShape& shape, KvCodec codec, int64_t tokens, int32_t careful = 0);
// The most that it holds on its way to `tokens` tokens.
int64_t KvPeakBytes(const KvShape& shape, KvCodec codec, int64_t tokens, int32_t careful = 0);
// The most tokens, a whole number of pages, on the way to which the cache always fits into `bytes`; 0 when not even one
// page does.
int64_t KvTokensWithin(const KvShape& shape, KvCodec codec, int64_t bytes, int32_t careful = 0);

// Whose tokens a session computes, for the counters.
enum class KvUser : uint8_t { kCompletion, kChat, kAgent, kOther };
inline constexpr int kKvUsers = 4;

// Prompt tokens since the model was loaded. What a prompt has is reused, shared, restored or
// shifted, and the rest computed.
struct KvTokenCounts {
  int64_t reused = 0;    // the session itself had them
  int64_t shared = 0;    // another session had computed them
  int64_t restored = 0;  // they were on disk
  int64_t shifted = 0;   // the session had them behind an edit and moved them: approximate
  int64_t computed = 0;
  int64_t evicted = 0;  // their memory was needed for others
};
struct KvCounters {
  KvTokenCounts users[kKvUsers];
  KvTokenCounts& of(KvUser user) { return users[static_cast<size_t>(user)]; }
};

// Where a session looks for pages on disk, and saves them: kv/page_store.h.
struct KvSavedPages {
  std::string root;    // a folder, UTF-8; "" = nowhere
  std::string folder;  // in it, 32 hex digits: pages are found again under the same one
  int64_t budget = 0;  // bytes that all folders of the root may take; 0 saves nothing
};

// A page that is to be saved: a copy, so that writing it needs neither the session nor the engine.
struct KvUnsavedPage {
  int64_t page = -1;              // its number in the timeline; -1 = there is none
  std::function<Status()> write;  // any thread; waits for the disk
};

// How far a codec's predictions are from those of the fp16 cache, over one text, teacher-forced.
struct KvQuality {
  KvCodec codec;
  int64_t positions = 0;  // that were compared: those whose attention reads codes
  double mean_kl = 0;     // nats, KL(fp16 || codec) of the next token's distribution
  double p999_kl = 0;     // 99.9th percentile
  double max_kl = 0;
  double top1 = 0;        // share of positions with the same likeliest token
  double top1_clear = 0;  // the same where fp16's two best logits differ by >= 0.1
  int64_t clear_positions = 0;
  double perplexity_fp16 = 0;  // of the text
  double perplexity = 0;
  int64_t bytes = 0;  // that the session's cache held at the end
  int64_t bytes_fp16 = 0;
};

// What a layer's keys look like, before and after calibration (for reports).
struct KvLayerStatistics {
  double mean_ratio = 0;     // share of the keys' energy that is their mean
  double channel_ratio = 0;  // loudest channel's root mean square over the median channel's, mean removed
  double scaled_ratio = 0;   // the same after key_scale
};

}  // namespace niwaki
