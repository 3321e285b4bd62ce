// Whether completions are as often right with moved pages as without: the rest of a line, as a file has it, at cursors
// in real files, after the cursor came from elsewhere or a line was written above it.
#include <cstdio>
#include <mutex>
#include <optional>
#include <random>
#include <sstream>

#include "json.h"
#include "prefix.h"

namespace niwaki::kvbench {
namespace {

// Characters around a cursor that make a prompt of a little less than the embedded model's context.
constexpr size_t kBefore = 3200;
constexpr size_t kBehind = 1800;
constexpr int32_t kMostTokens = 40;  // of a completion

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
  options.max_tokens = kMostTokens;
  options.stop_strings = {"\n"};
  options.required_prefix = prompt.healed;
  const DecodeResult result = Take(session.Decode(options, nullptr, nullptr));
  return result.text.size() >= prompt.healed.size() ? TrimEnd(result.text.substr(prompt.healed.size())) : "";
}

// A cursor in a file: what the prompt was a moment ago, what it is now, and what the line goes on with.
struct Case {
  bool jump;  // the cursor was elsewhere; otherwise a line above was not there
  Prompt earlier;
  Prompt now;
  std::string truth;
};

class Cases {
 public:
  Cases(const Engine& engine, std::vector<std::string> texts) : engine_(engine), texts_(std::move(texts)) {}

  // Of one kind; nothing where chance has chosen a place that will not do.
  std::optional<Case> Next(bool jump) {
    const std::string& text = texts_[Below(texts_.size())];
    const size_t near = text.size() / 4 + Below(text.size() / 2);
    const size_t start = LineStart(text, near);
    const size_t end = LineEnd(text, near);
    const size_t indent = std::min(text.find_first_not_of(" \t", start), end);
    if (end - indent < 12) {
      return {};
    }
    // Near the line's end: longer rests are right too seldom, with this model, to tell anything.
    const size_t cursor = std::max(indent + 3, end - 3 - Below(8));
    const size_t from = LineStart(text, cursor > kBefore ? cursor - kBefore : 0);
    const size_t to = LineEnd(text, std::min(text.size(), cursor + kBehind));
    const std::optional<Prompt> now = Fitting(text.substr(from, cursor - from), text.substr(end, to - end));
    std::optional<Prompt> earlier;
    if (jump) {
      // The end of another line, 5 to 40 lines away.
      size_t other = cursor;
      const size_t steps = 5 + Below(36);
      const bool up = Below(2) == 0;
      for (size_t i = 0; i < steps; ++i) {
        other = up ? LineStart(text, other) : LineEnd(text, other);
        other = up ? (other > from ? other - 1 : from) : std::min(other + 1, to);
      }
      other = LineEnd(text, other);
      if (other <= from + 200 || other >= to || (other >= start && other <= end)) {
        return {};
      }
      // What the cursor's line has now was not written then.
      const std::string then = text.substr(0, cursor) + text.substr(end);
      const size_t place = other > end ? other - (end - cursor) : other;
      earlier = Fitting(then.substr(from, place - from), then.substr(place, to - (end - cursor) - place));
    } else {
      // A line above was not there.
      size_t line = start;
      for (size_t i = 0, steps = 8 + Below(40); i < steps && line > from + 1; ++i) {
        line = LineStart(text, line - 1);
      }
      const size_t next = LineEnd(text, line) + 1;
      if (line <= from || next >= start) {
        return {};
      }
      earlier = Fitting(text.substr(from, line - from) + text.substr(next, cursor - next), text.substr(end, to - end));
    }
    if (!now || !earlier) {
      return {};
    }
    return Case{jump, *earlier, *now, TrimEnd(text.substr(cursor, end - cursor))};
  }

 private:
  size_t Below(size_t n) { return static_cast<size_t>(random_() % n); }
  // Nothing where the context has no room for a completion.
  std::optional<Prompt> Fitting(const std::string& before, const std::string& behind) const {
    Prompt prompt = Render(engine_.tokenizer(), before, behind);
    const bool fits = static_cast<int64_t>(prompt.tokens.size()) + kMostTokens <= engine_.info().context_length;
    return fits ? std::optional(std::move(prompt)) : std::nullopt;
  }

  const Engine& engine_;
  const std::vector<std::string> texts_;
  std::mt19937 random_{2};
};

struct Tally {
  int64_t points = 0;
  int64_t both = 0;       // right either way
  int64_t only_cold = 0;  // right when computed anew alone
  int64_t only_shifted = 0;
  int64_t same = 0;  // the same text either way
  int64_t tokens = 0;
  int64_t computed = 0;
  int64_t moved = 0;
  std::string Row(const char* kind) const {
    JsonObject row;
    row.Text("kind", kind).Set("points", points).Set("both", both).Set("onlyCold", only_cold);
    row.Set("onlyShifted", only_shifted).Set("same", same);
    row.Set("tokens", tokens).Set("computed", computed).Set("moved", moved);
    return row.str();
  }
};

void Measure(Engine& engine, const Case& one, std::mutex& mutex, Tally& tally) {
  SessionOptions shifting(KvCodec{});
  shifting.shift = true;
  shifting.isolated = true;
  SessionOptions plain(KvCodec{});
  plain.isolated = true;
  const std::unique_ptr<Session> fresh = Open(engine, plain);
  SyncTo(*fresh, one.now.tokens);
  const std::string cold = Complete(*fresh, one.now);
  const std::unique_ptr<Session> session = Open(engine, shifting);
  SyncTo(*session, one.earlier.tokens);
  const SyncStats stats = SyncTo(*session, one.now.tokens);
  const std::string shifted = Complete(*session, one.now);
  const std::lock_guard<std::mutex> lock(mutex);
  ++tally.points;
  const bool right = cold == one.truth;
  const bool still = shifted == one.truth;
  tally.both += right && still ? 1 : 0;
  tally.only_cold += right && !still ? 1 : 0;
  tally.only_shifted += !right && still ? 1 : 0;
  tally.same += cold == shifted ? 1 : 0;
  tally.tokens += static_cast<int64_t>(one.now.tokens.size());
  tally.computed += stats.evaluated;
  tally.moved += stats.shifted;
}

}  // namespace

// --model FILE --files FILE,FILE... [--calibration FILE] [--points N] [--threads N]
void RunPrefixEm(const Arguments& arguments) {
  std::vector<std::string> texts;
  std::istringstream names(arguments.Text("files"));
  for (std::string name; std::getline(names, name, ',');) {
    texts.push_back(ReadText(name));
  }
  std::erase_if(texts, [](const std::string& text) { return text.size() < 4000; });
  if (texts.empty()) {
    throw Failure("no file is long enough");
  }
  // The model is small: engines of one thread beside each other come further than one with several.
  std::vector<std::unique_ptr<Engine>> engines;
  for (int64_t i = 0; i < arguments.Integer("threads", 2); ++i) {
    engines.push_back(LoadEngine(arguments.Text("model"), "", 1));
    Calibrate(*engines.back(), arguments.Text("calibration", ""));
  }
  Cases cases(*engines.front(), std::move(texts));
  std::vector<Case> chosen;
  while (static_cast<int64_t>(chosen.size()) < arguments.Integer("points", 300)) {
    if (std::optional<Case> next = cases.Next(chosen.size() % 2 == 0)) {
      chosen.push_back(std::move(*next));
    }
  }
  std::mutex mutex;
  Tally jumps;
  Tally lines;
  InParallel(static_cast<int64_t>(chosen.size()), static_cast<int>(engines.size()), [&](int64_t index, int worker) {
    const Case& one = chosen[static_cast<size_t>(index)];
    Measure(*engines[static_cast<size_t>(worker)], one, mutex, one.jump ? jumps : lines);
  });
  JsonArray rows;
  rows.Add(jumps.Row("jump")).Add(lines.Row("line"));
  std::printf("%s\n", JsonObject().Raw("rows", rows.str()).str().c_str());
}

}  // namespace niwaki::kvbench
