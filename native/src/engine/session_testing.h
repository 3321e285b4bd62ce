// Sessions of the embedded model for tests: texts, and what a session that shares nothing says. Only *_test.cc files
// include it.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine_testing.h"

namespace niwaki::testing {

using Tokens = std::vector<TokenId>;
inline constexpr KvCodec kKv4{};
inline constexpr KvCodec kF16{KvBits::k16, KvBits::k16};

// The golden prompts in one sequence, again and again: `count` tokens from `begin` on.
inline Tokens Text(size_t count, size_t begin = 0) {
  static const Tokens all = [] {
    Tokens tokens;
    for (const GoldenPrompt& prompt : GoldenPrompts()) {
      tokens.insert(tokens.end(), prompt.ids.begin(), prompt.ids.end());
    }
    return tokens;
  }();
  Tokens out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back(all[(begin + i) % all.size()]);
  }
  return out;
}
// The first `cut` of Text, and then `more` of it from `begin` on.
inline Tokens Branch(size_t cut, size_t more, size_t begin = 777) {
  Tokens tokens = Text(cut);
  const Tokens other = Text(more, begin);
  tokens.insert(tokens.end(), other.begin(), other.end());
  return tokens;
}

// Null, and a failure of the running case, when it cannot be opened.
inline std::unique_ptr<Session> Open(Engine& engine, const SessionOptions& options = {}) {
  Result<std::unique_ptr<Session>> session = engine.NewSession(options);
  if (!session.ok()) {
    Fail(__FILE__, __LINE__, session.status().message());
    return nullptr;
  }
  return std::move(session.value());
}
inline SyncStats Sync(Session& session, const Tokens& tokens) {
  SyncStats stats;
  const Status status = session.Sync(tokens, nullptr, &stats);
  if (!status.ok()) {
    Fail(__FILE__, __LINE__, status.message());
  }
  return stats;
}
// Logits after `tokens` in a session that shares nothing with others.
inline std::vector<float> Fresh(Engine& engine, SessionOptions options, const Tokens& tokens) {
  options.isolated = true;
  options.shift = false;
  const std::unique_ptr<Session> session = Open(engine, options);
  Sync(*session, tokens);
  return Copy(session->logits());
}
inline bool SaysTheSame(Session& session, Engine& engine, const SessionOptions& options, const Tokens& tokens) {
  static int64_t asked = 0;
  if (asked++ % kStride != 0) {
    return true;  // under ThreadSanitizer, where computing all anew takes most of the time
  }
  return SameBits(session.logits(), Fresh(engine, options, tokens));
}

}  // namespace niwaki::testing
