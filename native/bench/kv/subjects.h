// The embedded model and its twin, calibrated, with a copy for each worker, and the caches that a part's options ask
// for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "caches.h"

namespace niwaki::kvbench {

// Whole contexts of a text, `most` of them at the most, evenly spread over it.
std::vector<std::vector<TokenId>> Windows(const Model& model, const std::string& path, int64_t most);

// Options: --model FILE --calibrate FILE --report FILE [--calibration-windows N] [--threads N] [--rows id,id]
// [--explain 1] [--maps MAPS].
class Subjects {
 public:
  explicit Subjects(const Arguments& arguments);

  const std::string& path() const { return path_; }
  int workers() const { return workers_; }
  const Subject& subject(size_t s) const { return subjects_[s]; }  // 0 the model itself, 1 the twin
  Model& model(size_t s, int worker) const { return *models_[s][static_cast<size_t>(worker)]; }
  // The caches that --rows names (all, without it), and those of --maps.
  std::vector<CacheKind> Kinds() const;
  const CacheKind& half() const { return Find("f16"); }
  const CacheKind& exact() const { return Find("f32"); }
  std::vector<TokenId> Text() const;  // the whole text to report on

 private:
  const CacheKind& Find(const std::string& id) const;

  const std::string path_;
  const std::string report_;
  const std::string rows_;
  const int workers_;
  std::vector<CacheKind> kinds_;
  std::vector<Subject> subjects_;
  std::vector<std::unique_ptr<Model>> models_[2];
};

}  // namespace niwaki::kvbench
