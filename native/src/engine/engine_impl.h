// The loaded model behind niwaki::Engine, as sessions see it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "kv/page_store.h"
#include "kv/pool.h"
#include "model/qwen3.h"
#include "niwaki/engine.h"

namespace niwaki {

class EngineImpl final : public Engine {
 public:
  static Result<std::unique_ptr<Engine>> New(const LoadOptions& options, const CancelFlag* cancel,
                                             const std::function<void(float)>& progress);

  const ModelInfo& info() const override { return info_; }
  const niwaki::Tokenizer& tokenizer() const override { return *tokenizer_; }
  Result<std::unique_ptr<Session>> NewSession(const SessionOptions& options) override;
  Result<KvCalibration> CalibrateKv(std::span<const TokenId> tokens, const CancelFlag* cancel,
                                    const std::function<void(float)>& progress,
                                    std::vector<KvLayerStatistics>* layers) override;
  Result<std::vector<uint8_t>> FindCarefulLayers(std::span<const TokenId> tokens, KvCodec codec,
                                                 const KvCalibration& calibration, const CancelFlag* cancel,
                                                 const std::function<void(float)>& progress) override;
  Status UseKvCalibration(KvCalibration calibration) override;
  Result<KvQuality> MeasureKv(std::span<const TokenId> tokens, const SessionOptions& options, int step,
                              const CancelFlag* cancel, const std::function<void(float)>& progress) override;
  void LimitThreads(int threads) override;
  void InBackground(const std::function<void()>& work) override;
  void UsePauser(Pauser* pauser) override;
  int64_t scratch_bytes() const override { return model_->sets() * info_.scratch_bytes; }
  const std::vector<std::pair<std::string, std::string>>& metadata() const override { return metadata_; }
  void SetKvBudget(int64_t bytes) override { kv_pool_->SetBudget(bytes); }
  int64_t kv_bytes() const override { return kv_pool_->bytes(); }
  KvCounters kv_counters() const override { return kv_pool_->counters(); }

  Qwen3& model() { return *model_; }
  const KernelTable& kernels() const { return *kernels_; }
  // To be called where a session or a measurement needs nothing of the activations any more: others may compute now.
  void Between();
  // How often a computation has made way for others so far. Times that were taken across a change are none.
  int64_t pauses() const { return pauses_; }
  // An empty cache, in a pool of its own when `pool` is null. `basis` null = what is in use. kUnsupported where codes
  // cannot be made of the model's heads.
  Result<std::unique_ptr<KvCache>> NewCache(const SessionOptions& options, int64_t context,
                                            std::shared_ptr<KvPool> pool,
                                            std::shared_ptr<const KvBasis> basis = nullptr) const;
  KvPool& kv_pool() { return *kv_pool_; }
  // Null when the options name none.
  std::shared_ptr<const KvPageStore> PageStore(const KvSavedPages& saved, const KvPageKind& kind) const;
  // [vocab_size]: 1 for ids that are never sampled: control tokens that do not end a text, and rows without a token.
  const std::vector<uint8_t>& never() const { return never_; }
  // Tokens that end a text: end of sequence and turn, and the markers that can only follow a finished completion.
  bool ends_text(TokenId id) const;
  const std::vector<TokenId>& ends() const { return ends_; }

 private:
  EngineImpl() = default;
  void FindEnds(const GgufFile& file);
  void LetPause(ThreadPool& pool);
  // The workers have seen Pauser::wanted and stopped.
  void Pause();
  // Lets others compute in `wait`, and then puts back what they may have changed: the pool in use and its limit.
  void MakeWay(const std::function<void()>& wait);
  Result<KvQuality> Measure(std::span<const TokenId> tokens, const SessionOptions& options, int step,
                            std::shared_ptr<const KvBasis> basis, const CancelFlag* cancel,
                            const std::function<void(float)>& progress);
  KvCalibration CalibrationOfNorms() const;
  Status CheckKvCalibration(const KvCalibration& calibration) const;

  ModelInfo info_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  std::unique_ptr<niwaki::Tokenizer> tokenizer_;
  const KernelTable* kernels_ = nullptr;
  std::unique_ptr<ThreadPool> pool_;
  // The same number at low priority; null before the first InBackground. A set of its own, because a thread that has
  // been lowered stays so.
  std::unique_ptr<ThreadPool> background_pool_;
  int thread_limit_ = 0;
  Pauser* pauser_ = nullptr;
  int64_t pauses_ = 0;
  std::unique_ptr<Qwen3> model_;
  std::vector<TokenId> ends_;
  std::vector<uint8_t> never_;
  std::shared_ptr<const KvBasis> basis_;  // of sessions opened from now on
  std::vector<uint8_t> careful_;          // layers; may be empty
  // Of saved pages, by their place and kind: opening one tidies the folder.
  mutable std::map<std::string, std::weak_ptr<const KvPageStore>> stores_;
  const std::shared_ptr<KvPool> kv_pool_ = std::make_shared<KvPool>();
};

// One codec a layer; `careful` ([layers] or empty) counts where the options name no layer.
std::vector<KvCodec> LayerCodecs(const SessionOptions& options, int32_t layers, const std::vector<uint8_t>& careful);
// kUnsupported or kInvalidArgument where the cache that is asked for cannot be made.
Status CheckCodecs(const SessionOptions& options, const KvShape& shape);

std::unique_ptr<Session> NewSessionImpl(EngineImpl& engine, int32_t context, std::unique_ptr<KvCache> cache,
                                        const SessionOptions& options);

}  // namespace niwaki
