// A name is bound to another somewhere in a long text, three names that are nearly the same are bound to others, and at
// the end the question is what the first one was bound to. The model chooses between the four, by how likely it finds
// each.
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <random>
#include <sstream>
#include <vector>

#include "compare.h"
#include "subjects.h"

namespace niwaki::kvbench {
namespace {

using Tokens = std::vector<TokenId>;
constexpr size_t kChoices = 4;
constexpr int64_t kPastPage = 16;           // tokens of the question's page
constexpr int64_t kInTail = 2 * kPastPage;  // a line that begins so far from the question's end is codes

struct Trial {
  Tokens prompt;
  std::array<Tokens, kChoices> answers;  // the first is right
};

class Maker {
 public:
  Maker(const niwaki::Tokenizer& tokenizer, const Tokens& text) : tokenizer_(tokenizer), text_(text) {}

  // `depth` 0 .. 1: where in the text the name that is asked for is bound.
  Trial Make(int64_t length, double depth, uint64_t seed) {
    std::mt19937_64 random(seed);
    const std::string name = Pick(random, {"pool", "retry", "cache", "queue", "batch"}) +
                             Pick(random, {"Limit", "Timeout", "Offset", "Budget"}) + Syllables(random, 2);
    const std::string value = Pick(random, {"load", "read", "make", "find"}) + Syllables(random, 2);
    const std::string endings[] = {"Bek", "Bem", "Bet", "Bes"};
    const std::string others[] = {"Ral", "Rin", "Rot", "Rum"};
    std::vector<size_t> order = {0, 1, 2, 3};
    std::shuffle(order.begin(), order.end(), random);
    Trial trial;
    std::vector<Tokens> lines(kChoices);
    for (size_t i = 0; i < kChoices; ++i) {
      trial.answers[i] = Encode(" " + value + others[order[i]] + ";\n");
      lines[i] = Encode("const " + name + endings[i] + " =");
      lines[i].insert(lines[i].end(), trial.answers[i].begin(), trial.answers[i].end());
    }
    const Tokens question = Encode("const " + name + endings[0] + " =");
    int64_t room = length - static_cast<int64_t>(question.size());
    for (const Tokens& line : lines) {
      room -= static_cast<int64_t>(line.size());
    }
    // Where each line goes, in tokens of the text around it: the right one at its depth, though not so late that it
    // would not be read as codes, the others anywhere.
    const int64_t place_of_right = std::min(static_cast<int64_t>(depth * static_cast<double>(room)), room - kInTail);
    std::vector<std::pair<int64_t, size_t>> places = {{place_of_right, 0}};
    for (size_t i = 1; i < kChoices; ++i) {
      places.emplace_back(static_cast<int64_t>(random() % static_cast<uint64_t>(room)), i);
    }
    std::sort(places.begin(), places.end());
    int64_t from = static_cast<int64_t>(random() % (text_.size() - static_cast<size_t>(room)));
    int64_t done = 0;
    for (const auto& [place, i] : places) {
      trial.prompt.insert(trial.prompt.end(), text_.begin() + from + done, text_.begin() + from + place);
      trial.prompt.insert(trial.prompt.end(), lines[i].begin(), lines[i].end());
      done = place;
    }
    trial.prompt.insert(trial.prompt.end(), text_.begin() + from + done, text_.begin() + from + room);
    trial.prompt.insert(trial.prompt.end(), question.begin(), question.end());
    return trial;
  }

 private:
  Tokens Encode(const std::string& text) const { return tokenizer_.Encode(text, SpecialTokens::kAsText); }
  static std::string Pick(std::mt19937_64& random, const std::vector<std::string>& of) {
    return of[random() % of.size()];
  }
  static std::string Syllables(std::mt19937_64& random, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) {
      std::string one = Pick(random, {"b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v"}) +
                        Pick(random, {"a", "e", "i", "o", "u"}) + Pick(random, {"n", "r", "l", "x", "m"});
      one[0] = i == 0 ? static_cast<char>(one[0] - 'a' + 'A') : one[0];
      out += one;
    }
    return out;
  }
  const niwaki::Tokenizer& tokenizer_;
  const Tokens& text_;
};

// Which answer the model finds the likeliest.
size_t Choose(const CacheKind& kind, const Subject& subject, Model& model, const Trial& trial) {
  const int64_t length = static_cast<int64_t>(trial.prompt.size());
  const auto cache = WithConstants(model.shape(), subject.twin, kind.make(subject, model, length + 64));
  std::vector<float> first;
  model.Extend(trial.prompt, 0, *cache, length - 1,
               [&](int64_t, const float* logits) { first.assign(logits, logits + model.vocabulary()); });
  std::array<double, kChoices> scores{};
  for (size_t i = 0; i < kChoices; ++i) {
    const Tokens& answer = trial.answers[i];
    scores[i] = first[static_cast<size_t>(answer[0])] - LogSumExp(first.data(), first.size());
    if (cache->Truncate(length) != length) {
      throw Failure("an answer crossed a page");  // lengths are chosen so that none does
    }
    model.Extend(std::span(answer).first(answer.size() - 1), length, *cache, length,
                 [&](int64_t position, const float* logits) {
                   const TokenId next = answer[static_cast<size_t>(position - length + 1)];
                   scores[i] += logits[next] - LogSumExp(logits, model.vocabulary());
                 });
  }
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

std::vector<double> Numbers(const std::string& list) {
  std::vector<double> out;
  std::istringstream parts(list);
  for (std::string part; std::getline(parts, part, ',');) {
    out.push_back(std::stod(part));
  }
  return out;
}

}  // namespace

void RunPasskey(const Arguments& arguments) {
  const Subjects subjects(arguments);
  const CacheKind exact = subjects.exact();
  const std::vector<CacheKind> kinds = subjects.Kinds();
  const int64_t trials = arguments.Integer("trials", 20);
  // Of a guess among four, with 20 trials: 9 or more right by luck in 4 % of cells.
  const int64_t signal = arguments.Integer("signal", 9);
  const Tokens text = subjects.Text();
  Maker maker(subjects.model(0, 0).tokenizer(), text);
  JsonArray cells;
  for (const double pages : Numbers(arguments.Text("pages", "4,8,15"))) {
    // The question ends 16 tokens into a page, so that an answer ends in it too.
    const int64_t length = static_cast<int64_t>(pages) * KvCache::kPageTokens + kPastPage;
    for (const double depth : Numbers(arguments.Text("depths", "0.1,0.5,0.9"))) {
      std::vector<Trial> all;
      for (int64_t i = 0; i < trials; ++i) {
        all.push_back(
            maker.Make(length, depth, static_cast<uint64_t>(i * 1000 + length + static_cast<int64_t>(depth * 100))));
      }
      for (size_t s = 0; s < 2; ++s) {
        const auto run = [&](const CacheKind& kind) {
          std::vector<size_t> chosen(all.size());
          InParallel(trials, subjects.workers(), [&](int64_t i, int worker) {
            chosen[static_cast<size_t>(i)] =
                Choose(kind, subjects.subject(s), subjects.model(s, worker), all[static_cast<size_t>(i)]);
          });
          return chosen;
        };
        const std::vector<size_t> wanted = run(exact);
        const int64_t right = std::count(wanted.begin(), wanted.end(), size_t{0});
        JsonObject cell;
        cell.Text("model", subjects.subject(s).name).Set("length", length).Set("depth", depth).Set("trials", trials);
        cell.Set("exact", right).Raw("signal", right >= signal ? "true" : "false");
        JsonObject scores;
        if (right >= signal) {
          for (const CacheKind& kind : kinds) {
            const std::vector<size_t> chosen = run(kind);
            scores.Set(kind.id, static_cast<int64_t>(std::count(chosen.begin(), chosen.end(), size_t{0})));
          }
        }
        cells.Add(cell.Raw("right", scores.str()).str());
      }
    }
  }
  std::printf("%s\n", JsonObject().Raw("cells", cells.str()).str().c_str());
}

}  // namespace niwaki::kvbench
