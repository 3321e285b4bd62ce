// Cold runs in a process of their own, so that what they hold is not counted as anybody else's memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "prefix.h"

namespace niwaki::kvbench {

class ColdProcess {
 public:
  // Starts it: before this process has threads. `load` makes the engine there.
  explicit ColdProcess(const std::function<std::unique_ptr<Engine>()>& load);
  ~ColdProcess();
  ColdProcess(const ColdProcess&) = delete;
  ColdProcess& operator=(const ColdProcess&) = delete;

  // A digest of the logits that a session which reuses nothing has after these tokens. A Failure when the process is
  // gone.
  Sha256::Digest Digest(KvCodec codec, std::span<const TokenId> tokens);
  static Sha256::Digest DigestOf(std::span<const float> logits);

 private:
  int child_ = -1;
  int to_ = -1;
  int from_ = -1;
};

}  // namespace niwaki::kvbench
