// Whether a session that reuses what it and others have computed says, bit for bit, what one says that has computed
// everything itself; and what forks hold.
#include <cstdio>
#include <random>

#include "json.h"
#include "prefix.h"

namespace niwaki::kvbench {
namespace {

constexpr size_t kLength = 640;

struct Count {
  int64_t trials = 0;
  int64_t wrong = 0;
  int64_t reused = 0;
};

// One trial: somebody has computed a text; a session that has the beginning of another one goes over to that text's
// first `cut` tokens with something else behind them, in steps of any size, through detours.
void Try(Engine& engine, const SessionOptions& options, const Tokens& text, size_t cut, std::mt19937* random,
         Count* count) {
  const auto below = [&](size_t n) { return static_cast<size_t>((*random)() % n); };
  const std::unique_ptr<Session> other = Open(engine, options);
  SyncTo(*other, std::span(text).first(kLength));
  Tokens tokens(text.begin(), text.begin() + static_cast<int64_t>(cut));
  const size_t more = 1 + below(80);
  const size_t from = kLength + below(text.size() - kLength - more);
  tokens.insert(tokens.end(), text.begin() + static_cast<int64_t>(from),
                text.begin() + static_cast<int64_t>(from + more));
  const std::unique_ptr<Session> session = Open(engine, options);
  if (below(2) == 0) {
    SyncTo(*session, std::span(text).subspan(below(300), 1 + below(300)));
  }
  SyncStats stats;
  for (size_t length = 1 + below(tokens.size()); length < tokens.size(); length += 1 + below(200)) {
    stats = SyncTo(*session, std::span(tokens).first(length));
    count->reused += stats.reused;
    if (below(4) == 0 && length > 3) {
      Check(session->Rollback(static_cast<int64_t>(below(length))));
    }
  }
  count->reused += SyncTo(*session, tokens).reused;
  ++count->trials;
  count->wrong += SameBits(Logits(*session), Cold(engine, options, tokens)) ? 0 : 1;
}

}  // namespace

// --model FILE --text FILE [--calibration FILE] [--cuts N] [--threads N]
void RunPrefixReuse(const Arguments& arguments) {
  const int threads = static_cast<int>(arguments.Integer("threads", 2));
  const int64_t cuts = arguments.Integer("cuts", 40);
  JsonArray rows;
  for (const KernelTableInfo& table : KernelTables()) {
    if (!table.supported || !table.allowed || table.name == "oracle") {
      continue;
    }
    const std::unique_ptr<Engine> engine = LoadEngine(arguments.Text("model"), table.name, threads);
    Calibrate(*engine, arguments.Text("calibration", ""));
    const Tokens text = engine->tokenizer().Encode(ReadText(arguments.Text("text")), SpecialTokens::kAsText);
    // The slow table is the reference of the others: fewer cuts will do.
    const int64_t tries = table.name == "generic" ? std::max<int64_t>(3, cuts / 10) : cuts;
    for (const KvCodecName& named : KvCodecs()) {
      // Pages that nobody holds stay or go, as it happens.
      engine->SetKvBudget(KvPeakBytes(KvShapeOf(engine->info()), named.codec, 2048));
      std::mt19937 random(7);
      Count count;
      const int64_t borders[] = {1, 127, 128, 129, 255, 256, 257, 511, 512, 513};
      for (int64_t i = 0; i < tries; ++i) {
        const int64_t cut = i < 10 && tries >= 10 ? borders[i] : 1 + static_cast<int64_t>(random() % (kLength - 1));
        Try(*engine, named.codec, text, static_cast<size_t>(cut), &random, &count);
      }
      JsonObject row;
      row.Text("kernels", table.name).Text("codec", named.name).Set("trials", count.trials).Set("wrong", count.wrong);
      row.Set("reused", count.reused);
      rows.Add(row.str());
    }
  }
  std::printf("%s\n", JsonObject().Raw("rows", rows.str()).str().c_str());
}

// Conversations that branch off one prefix. --model FILE --text FILE [--tokens N] [--more N] [--forks N]
void RunPrefixFork(const Arguments& arguments) {
  const std::unique_ptr<Engine> engine =
      LoadEngine(arguments.Text("model"), "", static_cast<int>(arguments.Integer("threads", 2)));
  const int64_t length = arguments.Integer("tokens", 4096);
  const int64_t more = arguments.Integer("more", 100);
  const int64_t forks = arguments.Integer("forks", 8);
  const Tokens text = engine->tokenizer().Encode(ReadText(arguments.Text("text")), SpecialTokens::kAsText);
  if (static_cast<int64_t>(text.size()) < length + more * forks) {
    throw Failure("the text is too short");
  }
  const SessionOptions options(Take(ParseKvCodec(arguments.Text("codec", "kv4"))));
  const std::unique_ptr<Session> trunk = Open(*engine, options);
  SyncTo(*trunk, std::span(text).first(static_cast<size_t>(length)));
  const int64_t prefix = engine->kv_bytes();
  std::vector<std::unique_ptr<Session>> branches;
  int64_t wrong = 0;
  for (int64_t i = 0; i < forks; ++i) {
    branches.push_back(Take(trunk->Fork()));
    Tokens tokens(text.begin(), text.begin() + length);
    tokens.insert(tokens.end(), text.begin() + length + more * i, text.begin() + length + more * (i + 1));
    const SyncStats stats = SyncTo(*branches.back(), tokens);
    if (stats.evaluated != more) {
      throw Failure("a fork computed " + std::to_string(stats.evaluated) + " tokens for " + std::to_string(more));
    }
    if (i < arguments.Integer("samples", 1)) {
      wrong += SameBits(Logits(*branches.back()), Cold(*engine, options, tokens)) ? 0 : 1;
    }
  }
  // What a branch may have of its own: whole pages of what it went on with, and the page at hand.
  const KvShape shape = KvShapeOf(engine->info());
  const int64_t page = KvBytes(shape, options.codec, 3 * 128) - KvBytes(shape, options.codec, 2 * 128);
  const int64_t tail = (more + 127) / 128 * page + 128 * engine->info().kv_bytes_per_token;
  JsonObject json;
  json.Set("tokens", length).Set("more", more).Set("forks", forks).Set("prefix", prefix);
  json.Set("held", engine->kv_bytes()).Set("tail", tail).Set("wrong", wrong);
  json.Set("apart", KvBytes(shape, options.codec, length + more) * (forks + 1));
  std::printf("%s\n", json.str().c_str());
}

}  // namespace niwaki::kvbench
