// Pages on disk: how long it takes from a prompt that another process has saved to its first token.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "json.h"
#include "prefix.h"

namespace niwaki::kvbench {
namespace {

using Clock = std::chrono::steady_clock;
double MillisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// Drops what the system keeps of the files in memory, as after a restart.
void DropFromCache(const std::string& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      const int file = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
      if (file >= 0) {
        (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
        close(file);
      }
    }
  }
}

struct Restored {
  double sync_ms = 0;
  double total_ms = 0;
  SyncStats stats;
  std::vector<float> logits;
  Tokens said;
};
Restored Restore(Engine& engine, const SessionOptions& options, std::span<const TokenId> tokens) {
  Restored restored;
  const Clock::time_point begin = Clock::now();
  const std::unique_ptr<Session> session = Open(engine, options);
  restored.stats = SyncTo(*session, tokens);
  restored.sync_ms = MillisecondsSince(begin);
  DecodeOptions decode;
  decode.max_tokens = 1;
  restored.said = Take(session->Decode(decode, nullptr, nullptr)).tokens;
  restored.total_ms = MillisecondsSince(begin);
  restored.logits = Logits(*session);
  return restored;
}

}  // namespace

// --model FILE --text FILE --folder FOLDER [--tokens N]
void RunPrefixRestore(const Arguments& arguments) {
  const int threads = static_cast<int>(arguments.Integer("threads", 2));
  const size_t tokens = static_cast<size_t>(arguments.Integer("tokens", 8192));
  SessionOptions options(Take(ParseKvCodec(arguments.Text("codec", "kv4"))));
  options.saved = {arguments.Text("folder"), std::string(32, '0'), int64_t{8} << 30};
  JsonObject json;
  Restored computed;
  Tokens prompt;
  {
    const std::unique_ptr<Engine> engine = LoadEngine(arguments.Text("model"), "", threads);
    const Tokens text = engine->tokenizer().Encode(ReadText(arguments.Text("text")), SpecialTokens::kAsText);
    if (text.size() <= tokens) {
      throw Failure("the text is too short");
    }
    prompt.assign(text.begin(), text.begin() + static_cast<int64_t>(tokens) + 1);  // whole pages, and a token to go on
    const std::unique_ptr<Session> session = Open(*engine, options);
    const Clock::time_point begin = Clock::now();
    SyncTo(*session, prompt);
    json.Set("computedMs", MillisecondsSince(begin));
    computed.logits = Logits(*session);
    DecodeOptions decode;
    decode.max_tokens = 1;
    computed.said = Take(session->Decode(decode, nullptr, nullptr)).tokens;
    const Clock::time_point saving = Clock::now();
    int64_t pages = 0;
    for (int64_t from = 0;; ++pages) {
      const KvUnsavedPage page = Take(session->NextUnsaved(from));
      if (page.page < 0) {
        break;
      }
      Check(page.write());
      from = page.page + 1;
    }
    json.Set("savedMs", MillisecondsSince(saving)).Set("pages", pages);
  }
  const std::unique_ptr<Engine> engine = LoadEngine(arguments.Text("model"), "", threads);
  for (const bool cold : {false, true}) {
    sync();
    if (cold) {
      DropFromCache(options.saved.root);
    }
    const Restored restored = Restore(*engine, options, prompt);
    const bool same = SameBits(restored.logits, computed.logits) && restored.said == computed.said;
    JsonObject row;
    row.Set("syncMs", restored.sync_ms).Set("totalMs", restored.total_ms).Set("restored", restored.stats.restored);
    row.Set("computed", restored.stats.evaluated).Set("same", int64_t{same ? 1 : 0});
    json.Raw(cold ? "cold" : "warm", row.str());
  }
  std::printf("%s\n", json.str().c_str());
}

}  // namespace niwaki::kvbench
