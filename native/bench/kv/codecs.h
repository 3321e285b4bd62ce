// Codecs that are compared with the product's, as what would be read back of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plain_cache.h"

namespace niwaki::kvbench {

// One codec of keys or values: a basis, and how its elements become codes.
struct SideCodec {
  enum class Rotation { kNone, kHadamard, kSigned };
  enum class Codes { k4, k3, k2, kUniform4, kBlocks4, kQjlGauss, kQjlOrthogonal, kTokens4, kChannels4 };
  bool mean = true;   // taken out before, by the calibration
  bool scale = true;  // divided out, by the calibration
  Rotation rotation = Rotation::kSigned;
  Codes codes = Codes::k4;
};
struct CodecPlan {
  SideCodec keys;
  SideCodec values;
};

// Bits a value of a page, scales included.
double PlanBits(const CodecPlan& plan, int32_t head_size);
std::shared_ptr<const PageCodec> NewSimulated(const CodecPlan& plan, const KvShape& shape, const KvBasis& basis,
                                              const KvCalibration& calibration);

struct NamedPlan {
  std::string id;
  std::string what;
  CodecPlan plan;
  bool ablation;  // must be worse than kv4
};
// All of them. "sim-kv4" has the product's own settings.
std::vector<NamedPlan> SimulatedCodecs();

}  // namespace niwaki::kvbench
