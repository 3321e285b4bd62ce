// What the prefix parts share: sessions of a whole engine, as the product opens them.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "niwaki/engine.h"
#include "program.h"

namespace niwaki::kvbench {

using Tokens = std::vector<TokenId>;

inline std::unique_ptr<Engine> LoadEngine(const std::string& path, const std::string& kernels, int threads) {
  return Take(Engine::Load({.path = path, .threads = threads, .kernels = kernels}));
}
// As the product does: the calibration that ships with the model, when the options name one.
inline void Calibrate(Engine& engine, const std::string& file) {
  if (file.empty()) {
    return;
  }
  const std::string text = ReadText(file);
  Check(engine.UseKvCalibration(
      Take(ParseKvCalibration({text.begin(), text.end()}, KvShapeOf(engine.info()), engine.info().fingerprint))));
}
inline std::unique_ptr<Session> Open(Engine& engine, const SessionOptions& options) {
  return Take(engine.NewSession(options));
}
inline SyncStats SyncTo(Session& session, std::span<const TokenId> tokens) {
  SyncStats stats;
  Check(session.Sync(tokens, nullptr, &stats));
  return stats;
}
inline std::vector<float> Logits(Session& session) {
  const std::span<const float> logits = session.logits();
  return {logits.begin(), logits.end()};
}
// Logits of a session that has computed everything itself, in one go.
inline std::vector<float> Cold(Engine& engine, SessionOptions options, std::span<const TokenId> tokens) {
  options.isolated = true;
  options.shift = false;
  const std::unique_ptr<Session> session = Open(engine, options);
  SyncTo(*session, tokens);
  return Logits(*session);
}
inline bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) {
           return std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y);
         });
}
inline double LogSum(const std::vector<float>& logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float x : logits) {
    sum += std::exp(x - top);
  }
  return top + std::log(sum);
}
// KL(exact || other) in nats.
inline double Divergence(const std::vector<float>& exact, const std::vector<float>& other) {
  const double a = LogSum(exact);
  const double b = LogSum(other);
  double kl = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    kl += std::exp(exact[i] - a) * ((exact[i] - a) - (other[i] - b));
  }
  return std::max(0.0, kl);
}

}  // namespace niwaki::kvbench
