// What moving pages behind an edit costs in quality: against computing everything anew, and how much of it is the
// codes' doing.
#include <cstdio>
#include <random>

#include "json.h"
#include "prefix.h"

namespace niwaki::kvbench {
namespace {

constexpr size_t kPrompt = 1500;
constexpr size_t kScored = 64;  // tokens after the prompt that are predicted one by one

// Logits after the prompt and each of the tokens that follow it.
std::vector<std::vector<float>> Follow(Session& session, Tokens tokens, std::span<const TokenId> following) {
  std::vector<std::vector<float>> all;
  SyncTo(session, tokens);
  for (const TokenId next : following) {
    all.push_back(Logits(session));
    tokens.push_back(next);
    SyncTo(session, tokens);
  }
  return all;
}

double Mean(const std::vector<std::vector<float>>& exact, const std::vector<std::vector<float>>& other) {
  double sum = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    sum += Divergence(exact[i], other[i]);
  }
  return sum / static_cast<double>(exact.size());
}

}  // namespace

// --model FILE --text FILE [--calibration FILE] [--texts N] [--edits N]
void RunPrefixShift(const Arguments& arguments) {
  const std::unique_ptr<Engine> engine =
      LoadEngine(arguments.Text("model"), "", static_cast<int>(arguments.Integer("threads", 2)));
  Calibrate(*engine, arguments.Text("calibration", ""));
  const Tokens text = engine->tokenizer().Encode(ReadText(arguments.Text("text")), SpecialTokens::kAsText);
  const int64_t texts = arguments.Integer("texts", 8);
  const int64_t edits = arguments.Integer("edits", 100);
  const SessionOptions kv4(KvCodec{});
  const SessionOptions half(KvCodec{KvBits::k16, KvBits::k16});
  double cold_kl = 0;     // kv4 against half precision, both computed anew
  double shifted_kl = 0;  // kv4 with moved pages against half precision computed anew
  double stale_kl = 0;    // half precision with moved pages against half precision computed anew
  double codes_kl = 0;    // kv4 with moved pages against half precision with the same pages moved
  int64_t exact_again = 0;
  int64_t computed = 0;
  int64_t moved = 0;
  for (int64_t i = 0; i < texts; ++i) {
    engine->SetKvBudget(0);
    std::mt19937 random(static_cast<uint32_t>(i + 1));
    const auto below = [&](size_t n) { return static_cast<int64_t>(random() % n); };
    const size_t begin = static_cast<size_t>(i) * (text.size() - kPrompt - kScored - 1) / static_cast<size_t>(texts);
    Tokens tokens(text.begin() + static_cast<int64_t>(begin), text.begin() + static_cast<int64_t>(begin + kPrompt));
    const auto following = std::span(text).subspan(begin + kPrompt, kScored);
    std::unique_ptr<Session> sessions[2];  // kv4 and half precision, edited alike
    for (size_t s = 0; s < 2; ++s) {
      SessionOptions options = s == 0 ? kv4 : half;
      options.shift = true;
      options.isolated = true;
      sessions[s] = Open(*engine, options);
      SyncTo(*sessions[s], tokens);
    }
    bool now_moved = false;
    for (int64_t edit = 0; edit < edits; ++edit) {
      // In the middle: between the first page and the last 400 tokens.
      const auto at = tokens.begin() + 128 + below(tokens.size() - 528);
      const int64_t count = 1 + below(3);
      if (below(2) == 0) {
        tokens.erase(at, at + count);
      } else {
        const int64_t from = below(text.size() - 3);
        tokens.insert(at, text.begin() + from, text.begin() + from + count);
      }
      for (const auto& session : sessions) {
        const SyncStats stats = SyncTo(*session, tokens);
        computed += stats.evaluated;
        moved += stats.shifted;
        now_moved = stats.shifted > 0;
      }
    }
    // The last edit must not have led to a computation of everything.
    while (!now_moved) {
      tokens.erase(tokens.begin() + 300);
      for (const auto& session : sessions) {
        now_moved = SyncTo(*session, tokens).shifted > 0;
      }
    }
    const auto anew = [&](SessionOptions options) {
      options.isolated = true;
      const std::unique_ptr<Session> session = Open(*engine, options);
      return Follow(*session, tokens, following);
    };
    const auto exact = anew(half);
    const auto cold = anew(kv4);
    const auto shifted = Follow(*sessions[0], tokens, following);
    const auto stale = Follow(*sessions[1], tokens, following);
    cold_kl += Mean(exact, cold);
    shifted_kl += Mean(exact, shifted);
    stale_kl += Mean(exact, stale);
    codes_kl += Mean(stale, shifted);
    // In idle time somebody computes the text, and the session takes that.
    SessionOptions sharing = kv4;
    sharing.shift = true;
    const std::unique_ptr<Session> user = Open(*engine, sharing);
    SyncTo(*user, std::span(text).subspan(begin, kPrompt));
    if (SyncTo(*user, tokens).shifted == 0) {
      throw Failure("nothing was moved");
    }
    const std::unique_ptr<Session> idle = Open(*engine, kv4);
    SyncTo(*idle, tokens);
    user->Shift(false);
    SyncTo(*user, tokens);
    user->Shift(true);
    Tokens typed = tokens;
    typed.push_back(following[0]);
    SyncTo(*user, typed);
    exact_again += SameBits(Logits(*user), Cold(*engine, kv4, typed)) ? 1 : 0;
  }
  const double n = static_cast<double>(texts);
  JsonObject json;
  json.Set("texts", texts).Set("edits", edits).Set("cold", cold_kl / n).Set("shifted", shifted_kl / n);
  json.Set("stale", stale_kl / n).Set("codes", codes_kl / n).Set("exactAgain", exact_again);
  json.Set("computed", computed).Set("moved", moved);
  std::printf("%s\n", json.str().c_str());
}

}  // namespace niwaki::kvbench
