// Whether completions are as often right with moved pages as without: the rest of a line, as a file has it, at cursors
// in real files, after the cursor came from elsewhere or a line was written above it.
#include <cstdio>
#include <random>
#include <sstream>

#include "json.h"
#include "prefix.h"

namespace niwaki::kvbench {
namespace {

// Characters around a cursor that make a prompt of a little less than the embedded model's context.
constexpr size_t kBefore = 3200;
constexpr size_t kBehind = 1800;

std::string TrimEnd(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) {
    text.pop_back();
  }
  return text;
}
size_t LineStart(const std::string& text, size_t at) {
  const size_t found = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
  return found == std::string::npos ? 0 : found + 1;
}
size_t LineEnd(const std::string& text, size_t at) { return std::min(text.find('\n', at), text.size()); }

struct Prompt {
  Tokens tokens;
  std::string healed;  // what the completion must begin with
};

// The embedded model's form: suffix first, then the prefix, which the completion continues.
Prompt Render(const niwaki::Tokenizer& tokenizer, const std::string& before, const std::string& behind) {
  Prompt prompt;
  const auto control = [&](const char* text) { prompt.tokens.push_back(tokenizer.Find(text)); };
  const auto add = [&](const std::string& text) {
    const Tokens ids = tokenizer.Encode(text, SpecialTokens::kAsText);
    prompt.tokens.insert(prompt.tokens.end(), ids.begin(), ids.end());
  };
  control("<|fim_prefix|>");
  control("<|fim_suffix|>");
  add(behind);
  control("<|fim_middle|>");
  add(before);
  prompt.healed = tokenizer.Bytes(prompt.tokens.back());
  prompt.tokens.pop_back();
  return prompt;
}

std::string Complete(Session& session, const Prompt& prompt) {
  DecodeOptions options;
  options.max_tokens = 40;
  options.stop_strings = {"\n"};
  options.required_prefix = prompt.healed;
  const DecodeResult result = Take(session.Decode(options, nullptr, nullptr));
  return result.text.size() >= prompt.healed.size() ? TrimEnd(result.text.substr(prompt.healed.size())) : "";
}

struct Tally {
  int64_t points = 0;
  int64_t cold = 0;
  int64_t shifted = 0;
  int64_t same = 0;  // the same text either way
  int64_t tokens = 0;
  int64_t computed = 0;
  int64_t moved = 0;
  std::string Row(const char* kind) const {
    JsonObject row;
    row.Text("kind", kind).Set("points", points).Set("cold", cold).Set("shifted", shifted).Set("same", same);
    row.Set("tokens", tokens).Set("computed", computed).Set("moved", moved);
    return row.str();
  }
};

}  // namespace

// --model FILE --files FILE,FILE... [--calibration FILE] [--points N]
void RunPrefixEm(const Arguments& arguments) {
  const std::unique_ptr<Engine> engine =
      LoadEngine(arguments.Text("model"), "", static_cast<int>(arguments.Integer("threads", 2)));
  Calibrate(*engine, arguments.Text("calibration", ""));
  std::vector<std::string> texts;
  std::istringstream names(arguments.Text("files"));
  for (std::string name; std::getline(names, name, ',');) {
    texts.push_back(ReadText(name));
  }
  std::erase_if(texts, [](const std::string& text) { return text.size() < 4000; });
  if (texts.empty()) {
    throw Failure("no file is long enough");
  }
  std::mt19937 random(2);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  SessionOptions shifting(KvCodec{});
  shifting.shift = true;
  shifting.isolated = true;
  SessionOptions plain(KvCodec{});
  plain.isolated = true;
  Tally jumps;
  Tally lines;
  const int64_t points = arguments.Integer("points", 300);
  while (jumps.points + lines.points < points) {
    const std::string& text = texts[below(texts.size())];
    const size_t near = text.size() / 4 + below(text.size() / 2);
    const size_t start = LineStart(text, near);
    const size_t end = LineEnd(text, near);
    const size_t indent = std::min(text.find_first_not_of(" \t", start), end);
    if (end - indent < 12) {
      continue;
    }
    // Near the line's end: longer rests are right too seldom, with this model, to tell anything.
    const size_t cursor = std::max(indent + 3, end - 3 - below(8));
    const size_t from = LineStart(text, cursor > kBefore ? cursor - kBefore : 0);
    const size_t to = LineEnd(text, std::min(text.size(), cursor + kBehind));
    const std::string truth = TrimEnd(text.substr(cursor, end - cursor));
    const std::string before = text.substr(from, cursor - from);
    const Prompt now = Render(engine->tokenizer(), before, text.substr(end, to - end));
    if (static_cast<int64_t>(now.tokens.size()) + 40 > engine->info().context_length) {
      continue;
    }
    const bool jump = jumps.points <= lines.points;
    Prompt earlier;
    if (jump) {
      // The end of another line, 5 to 40 lines away.
      size_t other = cursor;
      const size_t steps = 5 + below(36);
      const bool up = below(2) == 0;
      for (size_t i = 0; i < steps; ++i) {
        other = up ? LineStart(text, other) : LineEnd(text, other);
        other = up ? (other > from ? other - 1 : from) : std::min(other + 1, to);
      }
      other = LineEnd(text, other);
      if (other <= from + 200 || other >= to || (other >= start && other <= end)) {
        continue;
      }
      // What the cursor's line has now was not written then.
      const std::string then = text.substr(0, cursor) + text.substr(end);
      const size_t place = other > end ? other - (end - cursor) : other;
      earlier =
          Render(engine->tokenizer(), then.substr(from, place - from), then.substr(place, to - (end - cursor) - place));
    } else {
      // A line above was not there.
      size_t line = start;
      for (size_t i = 0, steps = 8 + below(40); i < steps && line > from + 1; ++i) {
        line = LineStart(text, line - 1);
      }
      const size_t next = LineEnd(text, line) + 1;
      if (line <= from || next >= start) {
        continue;
      }
      earlier = Render(engine->tokenizer(), text.substr(from, line - from) + text.substr(next, cursor - next),
                       text.substr(end, to - end));
    }
    if (static_cast<int64_t>(earlier.tokens.size()) + 40 > engine->info().context_length) {
      continue;
    }
    const std::unique_ptr<Session> fresh = Open(*engine, plain);
    SyncTo(*fresh, now.tokens);
    const std::string cold = Complete(*fresh, now);
    const std::unique_ptr<Session> session = Open(*engine, shifting);
    SyncTo(*session, earlier.tokens);
    const SyncStats stats = SyncTo(*session, now.tokens);
    const std::string shifted = Complete(*session, now);
    Tally& tally = jump ? jumps : lines;
    ++tally.points;
    tally.cold += cold == truth ? 1 : 0;
    tally.shifted += shifted == truth ? 1 : 0;
    tally.same += cold == shifted ? 1 : 0;
    tally.tokens += static_cast<int64_t>(now.tokens.size());
    tally.computed += stats.evaluated;
    tally.moved += stats.shifted;
  }
  JsonArray rows;
  rows.Add(jumps.Row("jump")).Add(lines.Row("line"));
  std::printf("%s\n", JsonObject().Raw("rows", rows.str()).str().c_str());
}

}  // namespace niwaki::kvbench
