// Minutes of sessions that come, go, branch, move, roll back and pin, under a budget that is too small for all of them:
// what they hold, what the process holds, and whether samples say what a session says that computes everything (in a
// process of its own: its memory is not theirs).
#include <chrono>
#include <cstdio>
#include <random>

#include "cold_process.h"
#include "json.h"
#include "prefix.h"

namespace niwaki::kvbench {
namespace {

struct Client {
  std::unique_ptr<Session> session;
  SessionOptions options;
  Tokens tokens;
};

}  // namespace

// --model FILE --text FILE [--calibration FILE] [--seconds N] [--budget BYTES] [--clients N]
void RunPrefixSoak(const Arguments& arguments) {
  using Clock = std::chrono::steady_clock;
  const auto load = [&] {
    std::unique_ptr<Engine> engine =
        LoadEngine(arguments.Text("model"), "", static_cast<int>(arguments.Integer("threads", 2)));
    Calibrate(*engine, arguments.Text("calibration", ""));
    return engine;
  };
  ColdProcess cold(load);
  const std::unique_ptr<Engine> engine = load();
  const Tokens text = engine->tokenizer().Encode(ReadText(arguments.Text("text")), SpecialTokens::kAsText);
  const int64_t context = engine->info().context_length;
  const KvCodec codecs[] = {KvCodec{}, KvCodec{}, Take(ParseKvCodec("f16"))};  // by user
  // Large beside what a process takes and gives back for other reasons, and too small for all.
  const int64_t budget = arguments.Integer("budget", int64_t{160} << 20);
  const int64_t count = arguments.Integer("clients", 96);
  engine->SetKvBudget(budget);
  std::mt19937 random(11);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  const auto piece = [&](int64_t length) {
    const int64_t at = below(static_cast<int64_t>(text.size()) - length);
    return Tokens(text.begin() + at, text.begin() + at + length);
  };
  const Tokens prompts[] = {piece(300), piece(700), piece(1000)};  // what several begin with
  const auto begin = [&](KvUser user) {
    Client client;
    client.options = SessionOptions(codecs[static_cast<size_t>(user)]);
    client.options.user = user;
    client.options.shift = user == KvUser::kCompletion;
    client.session = Open(*engine, client.options);
    client.tokens = prompts[below(3)];
    return client;
  };
  std::vector<Client> clients;
  for (int64_t i = 0; i < count; ++i) {
    clients.push_back(begin(static_cast<KvUser>(i % 3)));
  }
  for (const KvCodec codec : codecs) {  // What one session needs beside its cache is there before it counts.
    SessionOptions options(codec);
    options.isolated = true;
    const std::unique_ptr<Session> session = Open(*engine, options);
    SyncTo(*session, piece(context - 20));
    DecodeOptions decode;
    decode.max_tokens = 8;
    decode.lookup.max_draft = 15;
    Take(session->Decode(decode, nullptr, nullptr));
  }
  const int64_t resident = ResidentBytes();
  int64_t most_held = 0;
  int64_t most_resident = 0;
  int64_t steps = 0;
  int64_t samples = 0;
  int64_t wrong = 0;
  const auto end = Clock::now() + std::chrono::seconds(arguments.Integer("seconds", 600));
  while (Clock::now() < end) {
    Client& client = clients[static_cast<size_t>(below(count))];
    Tokens& tokens = client.tokens;
    switch (below(9)) {
      case 0:
        client = begin(client.options.user);
        break;
      case 1:
        tokens.resize(static_cast<size_t>(1 + below(static_cast<int64_t>(tokens.size()))));
        break;
      case 2:  // an edit in the middle
        if (tokens.size() > 200) {
          tokens.erase(tokens.begin() + below(static_cast<int64_t>(tokens.size()) - 100));
        }
        break;
      case 3: {
        const size_t other = static_cast<size_t>(below(count));
        if (&clients[other] != &client) {
          clients[other].session = Take(client.session->Fork());
          clients[other].options = client.options;
          clients[other].tokens = tokens;
        }
        break;
      }
      case 4:
        if (const Status status = client.session->Pin(below(2) * 256); status.code() != StatusCode::kOutOfMemory) {
          Check(status);
        }
        break;
      default: {
        const Tokens more = piece(1 + below(150));
        tokens.insert(tokens.end(), more.begin(), more.end());
        break;
      }
    }
    if (static_cast<int64_t>(tokens.size()) > context - 40) {
      tokens = prompts[below(3)];
    }
    const auto look = [&] {
      most_held = std::max(most_held, engine->kv_bytes());
      most_resident = std::max(most_resident, ResidentBytes() - resident);
    };
    SyncTo(*client.session, tokens);
    look();
    if (below(8) == 0) {
      DecodeOptions decode;
      decode.max_tokens = 8;
      decode.lookup.max_draft = below(2) == 0 ? 15 : 0;
      const DecodeResult said = Take(client.session->Decode(decode, nullptr, nullptr));
      tokens.insert(tokens.end(), said.tokens.begin(), said.tokens.end());
      look();
    } else if (steps % 20 == 0 && !client.options.shift) {
      ++samples;
      const Sha256::Digest digest = ColdProcess::DigestOf(client.session->logits());
      wrong += digest == cold.Digest(client.options.codec, tokens) ? 0 : 1;
    }
    ++steps;
  }
  KvCounters counters = engine->kv_counters();
  KvTokenCounts all;
  for (const KvTokenCounts& user : counters.users) {
    all.reused += user.reused;
    all.shared += user.shared;
    all.shifted += user.shifted;
    all.computed += user.computed;
    all.evicted += user.evicted;
  }
  JsonObject json;
  json.Set("clients", count)
      .Set("budget", budget)
      .Set("held", most_held)
      .Set("resident", most_resident)
      .Set("steps", steps);
  json.Set("samples", samples).Set("wrong", wrong).Set("reused", all.reused).Set("shared", all.shared);
  json.Set("shifted", all.shifted).Set("computed", all.computed).Set("evicted", all.evicted);
  std::printf("%s\n", json.str().c_str());
}

}  // namespace niwaki::kvbench
