#include "program.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "kernels/dispatch.h"
#include "tokenizer/tokenizer.h"

namespace niwaki::kvbench {

Arguments::Arguments(int argc, char** argv) {
  for (int i = 0; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name.rfind("--", 0) != 0) {
      throw Failure("\"" + name + "\" is no option");
    }
    values_.emplace_back(name.substr(2), argv[i + 1]);
  }
  if (argc % 2 != 0) {
    throw Failure(std::string(argv[argc - 1]) + " has no value");
  }
}

std::string Arguments::Text(const std::string& name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) {
      return value;
    }
  }
  throw Failure("--" + name + " is missing");
}

std::string Arguments::Text(const std::string& name, const std::string& otherwise) const {
  for (const auto& [key, value] : values_) {
    if (key == name) {
      return value;
    }
  }
  return otherwise;
}

int64_t Arguments::Integer(const std::string& name, int64_t otherwise) const {
  return std::stoll(Text(name, std::to_string(otherwise)));
}

Model::Model(const std::string& path, const std::string& kernels, int threads,
             const std::function<void(const ModelConfig&, Weights&)>& change) {
  const std::unique_ptr<GgufFile> file = Take(GgufFile::Open(path));
  config_ = Take(ReadConfig(*file));
  Check(CheckTensors(*file, config_));
  tokenizer_ = Take(NewTokenizer(*file));
  kernels_ = Take(FindKernelTable(kernels));
  pool_ = std::make_unique<ThreadPool>(threads);
  Weights weights = Take(LoadWeights(*file, config_, kernels_->layout, *pool_, nullptr, nullptr));
  Check(file->Check());
  if (change) {
    change(config_, weights);
  }
  qwen_ = Qwen3::New(config_, std::move(weights), *kernels_, *pool_);
  if (qwen_ == nullptr) {
    throw Failure("there is no memory for the model");
  }
  states_.resize(static_cast<size_t>(Qwen3::kChunk * config_.embedding_length));
}

void Model::Extend(std::span<const TokenId> tokens, int64_t begin, KvCache& cache, int64_t from,
                   const std::function<void(int64_t position, const float* logits)>& each) {
  const int64_t total = static_cast<int64_t>(tokens.size());
  for (int64_t done = 0; done < total;) {
    const int64_t at = begin + done;
    const int64_t page_end = (at / KvCache::kPageTokens + 1) * KvCache::kPageTokens;
    const int64_t count = std::min({total - done, page_end - at, Qwen3::kChunk});
    Check(cache.Prepare(at, at + count, *pool_));
    if (!qwen_->Forward(tokens.subspan(static_cast<size_t>(done), static_cast<size_t>(count)), at, cache, nullptr)) {
      throw Failure("the evaluation was cancelled");
    }
    done += count;
    const int64_t wanted = std::min(count, at + count - from);
    if (!each || wanted <= 0) {
      continue;
    }
    qwen_->Hidden(wanted, states_.data());
    for (int64_t row = 0; row < wanted; row += Qwen3::kMaxLogits) {
      const int64_t rows = std::min(wanted - row, Qwen3::kMaxLogits);
      const float* logits = qwen_->Logits(states_.data() + row * config_.embedding_length, rows, {}, nullptr);
      for (int64_t i = 0; i < rows; ++i) {
        each(at + count - wanted + row + i, logits + i * qwen_->logits_stride());
      }
    }
  }
}

int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  if (!(statm >> total >> resident)) {
    throw Failure("cannot read /proc/self/statm");
  }
  return resident * sysconf(_SC_PAGESIZE);
}

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Failure("cannot read " + path);
  }
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void InParallel(int64_t count, int workers, const std::function<void(int64_t index, int worker)>& work) {
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::string failure;
  std::vector<std::thread> threads;
  for (int worker = 0; worker < workers; ++worker) {
    threads.emplace_back([&, worker] {
      for (int64_t index = next++; index < count; index = next++) {
        try {
          work(index, worker);
        } catch (const std::exception& error) {
          const std::lock_guard<std::mutex> lock(mutex);
          failure = error.what();
          next = count;
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  if (!failure.empty()) {
    throw Failure(failure);
  }
}

}  // namespace niwaki::kvbench
