// Names and sizes of codecs.
#include <algorithm>
#include <string>

#include "kv/cache.h"

namespace niwaki {

const std::vector<KvCodecName>& KvCodecs() {
  static const std::vector<KvCodecName> codecs = {
      {"f16", {KvBits::k16, KvBits::k16}}, {"kv8", {KvBits::k8, KvBits::k8}}, {"kv4", {KvBits::k4, KvBits::k4}},
      {"kv43", {KvBits::k4, KvBits::k3}},  {"kv3", {KvBits::k3, KvBits::k3}},
  };
  return codecs;
}

Result<KvCodec> ParseKvCodec(std::string_view name) {
  std::string names;
  for (const KvCodecName& known : KvCodecs()) {
    if (name == known.name) {
      return known.codec;
    }
    if (!names.empty()) {
      names += ", ";
    }
    names += known.name;
  }
  return Status(StatusCode::kInvalidArgument,
                "there is no KV cache codec \"" + std::string(name) + "\"; choose one of " + names);
}

std::string KvCodecText(KvCodec codec) {
  for (const KvCodecName& known : KvCodecs()) {
    if (codec == known.codec) {
      return known.name;
    }
  }
  std::string text = "k";
  text += std::to_string(static_cast<int>(codec.keys));
  text += 'v';
  text += std::to_string(static_cast<int>(codec.values));
  return text;
}

Status KvCache::Overflow(int64_t tokens, int64_t most) {
  return Status(StatusCode::kContextOverflow, "the text has " + std::to_string(tokens) +
                                                  " tokens, this session holds " + std::to_string(most) +
                                                  "; shorten it, or raise the context size in the settings");
}

Status KvCache::NoMemory(int64_t bytes) {
  return Status(StatusCode::kOutOfMemory, "there is no memory for " + std::to_string((bytes >> 20) + 1) +
                                              " MB more of context; close other programs or lower the context size");
}

int64_t KvBytes(const KvShape& shape, KvCodec codec, int64_t tokens, int32_t careful) {
  if (codec.exact()) {
    return (tokens + KvCache::kPageTokens - 1) / KvCache::kPageTokens * KvCache::kPageTokens *
           KvCache::BytesPerTokenF16(shape);
  }
  std::vector<KvCodec> codecs(static_cast<size_t>(shape.layers), codec);
  std::fill_n(codecs.begin(), std::clamp(careful, 0, shape.layers), KvCodec{KvBits::k8, KvBits::k8});
  return CodedBytes(shape, codecs, tokens);
}

int64_t KvPeakBytes(const KvShape& shape, KvCodec codec, int64_t tokens, int32_t careful) {
  // Least half precision is held at a page's end, most just behind it.
  const int64_t border = tokens > 0 ? (tokens - 1) / KvCache::kPageTokens * KvCache::kPageTokens : 0;
  return std::max(KvBytes(shape, codec, tokens, careful), KvBytes(shape, codec, std::min(tokens, border + 1), careful));
}

int64_t KvTokensWithin(const KvShape& shape, KvCodec codec, int64_t bytes, int32_t careful) {
  // Sizes grow with every page; 2^31 tokens are more than any model's context.
  int64_t low = 0;
  int64_t high = (int64_t{1} << 31) / KvCache::kPageTokens;
  while (low < high) {
    const int64_t pages = (low + high + 1) / 2;
    if (KvPeakBytes(shape, codec, pages * KvCache::kPageTokens, careful) <= bytes) {
      low = pages;
    } else {
      high = pages - 1;
    }
  }
  return low * KvCache::kPageTokens;
}

}  // namespace niwaki
