// The KV cache as the engine's users choose it: codecs, calibration, and how far a codec's predictions are from those
// of half precision.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/fingerprint.h"
#include "engine/session_impl.h"
#include "kv/key_statistics.h"

namespace niwaki {
namespace {

constexpr int64_t kFewestForCalibration = 256;
// Tokens that go through the model at once while statistics are taken: as many as one worker takes of a head, so that a
// head's sums are added up in the same order every time.
constexpr int64_t kCalibrationChunk = 16;
constexpr KvCodec kCareful{KvBits::k8, KvBits::k8};
constexpr double kWantedClear = 0.999;  // of FindCarefulLayers
constexpr double kClear = 0.1;          // difference of the two best logits from which they count as clear

double LogSumExp(const float* logits, size_t n) {
  const double top = *std::max_element(logits, logits + n);
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    sum += std::exp(logits[i] - top);
  }
  return top + std::log(sum);
}

}  // namespace

std::vector<KvCodec> LayerCodecs(const SessionOptions& options, int32_t layers, const std::vector<uint8_t>& careful) {
  std::vector<KvCodec> codecs(static_cast<size_t>(layers), options.codec);
  if (options.layer_codecs.empty() && options.codec != kCareful) {
    for (size_t i = 0; i < careful.size(); ++i) {
      codecs[i] = careful[i] != 0 ? kCareful : codecs[i];
    }
  }
  for (const auto& [layer, codec] : options.layer_codecs) {
    codecs[static_cast<size_t>(layer)] = codec;
  }
  return codecs;
}

Status CheckCodecs(const SessionOptions& options, const KvShape& shape) {
  for (const auto& [layer, codec] : options.layer_codecs) {
    if (layer < 0 || layer >= shape.layers) {
      return Status(StatusCode::kInvalidArgument, "a KV codec was given for layer " + std::to_string(layer) +
                                                      ", the model has " + std::to_string(shape.layers));
    }
    if (codec.exact() || options.codec.exact()) {
      return Status(StatusCode::kInvalidArgument, "either all layers keep 16 bits or none does");
    }
  }
  if (!options.codec.exact() && !CodesFit(shape.head_size)) {
    return Status(StatusCode::kUnsupported, "this model's heads have " + std::to_string(shape.head_size) +
                                                " values, and a compressed KV cache needs 32, 64, 128 or 256; choose "
                                                "the KV cache \"f16\" in the settings");
  }
  return Status();
}

Result<std::unique_ptr<KvCache>> EngineImpl::NewCache(const SessionOptions& options, int64_t context,
                                                      std::shared_ptr<KvPool> pool,
                                                      std::shared_ptr<const KvBasis> basis) const {
  basis = basis != nullptr ? std::move(basis) : basis_;
  const KvShape shape = KvShapeOf(info_);
  NIWAKI_RETURN_IF_ERROR(CheckCodecs(options, shape));
  KvCachePlace place(context, std::move(pool), options.user, [this](int64_t positions, float* cos, float* sin) {
    model_->rope().FillTurn(positions, cos, sin);
  });
  const std::vector<KvCodec> codecs = LayerCodecs(options, info_.layers, careful_);
  KvPageKind kind;
  kind.model = info_.fingerprint;
  for (const KvCodec& codec : codecs) {
    if (!kind.codecs.empty()) {
      kind.codecs += ' ';
    }
    kind.codecs += KvCodecText(codec);
  }
  // Sines and cosines come from the C library, and another one may differ in a bit.
  Fingerprint turned;
  std::vector<float> angles(static_cast<size_t>(shape.head_size));
  for (const int64_t position : {1, 127, 4099}) {
    model_->rope().FillTurn(position, angles.data(), angles.data() + shape.head_size / 2);
    turned.Add(angles.data(), angles.size() * sizeof(float));
  }
  kind.basis = (options.codec.exact() ? "" : basis->digest) + turned.Hex();
  kind.shape = shape;
  kind.kernels = KvKernelFamily(kernels_->name);
  place.kind = kind.Digest();
  place.store = PageStore(options.saved, kind);
  if (options.codec.exact()) {
    return NewF16KvCache(shape, place, *kernels_);
  }
  return NewCodedKvCache(shape, place, codecs, std::move(basis), *kernels_);
}

std::shared_ptr<const KvPageStore> EngineImpl::PageStore(const KvSavedPages& saved, const KvPageKind& kind) const {
  if (saved.root.empty()) {
    return nullptr;
  }
  std::erase_if(stores_, [](const auto& entry) { return entry.second.expired(); });
  const std::string budget = std::to_string(saved.budget);
  std::weak_ptr<const KvPageStore>& known =
      stores_[saved.root + '\n' + saved.folder + '\n' + budget + '\n' + kind.Text()];
  std::shared_ptr<const KvPageStore> store = known.lock();
  if (store == nullptr) {
    store = std::make_shared<const KvPageStore>(saved.root, saved.folder, kind, saved.budget);
    known = store;
  }
  return store;
}

KvCalibration EngineImpl::CalibrationOfNorms() const {
  std::vector<const float*> q;
  std::vector<const float*> k;
  for (const LayerWeights& layer : model_->weights().layers) {
    q.push_back(layer.q_norm.data());
    k.push_back(layer.k_norm.data());
  }
  return CalibrationFromNorms(KvShapeOf(info_), q, k);
}

Status EngineImpl::CheckKvCalibration(const KvCalibration& calibration) const {
  const size_t values =
      static_cast<size_t>(info_.layers) * static_cast<size_t>(info_.kv_heads) * static_cast<size_t>(info_.head_size);
  const auto finite = [](const std::vector<float>& numbers, bool positive) {
    return std::all_of(numbers.begin(), numbers.end(),
                       [positive](float x) { return std::isfinite(x) && (!positive || (x >= 1e-6f && x <= 1e6f)); });
  };
  if (calibration.key_mean.size() != values || calibration.key_scale.size() != values ||
      !finite(calibration.key_mean, false) || !finite(calibration.key_scale, true) ||
      (!calibration.careful.empty() && calibration.careful.size() != static_cast<size_t>(info_.layers))) {
    return Status(StatusCode::kInvalidArgument, "the KV calibration does not fit this model; make it again");
  }
  return Status();
}

Status EngineImpl::UseKvCalibration(KvCalibration calibration) {
  NIWAKI_RETURN_IF_ERROR(CheckKvCalibration(calibration));
  info_.kv_calibration = calibration.source;
  info_.kv_careful_layers = static_cast<int32_t>(std::count(calibration.careful.begin(), calibration.careful.end(), 1));
  careful_ = calibration.careful;
  basis_ = NewKvBasis(KvShapeOf(info_), calibration);
  kv_pool_->ForgetTrees();
  return Status();
}

Result<KvCalibration> EngineImpl::CalibrateKv(std::span<const TokenId> tokens, const CancelFlag* cancel,
                                              const std::function<void(float)>& progress,
                                              std::vector<KvLayerStatistics>* layers) {
  const int64_t total = std::min<int64_t>(static_cast<int64_t>(tokens.size()), info_.context_length);
  if (total < kFewestForCalibration) {
    return Status(StatusCode::kInvalidArgument, "a KV calibration needs a text of at least " +
                                                    std::to_string(kFewestForCalibration) + " tokens, this one has " +
                                                    std::to_string(total));
  }
  try {
    const KvShape shape = KvShapeOf(info_);
    KeyStatistics statistics(shape);
    SessionImpl session(*this, static_cast<int32_t>(total), NewStatisticsCache(shape, total, *kernels_, &statistics));
    for (int64_t done = 0; done < total; done += kCalibrationChunk) {
      const int64_t end = std::min(total, done + kCalibrationChunk);
      NIWAKI_RETURN_IF_ERROR(session.Sync(tokens.first(static_cast<size_t>(end)), cancel, nullptr, nullptr));
      if (progress) {
        progress(static_cast<float>(end) / static_cast<float>(total));
      }
    }
    if (layers != nullptr) {
      *layers = statistics.Layers();
    }
    return statistics.Calibration();
  } catch (const std::bad_alloc&) {
    return NoMemory();
  }
}

// Two sessions side by side, one of them in half precision, given the same tokens.
class KvComparison {
 public:
  KvComparison(EngineImpl& engine, std::unique_ptr<KvCache> exact, std::unique_ptr<KvCache> coded, int32_t context)
      : engine_(engine), exact_(engine, context, std::move(exact)), coded_(engine, context, std::move(coded)) {
    for (SessionImpl* session : {&exact_, &coded_}) {
      session->states_.resize(static_cast<size_t>(Qwen3::kMaxLogits * engine.info().embedding_length));
    }
  }

  Result<KvQuality> Run(std::span<const TokenId> tokens, KvCodec codec, int64_t step, const CancelFlag* cancel,
                        const std::function<void(float)>& progress) {
    const int64_t total = static_cast<int64_t>(tokens.size());
    for (int64_t at = 0; at < total; at += step) {
      const auto part = tokens.subspan(static_cast<size_t>(at), static_cast<size_t>(std::min(step, total - at)));
      const int64_t count = static_cast<int64_t>(part.size());
      NIWAKI_RETURN_IF_ERROR(Evaluate(exact_, part, cancel));
      const float* logits = engine_.model().Logits(exact_.states_.data(), count, {}, cancel);
      if (logits == nullptr) {
        return Cancelled();
      }
      reference_.assign(logits, logits + count * engine_.model().logits_stride());
      NIWAKI_RETURN_IF_ERROR(Evaluate(coded_, part, cancel));
      logits = engine_.model().Logits(coded_.states_.data(), count, {}, cancel);
      if (logits == nullptr) {
        return Cancelled();
      }
      for (int64_t i = 0; i < count; ++i) {
        if (cancel != nullptr && cancel->load()) {
          return Cancelled();  // a large vocabulary takes milliseconds a position
        }
        const int64_t next = at + i + 1;
        if (next > KvCache::kPageTokens) {  // earlier ones see no codes
          const int64_t row = i * engine_.model().logits_stride();
          Compare(reference_.data() + row, logits + row, next < total ? tokens[static_cast<size_t>(next)] : -1);
        }
      }
      if (progress) {
        progress(static_cast<float>(at + count) / static_cast<float>(total));
      }
      engine_.Between();
    }
    return Summary(codec);
  }

 private:
  // Every token's state is wanted.
  Status Evaluate(SessionImpl& session, std::span<const TokenId> part, const CancelFlag* cancel) {
    return session.Extend(part, static_cast<int64_t>(part.size()), cancel);
  }

  void Compare(const float* exact, const float* coded, TokenId next) {
    const size_t n = static_cast<size_t>(engine_.info().vocab_size);
    const double exact_sum = LogSumExp(exact, n);
    const double coded_sum = LogSumExp(coded, n);
    double kl = 0;
    for (size_t i = 0; i < n; ++i) {
      const double p = exact[i] - exact_sum;
      kl += std::exp(p) * (p - (coded[i] - coded_sum));
    }
    divergences_.push_back(std::max(0.0, kl));
    const float* best = std::max_element(exact, exact + n);
    const bool same = std::max_element(coded, coded + n) - coded == best - exact;
    agreed_ += same ? 1 : 0;
    float second = -std::numeric_limits<float>::infinity();
    for (size_t i = 0; i < n; ++i) {
      second = exact + i != best ? std::max(second, exact[i]) : second;
    }
    if (*best - second >= kClear) {
      ++clear_;
      clear_agreed_ += same ? 1 : 0;
    }
    if (next >= 0) {
      exact_loss_ += exact_sum - exact[next];
      coded_loss_ += coded_sum - coded[next];
      ++scored_;
    }
  }

  KvQuality Summary(KvCodec codec) {
    KvQuality quality;
    quality.codec = codec;
    quality.positions = static_cast<int64_t>(divergences_.size());
    quality.bytes = coded_.kv_bytes();
    quality.bytes_fp16 = exact_.kv_bytes();
    if (divergences_.empty()) {
      return quality;
    }
    std::sort(divergences_.begin(), divergences_.end());
    double sum = 0;
    for (const double kl : divergences_) {
      sum += kl;
    }
    const double count = static_cast<double>(divergences_.size());
    quality.mean_kl = sum / count;
    quality.p999_kl = divergences_[static_cast<size_t>(0.999 * (count - 1))];
    quality.max_kl = divergences_.back();
    quality.top1 = static_cast<double>(agreed_) / count;
    quality.clear_positions = clear_;
    quality.top1_clear = clear_ > 0 ? static_cast<double>(clear_agreed_) / static_cast<double>(clear_) : 1;
    const double scored = static_cast<double>(std::max<int64_t>(1, scored_));
    quality.perplexity_fp16 = std::exp(exact_loss_ / scored);
    quality.perplexity = std::exp(coded_loss_ / scored);
    return quality;
  }

  EngineImpl& engine_;
  SessionImpl exact_;
  SessionImpl coded_;
  std::vector<float> reference_;
  std::vector<double> divergences_;
  int64_t agreed_ = 0;
  int64_t clear_ = 0;
  int64_t clear_agreed_ = 0;
  int64_t scored_ = 0;
  double exact_loss_ = 0;
  double coded_loss_ = 0;
};

Result<KvQuality> EngineImpl::MeasureKv(std::span<const TokenId> tokens, const SessionOptions& options, int step,
                                        const CancelFlag* cancel, const std::function<void(float)>& progress) {
  return Measure(tokens, options, step, basis_, cancel, progress);
}

Result<KvQuality> EngineImpl::Measure(std::span<const TokenId> tokens, const SessionOptions& options, int step,
                                      std::shared_ptr<const KvBasis> basis, const CancelFlag* cancel,
                                      const std::function<void(float)>& progress) {
  tokens = tokens.first(std::min(tokens.size(), static_cast<size_t>(info_.context_length)));
  for (const TokenId id : tokens) {
    if (id < 0 || id >= info_.vocab_size) {
      return Status(StatusCode::kInvalidArgument, "the token " + std::to_string(id) + " does not exist in this model");
    }
  }
  const int32_t context = static_cast<int32_t>(tokens.size());
  try {
    Result<std::unique_ptr<KvCache>> exact = NewCache({context}, context, nullptr);
    Result<std::unique_ptr<KvCache>> coded = NewCache(options, context, nullptr, std::move(basis));
    if (!exact.ok() || !coded.ok()) {
      return exact.ok() ? coded.status() : exact.status();
    }
    KvComparison comparison(*this, std::move(exact.value()), std::move(coded.value()), context);
    return comparison.Run(tokens, options.codec, std::clamp<int64_t>(step, 1, Qwen3::kMaxLogits), cancel, progress);
  } catch (const std::bad_alloc&) {
    return NoMemory();
  }
}

Result<std::vector<uint8_t>> EngineImpl::FindCarefulLayers(std::span<const TokenId> tokens, KvCodec codec,
                                                           const KvCalibration& calibration, const CancelFlag* cancel,
                                                           const std::function<void(float)>& progress) {
  NIWAKI_RETURN_IF_ERROR(CheckKvCalibration(calibration));
  // Only the measured sessions go by it: others may be opened while this is paused.
  const std::shared_ptr<const KvBasis> basis = NewKvBasis(KvShapeOf(info_), calibration);
  const size_t layers = static_cast<size_t>(info_.layers);
  const size_t most = layers / 4;
  const float passes = static_cast<float>(layers + most + 1);
  float done = 0;
  const auto measure = [&](const SessionOptions& options) {
    Result<KvQuality> quality = Measure(tokens, options, Qwen3::kMaxLogits, basis, cancel, [&](float part) {
      if (progress) {
        progress((done + part) / passes);
      }
    });
    done += 1;
    return quality;
  };
  std::vector<std::pair<double, int32_t>> damage;
  for (int32_t layer = 0; layer < info_.layers; ++layer) {
    SessionOptions options(kCareful);
    options.layer_codecs = {{layer, codec}};
    const Result<KvQuality> quality = measure(options);
    if (!quality.ok()) {
      return quality.status();
    }
    damage.emplace_back(-quality.value().mean_kl, layer);
  }
  std::sort(damage.begin(), damage.end());
  std::vector<uint8_t> careful(layers);
  for (size_t count = 0;; ++count) {
    SessionOptions options(codec);
    for (int32_t layer = 0; layer < info_.layers; ++layer) {  // named one by one: what is in use now does not count
      options.layer_codecs.emplace_back(layer, careful[static_cast<size_t>(layer)] != 0 ? kCareful : codec);
    }
    const Result<KvQuality> quality = measure(options);
    if (!quality.ok()) {
      return quality.status();
    }
    if (quality.value().top1_clear >= kWantedClear || count == most) {
      return careful;
    }
    careful[static_cast<size_t>(damage[count].second)] = 1;
  }
}

}  // namespace niwaki
