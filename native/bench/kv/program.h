// What the program's parts share: how they fail, their arguments, and models loaded with weights that may be changed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "gguf/gguf.h"
#include "kernels/kernel_table.h"
#include "kv/cache.h"
#include "model/qwen3.h"
#include "niwaki/engine.h"

namespace niwaki::kvbench {

// A run that cannot go on; main says why.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline void Check(const Status& status) {
  if (!status.ok()) {
    throw Failure(status.message());
  }
}
template <typename T>
T Take(Result<T> result) {
  Check(result.status());
  return std::move(result.value());
}

// "--name value" pairs.
class Arguments {
 public:
  Arguments(int argc, char** argv);
  std::string Text(const std::string& name) const;  // a Failure when it is missing
  std::string Text(const std::string& name, const std::string& otherwise) const;
  int64_t Integer(const std::string& name, int64_t otherwise) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

// One model in the hands of one thread.
class Model {
 public:
  // `change` may alter the weights before the model is made of them.
  Model(const std::string& path, const std::string& kernels, int threads,
        const std::function<void(const ModelConfig&, Weights&)>& change = nullptr);

  const ModelConfig& config() const { return config_; }
  KvShape shape() const { return {config_.layers, config_.kv_heads, config_.head_size}; }
  const niwaki::Tokenizer& tokenizer() const { return *tokenizer_; }
  const KernelTable& kernels() const { return *kernels_; }
  ThreadPool& pool() { return *pool_; }
  Qwen3& qwen() { return *qwen_; }
  size_t vocabulary() const { return static_cast<size_t>(config_.vocab_size); }

  // Appends tokens at `begin` to the cache, in chunks that do not cross pages, as a session does. `each` (may be null)
  // gets the logits after every token from position `from` on.
  void Extend(std::span<const TokenId> tokens, int64_t begin, KvCache& cache, int64_t from,
              const std::function<void(int64_t position, const float* logits)>& each);

 private:
  ModelConfig config_;
  std::unique_ptr<niwaki::Tokenizer> tokenizer_;
  const KernelTable* kernels_ = nullptr;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<Qwen3> qwen_;
  std::vector<float> states_;
};

std::string ReadText(const std::string& path);
// What the process holds in memory, by the system's account. A Failure where the system does not say.
int64_t ResidentBytes();

// Calls work(index, worker) for every index, `workers` of them at a time; a Failure in one is a Failure of all.
void InParallel(int64_t count, int workers, const std::function<void(int64_t index, int worker)>& work);

// Each prints one JSON object.
void RunQuality(const Arguments& arguments);
void RunFree(const Arguments& arguments);
void RunPasskey(const Arguments& arguments);
void RunBytes(const Arguments& arguments);
void RunAttention(const Arguments& arguments);
void RunEncode(const Arguments& arguments);
void RunPrefixReuse(const Arguments& arguments);
void RunPrefixFork(const Arguments& arguments);
void RunPrefixShift(const Arguments& arguments);
void RunPrefixEm(const Arguments& arguments);
void RunPrefixRestore(const Arguments& arguments);
void RunPrefixSoak(const Arguments& arguments);
void RunCorruption(const Arguments& arguments);
void RunPages(const Arguments& arguments);

}  // namespace niwaki::kvbench
