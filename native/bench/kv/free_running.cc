// Texts that a model goes on with on its own: what is read back of the codes decides on the next token, whose codes
// decide on the one after, so errors can add up in a way that a given text hides.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <vector>

#include "compare.h"
#include "subjects.h"

namespace niwaki::kvbench {
namespace {

using Tokens = std::vector<TokenId>;

Tokens Continue(const CacheKind& kind, const Subject& subject, Model& model, const Tokens& prompt, int64_t count) {
  const int64_t begin = static_cast<int64_t>(prompt.size());
  const auto cache = WithConstants(model.shape(), subject.twin, kind.make(subject, model, begin + count));
  Tokens said;
  const auto choose = [&](int64_t, const float* logits) {
    said.push_back(static_cast<TokenId>(std::max_element(logits, logits + model.vocabulary()) - logits));
  };
  model.Extend(prompt, 0, *cache, begin - 1, choose);
  while (static_cast<int64_t>(said.size()) < count) {
    const TokenId last = said.back();
    const int64_t at = begin + static_cast<int64_t>(said.size()) - 1;
    model.Extend(std::span(&last, 1), at, *cache, at, choose);
  }
  return said;
}

// Mean log probability of what was said, in the eyes of the model with an fp16 cache.
double Judged(const CacheKind& half, const Subject& subject, Model& model, const Tokens& prompt, const Tokens& said) {
  Tokens all = prompt;
  all.insert(all.end(), said.begin(), said.end());
  const auto cache =
      WithConstants(model.shape(), subject.twin, half.make(subject, model, static_cast<int64_t>(all.size())));
  double sum = 0;
  model.Extend(all, 0, *cache, static_cast<int64_t>(prompt.size()) - 1, [&](int64_t position, const float* logits) {
    if (position + 1 < static_cast<int64_t>(all.size())) {
      sum += logits[all[static_cast<size_t>(position + 1)]] - LogSumExp(logits, model.vocabulary());
    }
  });
  return sum / static_cast<double>(said.size());
}

struct Outcome {
  std::vector<int64_t> agreed;  // tokens before the first that fp16 would not have said
  std::vector<double> judged;
};

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(std::max<size_t>(1, values.size()));
}

std::string Row(const Subject& subject, const CacheKind& kind, Outcome outcome, int64_t count) {
  std::vector<double> lengths(outcome.agreed.begin(), outcome.agreed.end());
  std::sort(lengths.begin(), lengths.end());
  const int64_t whole = std::count(outcome.agreed.begin(), outcome.agreed.end(), count);
  JsonObject json;
  json.Text("model", subject.name).Text("id", kind.id).Text("what", kind.what);
  json.Set("texts", static_cast<int64_t>(lengths.size())).Set("tokens", count).Set("whole", whole);
  json.Set("agreedMean", Mean(lengths))
      .Set("agreedMedian", lengths[lengths.size() / 2])
      .Set("logprob", Mean(outcome.judged));
  return json.str();
}

}  // namespace

void RunFree(const Arguments& arguments) {
  const Subjects subjects(arguments);
  const std::vector<CacheKind> kinds = subjects.Kinds();
  const CacheKind& half = subjects.half();
  const int64_t count = arguments.Integer("tokens", 256);
  const size_t length = static_cast<size_t>(arguments.Integer("prompt", 512));
  const int64_t texts = arguments.Integer("texts", 16);
  // Prompts from all over the text, not only where windows begin.
  const Tokens text = subjects.Text();
  std::vector<Tokens> prompts;
  for (int64_t i = 0; i < texts; ++i) {
    const size_t at = (text.size() - length) / static_cast<size_t>(texts) * static_cast<size_t>(i);
    prompts.emplace_back(text.begin() + static_cast<int64_t>(at), text.begin() + static_cast<int64_t>(at + length));
  }
  JsonArray rows;
  for (size_t s = 0; s < 2; ++s) {
    const Subject& subject = subjects.subject(s);
    std::vector<Tokens> wanted(prompts.size());
    InParallel(texts, subjects.workers(), [&](int64_t i, int worker) {
      wanted[static_cast<size_t>(i)] =
          Continue(half, subject, subjects.model(s, worker), prompts[static_cast<size_t>(i)], count);
    });
    for (const CacheKind& kind : kinds) {
      Outcome outcome;
      outcome.agreed.resize(prompts.size());
      outcome.judged.resize(prompts.size());
      InParallel(texts, subjects.workers(), [&](int64_t i, int worker) {
        const size_t at = static_cast<size_t>(i);
        Model& model = subjects.model(s, worker);
        const Tokens said = Continue(kind, subject, model, prompts[at], count);
        outcome.agreed[at] = std::mismatch(said.begin(), said.end(), wanted[at].begin()).first - said.begin();
        outcome.judged[at] = Judged(half, subject, model, prompts[at], said);
      });
      rows.Add(Row(subject, kind, outcome, count));
    }
  }
  std::printf("%s\n", JsonObject().Raw("rows", rows.str()).str().c_str());
}

}  // namespace niwaki::kvbench
