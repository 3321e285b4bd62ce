// A cache of floats, for references and for codecs that the product does not have: those are simulated by what they
// would read back. Sinks and tail are like the product's, so that rows of a table differ in the codes alone.
#pragma once

#include <memory>
#include <string>

#include "kv/cache.h"

namespace niwaki::kvbench {

inline constexpr int64_t kSinkTokens = 32;  // as kv/coded_cache.cc keeps

// What a codec makes of a page that is full.
class PageCodec {
 public:
  virtual ~PageCodec() = default;
  // Replaces keys and values [128, head_size] of tokens `first` .. 127 by what would be read back of their codes.
  // `head` counts all kv heads of all layers.
  virtual void Seal(int64_t head, int64_t first, float* keys, float* values) const = 0;
};

// Without a codec everything stays; `halves`: what is stored is rounded to half precision.
std::unique_ptr<KvCache> NewPlainCache(const KvShape& shape, int64_t max_tokens, const KernelTable& kernels,
                                       bool halves, std::shared_ptr<const PageCodec> codec);

}  // namespace niwaki::kvbench
