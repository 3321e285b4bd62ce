#include <algorithm>
#include <future>
#include <new>
#include <string>

#include "engine/engine_impl.h"
#include "kernels/dispatch.h"
#include "tokenizer/tokenizer.h"

namespace niwaki {
namespace {

constexpr const char* kNoMemory =
    "there is not enough memory for this model; close other programs or choose a smaller model";

// Before the tokens are looked at: a damaged count must not cost memory for as many.
Status CheckVocabulary(const GgufFile& file, const ModelConfig& config) {
  const Result<const GgufArray*> tokens = file.Array("tokenizer.ggml.tokens");
  if (!tokens.ok() || tokens.value()->count <= static_cast<uint64_t>(config.vocab_size)) {
    return Status();  // that there are none is for the tokenizer to say
  }
  return Status(StatusCode::kBadFile, "tokenizer.ggml.tokens has " + std::to_string(tokens.value()->count) +
                                          " entries, token_embd.weight only " + std::to_string(config.vocab_size) +
                                          " rows; the file was written by a faulty tool");
}

// Header, tensors and tokenizer of a file, checked as far as possible before anything large is allocated.
struct Checked {
  std::unique_ptr<GgufFile> file;
  ModelConfig config;
};

Result<Checked> Check(const std::string& path) {
  Result<std::unique_ptr<GgufFile>> file = GgufFile::Open(path);
  if (!file.ok()) {
    return file.status();
  }
  const auto located = [&](const Status& status) {
    return Status(status.code(), "\"" + path + "\": " + status.message());
  };
  const Result<ModelConfig> config = ReadConfig(*file.value());
  if (!config.ok()) {
    return located(config.status());
  }
  const Status tensors = CheckTensors(*file.value(), config.value());
  if (!tensors.ok()) {
    return located(tensors);
  }
  const Status vocabulary = CheckVocabulary(*file.value(), config.value());
  if (!vocabulary.ok()) {
    return located(vocabulary);
  }
  return Checked{std::move(file.value()), config.value()};
}

int64_t KvBytesPerToken(const ModelConfig& config) {
  return KvCache::BytesPerTokenF16({config.layers, config.kv_heads, config.head_size});
}

}  // namespace

const char* StopReasonName(StopReason reason) {
  switch (reason) {
    case StopReason::kEndOfText:
      return "end_of_text";
    case StopReason::kStopToken:
      return "stop_token";
    case StopReason::kStopString:
      return "stop_string";
    case StopReason::kMaxTokens:
      return "max_tokens";
    case StopReason::kContextFull:
      return "context_full";
    case StopReason::kCallback:
      return "callback";
    case StopReason::kCancelled:
      return "cancelled";
  }
  return "cancelled";
}

Result<std::unique_ptr<Engine>> EngineImpl::New(const LoadOptions& options, const CancelFlag* cancel,
                                                const std::function<void(float)>& progress) {
  const Result<const KernelTable*> kernels = FindKernelTable(options.kernels);
  if (!kernels.ok()) {
    return kernels.status();
  }
  Result<Checked> checked = Check(options.path);
  if (!checked.ok()) {
    return checked.status();
  }
  const GgufFile& file = *checked.value().file;
  const ModelConfig& config = checked.value().config;

  std::unique_ptr<EngineImpl> engine(new EngineImpl());
  engine->kernels_ = kernels.value();
  engine->pool_ = std::make_unique<ThreadPool>(options.threads);
  // A vocabulary takes one thread a quarter of a second, in which the others read weights.
  auto making = std::async(std::launch::async, [&file] { return NewTokenizer(file); });
  Result<Weights> weights = LoadWeights(file, config, engine->kernels_->layout, *engine->pool_, cancel, progress);
  Result<std::unique_ptr<niwaki::Tokenizer>> tokenizer = making.get();
  if (!tokenizer.ok()) {
    return Status(tokenizer.status().code(), "\"" + options.path + "\": " + tokenizer.status().message());
  }
  if (!weights.ok()) {
    return weights.status();
  }
  engine->tokenizer_ = std::move(tokenizer.value());
  const int64_t weight_bytes = weights.value().bytes;
  engine->model_ = Qwen3::New(config, std::move(weights.value()), *engine->kernels_, *engine->pool_);
  if (engine->model_ == nullptr) {
    return Status(StatusCode::kOutOfMemory, kNoMemory);
  }

  ModelInfo& info = engine->info_;
  info.path = options.path;
  info.name = config.name;
  info.architecture = config.architecture;
  info.kernels = engine->kernels_->name;
  info.threads = engine->pool_->threads();
  info.file_bytes = file.file_bytes();
  for (const GgufTensor& tensor : file.tensors()) {
    info.parameters += tensor.elements();
  }
  info.weight_bytes = weight_bytes;
  info.scratch_bytes = Qwen3::ScratchBytes(config, *engine->kernels_);
  info.context_length = config.context_length;
  info.vocab_size = config.vocab_size;
  info.layers = config.layers;
  info.embedding_length = config.embedding_length;
  info.heads = config.heads;
  info.kv_heads = config.kv_heads;
  info.head_size = config.head_size;
  info.kv_bytes_per_token = KvBytesPerToken(config);
  info.tied_head = config.tied_head;
  info.fingerprint = engine->model_->weights().fingerprint.Hex();
  for (const auto& [key, value] : file.metadata()) {
    engine->metadata_.emplace_back(key, GgufValueText(value));
  }
  engine->FindEnds(file);
  NIWAKI_RETURN_IF_ERROR(engine->UseKvCalibration(engine->CalibrationOfNorms()));
  return std::unique_ptr<Engine>(std::move(engine));
}

void EngineImpl::FindEnds(const GgufFile& file) {
  // The FIM padding, repository and file markers cannot belong to a completion: a model that writes one has finished
  // it.
  for (const char* key : {"eos", "eot", "eom", "padding", "fim_pad", "fim_rep", "fim_sep"}) {
    const Result<int64_t> id = file.Int("tokenizer.ggml." + std::string(key) + "_token_id");
    if (id.ok() && id.value() >= 0 && id.value() < tokenizer_->size()) {
      ends_.push_back(static_cast<TokenId>(id.value()));
    }
  }
  // Files that do not name their FIM and turn markers are recognised by the markers' texts, as llama.cpp does.
  for (const char* text : {"<|endoftext|>", "<|im_end|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"}) {
    const TokenId id = tokenizer_->Find(text);
    if (id >= 0 && tokenizer_->IsControl(id)) {
      ends_.push_back(id);
    }
  }
  never_.assign(static_cast<size_t>(info_.vocab_size), 0);
  for (int32_t id = 0; id < info_.vocab_size; ++id) {
    const bool has_token = id < tokenizer_->size() && !tokenizer_->Bytes(id).empty();
    if (!has_token || (tokenizer_->IsControl(id) && !ends_text(id))) {
      never_[static_cast<size_t>(id)] = 1;
    }
  }
}

bool EngineImpl::ends_text(TokenId id) const { return std::find(ends_.begin(), ends_.end(), id) != ends_.end(); }

Result<std::unique_ptr<Session>> EngineImpl::NewSession(const SessionOptions& options) {
  if (options.context < 0) {
    return Status(StatusCode::kInvalidArgument,
                  "a session of " + std::to_string(options.context) + " tokens was asked for");
  }
  const int32_t most = info_.context_length;
  const int32_t context = options.context == 0 ? most : std::min(options.context, most);
  try {
    Result<std::unique_ptr<KvCache>> cache = NewCache(options, context, options.isolated ? nullptr : kv_pool_);
    if (!cache.ok()) {
      return cache.status();
    }
    return NewSessionImpl(*this, context, std::move(cache.value()), options);
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, kNoMemory);
  }
}

Result<std::unique_ptr<Engine>> Engine::Load(const LoadOptions& options, const CancelFlag* cancel,
                                             const std::function<void(float)>& progress) {
  try {
    return EngineImpl::New(options, cancel, progress);
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, kNoMemory);
  }
}

Result<MemoryEstimate> Engine::Estimate(const LoadOptions& options, const SessionOptions& session) {
  const Result<const KernelTable*> kernels = FindKernelTable(options.kernels);
  if (!kernels.ok()) {
    return kernels.status();
  }
  const Result<Checked> checked = Check(options.path);
  if (!checked.ok()) {
    return checked.status();
  }
  const ModelConfig& config = checked.value().config;
  const int64_t tokens = session.context > 0 ? std::min(session.context, config.context_length) : config.context_length;
  MemoryEstimate estimate;
  estimate.weights = WeightBytes(*checked.value().file);
  const KvShape shape = {config.layers, config.kv_heads, config.head_size};
  NIWAKI_RETURN_IF_ERROR(CheckCodecs(session, shape));
  estimate.kv = session.codec.exact() ? KvBytes(shape, session.codec, tokens)
                                      : CodedBytes(shape, LayerCodecs(session, config.layers, {}), tokens);
  estimate.scratch = Qwen3::ScratchBytes(config, *kernels.value());
  estimate.mapped = checked.value().file->file_bytes();
  return estimate;
}

Result<FileSummary> Inspect(const std::string& path) {
  const Result<std::unique_ptr<GgufFile>> file = GgufFile::Open(path);
  if (!file.ok()) {
    return file.status();
  }
  FileSummary summary;
  summary.version = static_cast<int32_t>(file.value()->version());
  summary.file_bytes = file.value()->file_bytes();
  for (const auto& [key, value] : file.value()->metadata()) {
    summary.metadata.emplace_back(key, GgufValueText(value));
  }
  for (const GgufTensor& tensor : file.value()->tensors()) {
    summary.tensors.push_back({std::string(tensor.name), TensorTypeName(tensor.type), tensor.shape,
                               static_cast<int64_t>(tensor.data.size())});
  }
  const Result<ModelConfig> config = ReadConfig(*file.value());
  Status problem = config.ok() ? CheckTensors(*file.value(), config.value()) : config.status();
  if (problem.ok()) {
    problem = CheckVocabulary(*file.value(), config.value());
  }
  if (problem.ok()) {
    problem = NewTokenizer(*file.value()).status();
  }
  summary.problem = problem.message();
  if (problem.ok()) {
    summary.fingerprint = FingerprintOf(*file.value()).Hex();
  }
  return summary;
}

}  // namespace niwaki
