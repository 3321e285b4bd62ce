// Chooses the next token from logits. Vocabularies are large and the choice is made for every token, so nothing is
// sorted and nothing is copied but what may still be chosen.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "niwaki/engine.h"  // SamplingOptions, TokenId

namespace niwaki {

class Sampler {
 public:
  // `never` [vocabulary] marks ids that are never chosen (1) on top of options.banned.
  Sampler(const SamplingOptions& options, std::span<const uint8_t> never);

  // The next token, or -1 when every id is ruled out. `allowed` (ascending ids) restricts the choice when it is not
  // empty; `history` is the timeline that penalties look at. Logits are first biased and penalised. Greedy takes the
  // largest logit, the lowest id among equals. Otherwise, in llama.cpp's order: top-k, top-p (nucleus, Holtzman et al.
  // 2019), min-p (Nguyen et al. 2024), temperature, and a draw; the truncations look at probabilities at temperature 1.
  // `mask` restricts it too when it is not empty: bit id % 32 of word id / 32, ids past its end are ruled out.
  TokenId Sample(std::span<const float> logits, std::span<const TokenId> allowed, std::span<const TokenId> history = {},
                 std::span<const uint32_t> mask = {});
  // A token was said that somebody else chose: draws what the choice of a single candidate would have drawn.
  void Skip();

 private:
  struct Candidate {
    float logit;
    TokenId id;
    float weight;  // exp(logit - the best logit), once the nucleus needs it
  };
  // Equal logits by id, so that results do not depend on the order of partial sorts.
  static bool IsBetter(const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  }
  static bool ComesFirst(const Candidate& a, const Candidate& b) { return a.id < b.id; }
  // A logit that bias and penalties change.
  struct Adjusted {
    TokenId id;
    float logit;
    int count;     // of the id among the last tokens
    int32_t next;  // of the same block, -1 = none
  };

  // Collects what bias and penalties change.
  void Adjust(std::span<const TokenId> history);
  Adjusted* Find(TokenId id);
  void Forget();
  // The logits of a block as the choice sees them: adjusted, and NaN for ids that are ruled out. Returns the logits
  // themselves where they are the same, else fills `patched` [kLogitBlock].
  const float* Block(size_t block, float* patched) const;
  size_t BlockSize(size_t block) const;

  bool IsNever(size_t id) const {
    return never_[id] != 0 ||
           (!mask_.empty() && (id / 32 >= mask_.size() || ((mask_[id / 32] >> (id % 32)) & 1u) == 0));
  }
  // Whether `mask` leaves few; masked_ is then its list.
  bool ListMask();
  TokenId Choose(std::span<const TokenId> list, bool is_list);
  // The best of all; fills maxima_.
  TokenId Best();
  // A draw from all ids at the temperature, without truncation.
  TokenId DrawFromAll(float top);
  // Fills candidates_, in the order of ids.
  void CollectList(std::span<const TokenId> list);
  void CollectFrom(float bound);
  void CollectAndTruncate(float top);
  void KeepTopK();
  // Keeps the smallest set of the best candidates that has `mass` in weights. False, and all are kept, when they have
  // less together.
  bool KeepNucleus(double mass);
  void KeepFrom(float bound);
  double Weigh(float top);
  TokenId Draw(float top);
  double NextUniform();

  const SamplingOptions options_;
  std::vector<uint8_t> never_;
  std::vector<uint8_t> mixed_;   // [blocks]: some of the block's ids are never chosen
  std::vector<TokenId> listed_;  // options.allowed as a list, where it leaves few
  bool is_listed_ = false;
  std::span<const float> logits_;   // of the Sample that runs
  std::span<const uint32_t> mask_;  // likewise
  std::vector<TokenId> masked_;     // likewise, where it leaves few
  std::vector<Adjusted> adjusted_;
  std::vector<int32_t> slots_;  // [vocabulary]: index in adjusted_, -1 = none; empty when nothing can be adjusted
  std::vector<int32_t> first_;  // [blocks]: the first of the block's adjusted ones, -1 = none
  std::vector<float> maxima_;   // [blocks]
  std::vector<Candidate> candidates_;
  std::vector<Candidate> order_;  // what KeepNucleus rearranges
  uint64_t state_;
};

}  // namespace niwaki
