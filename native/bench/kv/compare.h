// How far predictions are from a reference's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "json.h"
#include "niwaki/engine.h"

namespace niwaki::kvbench {

// Logits of a text's positions, with what every comparison needs of them.
class Reference {
 public:
  Reference(size_t vocabulary, int64_t from) : vocabulary_(vocabulary), from_(from) {}
  void Add(const float* logits);
  int64_t positions() const { return static_cast<int64_t>(rows_.size()); }

  struct Row {
    double log_sum;
    size_t best;
    float lead;   // of the best logit over the second
    double sure;  // the same of their probabilities
  };
  const Row& row(int64_t position) const { return rows_[static_cast<size_t>(position - from_)]; }
  const float* logits(int64_t position) const { return At(logits_, position); }
  const float* probabilities(int64_t position) const { return At(probabilities_, position); }
  size_t vocabulary() const { return vocabulary_; }

 private:
  const float* At(const std::vector<float>& all, int64_t position) const {
    return all.data() + static_cast<size_t>(position - from_) * vocabulary_;
  }
  const size_t vocabulary_;
  const int64_t from_;
  std::vector<float> logits_;
  std::vector<float> probabilities_;
  std::vector<Row> rows_;
};

double LogSumExp(const float* logits, size_t n);

// What comparisons add up to.
class Tally {
 public:
  // Logits after token `position` of a text whose next token is `next` (-1: the text ends). `block` tells groups of
  // neighbouring positions apart: those are alike, and the interval of the mean goes by groups.
  void Add(const Reference& reference, int64_t position, const float* logits, TokenId next, int64_t block);
  void Merge(const Tally& other);
  double mean() const;
  JsonObject Json() const;

 private:
  struct Divergence {
    double kl;
    int64_t block;
  };
  std::vector<Divergence> divergences_;
  int64_t agreed_ = 0;
  int64_t clear_ = 0;
  int64_t clear_agreed_ = 0;
  int64_t sure_ = 0;
  int64_t sure_agreed_ = 0;
  float overturned_ = 0;  // the largest lead that the best token had where another one was taken for the best
  int64_t scored_ = 0;
  double loss_ = 0;  // of the text
  double reference_loss_ = 0;
};

}  // namespace niwaki::kvbench
