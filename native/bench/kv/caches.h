// All caches that are compared, by name, for a model and for its twin.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "codecs.h"
#include "program.h"
#include "twin.h"

namespace niwaki::kvbench {

// The embedded model or its twin: how its weights are changed, and what its calibration is made of.
struct Subject {
  std::string name;
  Twin twin;
  KvCalibration calibration;  // of the calibration text
  std::shared_ptr<const KvBasis> basis;
  KvCalibration norms;  // as before any text was read
  std::shared_ptr<const KvBasis> norms_basis;
};
// `calibration`: windows of the calibration text.
Subject MakeSubject(const std::string& path, bool twin, const std::vector<std::vector<TokenId>>& calibration);
std::unique_ptr<Model> LoadSubject(const std::string& path, const std::string& kernels, int threads, bool twin);

struct CacheKind {
  std::string id;
  std::string what;
  double bits;    // a value, scales included
  bool real;      // the product's own cache
  bool ablation;  // must be worse than kv4
  std::function<std::unique_ptr<KvCache>(const Subject&, const Model&, int64_t max_tokens)> make;
};
// "f32", "f16", the product's codecs, and simulated ones. With `explain` also where kv4's divergence comes from: keys
// and values apart, single layers with 8 bits, codes read in floats. `maps`: kv4 with other bits in some layers, for
// example "5=88" (layer 5: keys 8, values 8) or "5=84,7=84;0=88" (two caches).
// "kv4-careful": kv4 as the product has it once a calibration has found its careful layers ([layers] of 0 and 1).
std::vector<CacheKind> CacheKinds(const KvShape& shape, const std::vector<uint8_t>& careful, bool explain,
                                  const std::string& maps);
// Those layers, found by the product on a window of the calibration text.
std::vector<uint8_t> CarefulLayers(const std::string& path, int threads,
                                   const std::vector<std::vector<TokenId>>& calibration);

}  // namespace niwaki::kvbench
