#include "subjects.h"

#include <algorithm>

namespace niwaki::kvbench {

std::vector<std::vector<TokenId>> Windows(const Model& model, const std::string& path, int64_t most) {
  const std::vector<TokenId> tokens = model.tokenizer().Encode(ReadText(path), SpecialTokens::kAsText);
  const int64_t length = model.config().context_length;
  const int64_t whole = static_cast<int64_t>(tokens.size()) / length;
  const int64_t count = std::min(whole, most);
  std::vector<std::vector<TokenId>> windows;
  for (int64_t i = 0; i < count; ++i) {
    const auto begin = tokens.begin() + i * whole / count * length;
    windows.emplace_back(begin, begin + length);
  }
  if (windows.empty()) {
    throw Failure(path + " is shorter than the model's context");
  }
  return windows;
}

Subjects::Subjects(const Arguments& arguments)
    : path_(arguments.Text("model")),
      report_(arguments.Text("report")),
      rows_(arguments.Text("rows", "")),
      workers_(static_cast<int>(arguments.Integer("threads", 2))) {
  for (int worker = 0; worker < workers_; ++worker) {
    for (const bool twin : {false, true}) {
      models_[twin ? 1 : 0].push_back(LoadSubject(path_, "", 1, twin));
    }
  }
  const auto calibration =
      Windows(model(0, 0), arguments.Text("calibrate"), arguments.Integer("calibration-windows", 8));
  // The twin computes what the model computes, so its careful layers are the model's.
  kinds_ = CacheKinds(model(0, 0).shape(), CarefulLayers(path_, workers_, calibration),
                      arguments.Integer("explain", 0) != 0, arguments.Text("maps", ""));
  for (const bool twin : {false, true}) {
    subjects_.push_back(MakeSubject(path_, twin, calibration));
  }
}

std::vector<CacheKind> Subjects::Kinds() const {
  std::vector<CacheKind> chosen;
  for (const CacheKind& kind : kinds_) {
    const bool named = ("," + rows_ + ",").find("," + kind.id + ",") != std::string::npos;
    if (rows_.empty() || named || kind.id.rfind("kv4:", 0) == 0) {
      chosen.push_back(kind);
    }
  }
  return chosen;
}

std::vector<TokenId> Subjects::Text() const {
  return model(0, 0).tokenizer().Encode(ReadText(report_), SpecialTokens::kAsText);
}

const CacheKind& Subjects::Find(const std::string& id) const {
  for (const CacheKind& kind : kinds_) {
    if (kind.id == id) {
      return kind;
    }
  }
  throw Failure("there is no cache called " + id);
}

}  // namespace niwaki::kvbench
