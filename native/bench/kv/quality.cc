// Predictions with each cache against those with the fp16 cache, over windows of a text that the calibration has not
// seen.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compare.h"
#include "subjects.h"

namespace niwaki::kvbench {
namespace {

constexpr int64_t kFirst = KvCache::kPageTokens;  // earlier positions see no codes

using Window = std::vector<TokenId>;

Reference Refer(const CacheKind& kind, const Subject& subject, Model& model, const Window& window, int64_t from) {
  Reference reference(model.vocabulary(), from);
  const auto cache =
      WithConstants(model.shape(), subject.twin, kind.make(subject, model, static_cast<int64_t>(window.size())));
  model.Extend(window, 0, *cache, from, [&](int64_t, const float* logits) { reference.Add(logits); });
  return reference;
}

// `index` numbers the windows of a text.
Tally Compare(const CacheKind& kind, const Subject& subject, Model& model, const Window& window,
              const Reference& reference, int64_t from, int64_t index) {
  const int64_t total = static_cast<int64_t>(window.size());
  const auto cache = WithConstants(model.shape(), subject.twin, kind.make(subject, model, total));
  Tally tally;
  model.Extend(window, 0, *cache, from, [&](int64_t position, const float* logits) {
    const TokenId next = position + 1 < total ? window[static_cast<size_t>(position + 1)] : -1;
    tally.Add(reference, position, logits, next, index * total + position / KvCache::kPageTokens);
  });
  return tally;
}

// The twin says what the model says: in floats, without any quantisation of activations, on a short piece.
Tally ProveTwin(const Subjects& subjects, Window piece) {
  piece.resize(std::min<size_t>(piece.size(), 192));
  const auto base = LoadSubject(subjects.path(), "oracle", 1, false);
  const auto twin = LoadSubject(subjects.path(), "oracle", 1, true);
  const Reference reference = Refer(subjects.exact(), subjects.subject(0), *base, piece, 0);
  return Compare(subjects.exact(), subjects.subject(1), *twin, piece, reference, 0, 0);
}

using Tallies = std::map<std::string, Tally>;

Tallies CompareAll(const Subjects& subjects, const std::vector<CacheKind>& kinds, const Window& window, int64_t index,
                   int worker) {
  Tallies tallies;
  {
    const Reference floats = Refer(subjects.exact(), subjects.subject(0), subjects.model(0, worker), window, kFirst);
    tallies["floor f32"] =
        Compare(subjects.exact(), subjects.subject(1), subjects.model(1, worker), window, floats, kFirst, index);
  }
  for (size_t s = 0; s < 2; ++s) {
    Model& model = subjects.model(s, worker);
    const Subject& subject = subjects.subject(s);
    const Reference reference = Refer(subjects.half(), subject, model, window, kFirst);
    if (s == 0) {
      tallies["floor f16"] =
          Compare(subjects.half(), subjects.subject(1), subjects.model(1, worker), window, reference, kFirst, index);
    }
    for (const CacheKind& kind : kinds) {
      tallies[subject.name + " " + kind.id] = Compare(kind, subject, model, window, reference, kFirst, index);
    }
  }
  return tallies;
}

}  // namespace

void RunQuality(const Arguments& arguments) {
  const Subjects subjects(arguments);
  const std::vector<CacheKind> kinds = subjects.Kinds();
  const std::vector<Window> windows =
      Windows(subjects.model(0, 0), arguments.Text("report"), arguments.Integer("windows", 12));
  std::vector<Tallies> parts(windows.size());
  InParallel(static_cast<int64_t>(windows.size()), subjects.workers(), [&](int64_t index, int worker) {
    parts[static_cast<size_t>(index)] = CompareAll(subjects, kinds, windows[static_cast<size_t>(index)], index, worker);
    std::fprintf(stderr, "window %d of %d\n", static_cast<int>(index) + 1, static_cast<int>(windows.size()));
  });
  Tallies sums;
  for (const Tallies& part : parts) {
    for (const auto& [key, tally] : part) {
      sums[key].Merge(tally);
    }
  }
  JsonArray rows;
  for (size_t s = 0; s < 2; ++s) {
    const std::string& name = subjects.subject(s).name;
    for (const CacheKind& kind : kinds) {
      JsonObject row = sums[name + " " + kind.id].Json();
      row.Text("model", name).Text("id", kind.id).Text("what", kind.what).Set("bits", kind.bits);
      row.Raw("real", kind.real ? "true" : "false").Raw("ablation", kind.ablation ? "true" : "false");
      rows.Add(row.str());
    }
  }
  JsonObject result;
  result.Raw("rows", rows.str()).Raw("twinProof", ProveTwin(subjects, windows[0]).Json().str());
  result.Raw("twinFloor32", sums["floor f32"].Json().str()).Raw("twinFloor16", sums["floor f16"].Json().str());
  result.Set("windows", static_cast<int64_t>(windows.size())).Set("context", static_cast<int64_t>(windows[0].size()));
  std::printf("%s\n", result.str().c_str());
}

}  // namespace niwaki::kvbench
