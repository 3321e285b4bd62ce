#include "caches.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "kv/key_statistics.h"

namespace niwaki::kvbench {
namespace {

// As when the product takes statistics: a head's sums are added up in one order.
constexpr int64_t kStatisticsChunk = 16;

using Codecs = std::vector<KvCodec>;

CacheKind Real(const std::string& id, const std::string& what, const KvShape& shape, Codecs codecs, bool norms = false,
               const KernelTable* kernels = nullptr) {
  const int64_t values = int64_t{2} * 128 * shape.head_size * shape.kv_heads * shape.layers;
  const double bits = 8.0 *
                      static_cast<double>(CodedBytes(shape, codecs, 2 * KvCache::kPageTokens + 1) -
                                          CodedBytes(shape, codecs, KvCache::kPageTokens + 1)) /
                      static_cast<double>(values);
  return {id,
          what,
          bits,
          true,
          false,
          [codecs = std::move(codecs), norms, kernels](const Subject& subject, const Model& model, int64_t tokens) {
            return NewCodedKvCache(model.shape(), tokens, codecs, norms ? subject.norms_basis : subject.basis,
                                   kernels != nullptr ? *kernels : model.kernels());
          }};
}

void AddExplanations(const KvShape& shape, std::vector<CacheKind>* kinds) {
  const KvCodec four = {KvBits::k4, KvBits::k4};
  const KvCodec eight = {KvBits::k8, KvBits::k8};
  const auto all = [&](KvCodec codec) { return Codecs(static_cast<size_t>(shape.layers), codec); };
  kinds->push_back(Real("kv4-floats", "kv4, codes read in floats", shape, all(four), false, &kOracleKernels));
  kinds->push_back(Real("k8v4", "keys 8, values 4", shape, all({KvBits::k8, KvBits::k4})));
  kinds->push_back(Real("k4v8", "keys 4, values 8", shape, all({KvBits::k4, KvBits::k8})));
  for (int32_t layer = 0; layer < shape.layers; ++layer) {
    Codecs codecs = all(four);
    codecs[static_cast<size_t>(layer)] = eight;
    kinds->push_back(
        Real("kv4-but-" + std::to_string(layer), "kv4, layer " + std::to_string(layer) + " kv8", shape, codecs));
  }
  for (const int32_t edge : {1, 2}) {
    Codecs codecs = all(four);
    for (int32_t i = 0; i < edge; ++i) {
      codecs[static_cast<size_t>(i)] = eight;
      codecs[static_cast<size_t>(shape.layers - 1 - i)] = eight;
    }
    kinds->push_back(Real("kv4-edges-" + std::to_string(edge),
                          "kv4, first and last " + std::to_string(edge) + " layers kv8", shape, codecs));
  }
}

KvBits Bits(char digit) {
  if (digit != '3' && digit != '4' && digit != '8') {
    throw Failure("there are codes of 3, 4 and 8 bits");
  }
  return static_cast<KvBits>(digit - '0');
}

void AddMaps(const KvShape& shape, const std::string& maps, std::vector<CacheKind>* kinds) {
  std::istringstream each(maps);
  for (std::string map; std::getline(each, map, ';');) {
    Codecs codecs(static_cast<size_t>(shape.layers), {KvBits::k4, KvBits::k4});
    std::istringstream parts(map);
    for (std::string part; std::getline(parts, part, ',');) {
      const size_t equals = part.find('=');
      if (equals == std::string::npos || part.size() != equals + 3) {
        throw Failure("\"" + part + "\" is no layer and its bits, as 5=84");
      }
      codecs.at(std::stoul(part)) = {Bits(part[equals + 1]), Bits(part[equals + 2])};
    }
    kinds->push_back(Real("kv4:" + map, "kv4 but layers " + map, shape, codecs));
  }
}

}  // namespace

std::unique_ptr<Model> LoadSubject(const std::string& path, const std::string& kernels, int threads, bool twin) {
  return std::make_unique<Model>(path, kernels, threads, [twin](const ModelConfig& config, Weights& weights) {
    if (twin) {
      InjectOutliers(config, weights);
    }
  });
}

Subject MakeSubject(const std::string& path, bool twin, const std::vector<std::vector<TokenId>>& calibration) {
  Subject subject;
  subject.name = twin ? "twin" : "base";
  Model model(path, "", 1, [&](const ModelConfig& config, Weights& weights) {
    if (twin) {
      subject.twin = InjectOutliers(config, weights);
    }
  });
  const KvShape shape = model.shape();
  KeyStatistics statistics(shape);
  for (const std::vector<TokenId>& window : calibration) {
    const int64_t total = static_cast<int64_t>(window.size());
    const std::unique_ptr<KvCache> cache =
        WithConstants(shape, subject.twin, NewStatisticsCache(shape, total, model.kernels(), &statistics));
    for (int64_t at = 0; at < total; at += kStatisticsChunk) {
      const int64_t count = std::min(kStatisticsChunk, total - at);
      model.Extend(std::span(window).subspan(static_cast<size_t>(at), static_cast<size_t>(count)), at, *cache, total,
                   nullptr);
    }
  }
  subject.calibration = statistics.Calibration();
  subject.basis = NewKvBasis(shape, subject.calibration);
  std::vector<const float*> q_norm;
  std::vector<const float*> k_norm;
  for (const LayerWeights& layer : model.qwen().weights().layers) {
    q_norm.push_back(layer.q_norm.data());
    k_norm.push_back(layer.k_norm.data());
  }
  subject.norms = CalibrationFromNorms(shape, q_norm, k_norm);
  subject.norms_basis = NewKvBasis(shape, subject.norms);
  return subject;
}

std::vector<uint8_t> CarefulLayers(const std::string& path, int threads,
                                   const std::vector<std::vector<TokenId>>& calibration) {
  const std::unique_ptr<Engine> engine = Take(Engine::Load({.path = path, .threads = threads, .kernels = ""}));
  const KvCalibration learnt = Take(engine->CalibrateKv(calibration[0], nullptr));
  return Take(engine->FindCarefulLayers(calibration[0], {}, learnt, nullptr));
}

std::vector<CacheKind> CacheKinds(const KvShape& shape, const std::vector<uint8_t>& careful, bool explain,
                                  const std::string& maps) {
  std::vector<CacheKind> kinds;
  kinds.push_back({"f32", "32 bits", 32, false, false, [](const Subject&, const Model& model, int64_t tokens) {
                     return NewPlainCache(model.shape(), tokens, model.kernels(), false, nullptr);
                   }});
  kinds.push_back({"f16", "f16", 16, true, false, [](const Subject&, const Model& model, int64_t tokens) {
                     return NewF16KvCache(model.shape(), tokens, model.kernels());
                   }});
  for (const auto& [name, codec] : KvCodecs()) {
    if (!codec.exact()) {
      kinds.push_back(Real(name, name, shape, Codecs(static_cast<size_t>(shape.layers), codec)));
    }
  }
  Codecs careful_codecs;
  std::string careful_names;
  for (size_t layer = 0; layer < careful.size(); ++layer) {
    const KvBits bits = careful[layer] != 0 ? KvBits::k8 : KvBits::k4;
    careful_codecs.push_back({bits, bits});
    if (careful[layer] != 0) {
      careful_names += (careful_names.empty() ? "" : ", ") + std::to_string(layer);
    }
  }
  kinds.push_back(Real("kv4-careful", "kv4 with careful layers (" + careful_names + ")", shape, careful_codecs));
  kinds.push_back(Real("kv4-norms", "kv4 before any calibration text", shape,
                       Codecs(static_cast<size_t>(shape.layers), {KvBits::k4, KvBits::k4}), true));
  for (const NamedPlan& plan : SimulatedCodecs()) {
    kinds.push_back({plan.id, plan.what, PlanBits(plan.plan, shape.head_size), false, plan.ablation,
                     [plan = plan.plan](const Subject& subject, const Model& model, int64_t tokens) {
                       const auto codec = NewSimulated(plan, model.shape(), *subject.basis, subject.calibration);
                       return NewPlainCache(model.shape(), tokens, model.kernels(), true, codec);
                     }});
  }
  if (explain) {
    AddExplanations(shape, &kinds);
  }
  AddMaps(shape, maps, &kinds);
  return kinds;
}

}  // namespace niwaki::kvbench
