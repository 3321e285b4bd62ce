#include "sample/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "sample/blocks.h"

namespace niwaki {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

size_t CountBlocks(size_t n) { return (n + kLogitBlock - 1) / kLogitBlock; }

}  // namespace

Sampler::Sampler(const SamplingOptions& options, std::span<const uint8_t> never)
    : options_(options), never_(never.begin(), never.end()), mixed_(CountBlocks(never.size())), state_(options.seed) {
  for (const TokenId id : options_.banned) {
    if (id >= 0 && static_cast<size_t>(id) < never_.size()) {
      never_[static_cast<size_t>(id)] = 1;
    }
  }
  if (!options_.allowed.empty()) {
    for (size_t id = 0; id < never_.size(); ++id) {
      const size_t word = id / 32;
      const bool may = word < options_.allowed.size() && ((options_.allowed[word] >> (id % 32)) & 1u) != 0;
      never_[id] = may ? never_[id] : 1;
    }
    const size_t left = static_cast<size_t>(std::count(never_.begin(), never_.end(), 0));
    is_listed_ = left < never_.size() / 16;
    for (size_t id = 0; is_listed_ && id < never_.size(); ++id) {
      if (never_[id] == 0) {
        listed_.push_back(static_cast<TokenId>(id));
      }
    }
  }
  for (size_t block = 0; block < mixed_.size(); ++block) {
    const auto begin = never_.begin() + static_cast<int64_t>(block * kLogitBlock);
    const auto end = never_.begin() + static_cast<int64_t>(std::min(never_.size(), (block + 1) * kLogitBlock));
    mixed_[block] = std::any_of(begin, end, [](uint8_t is_never) { return is_never != 0; }) ? 1 : 0;
  }
}

TokenId Sampler::Sample(std::span<const float> logits, std::span<const TokenId> allowed,
                        std::span<const TokenId> history, std::span<const uint32_t> mask) {
  logits_ = logits.first(std::min(logits.size(), never_.size()));
  mask_ = mask;
  Adjust(history);
  TokenId id = -1;
  if (!allowed.empty()) {
    id = Choose(allowed, true);
  } else if (ListMask()) {
    id = Choose(masked_, true);
  } else {
    id = Choose(listed_, is_listed_);
  }
  Forget();
  return id;
}

void Sampler::Skip() {
  if (options_.temperature > 0) {
    (void)NextUniform();
  }
}

bool Sampler::ListMask() {
  if (mask_.empty()) {
    return false;
  }
  size_t left = 0;
  for (const uint32_t word : mask_) {
    left += static_cast<size_t>(std::popcount(word));
  }
  if (left >= never_.size() / 16) {
    return false;
  }
  masked_.clear();
  for (size_t word = 0; word < mask_.size(); ++word) {
    for (uint32_t bits = mask_[word]; bits != 0; bits &= bits - 1) {
      masked_.push_back(static_cast<TokenId>(word * 32 + static_cast<size_t>(std::countr_zero(bits))));
    }
  }
  return true;
}

TokenId Sampler::Choose(std::span<const TokenId> list, bool is_list) {
  if (is_list) {
    CollectList(list);
    if (candidates_.empty()) {
      return -1;
    }
    const Candidate best = *std::min_element(candidates_.begin(), candidates_.end(), IsBetter);
    if (options_.temperature <= 0 || std::isinf(best.logit)) {
      return best.id;
    }
    KeepTopK();
    if (options_.top_p < 1) {
      (void)KeepNucleus(static_cast<double>(options_.top_p) * Weigh(best.logit));
    }
    if (options_.min_p > 0) {
      KeepFrom(best.logit + std::log(std::min(options_.min_p, 1.0f)));
    }
    return Draw(best.logit);
  }
  const TokenId best = Best();
  if (best < 0 || options_.temperature <= 0) {
    return best;
  }
  const float top = maxima_[static_cast<size_t>(best) / kLogitBlock];
  if (std::isinf(top)) {
    return best;
  }
  if (options_.top_k <= 0 && options_.top_p >= 1 && options_.min_p <= 0) {
    return DrawFromAll(top);
  }
  CollectAndTruncate(top);
  return Draw(top);
}

// ------------------------------------------------------------------------------------------------- bias, penalties

Sampler::Adjusted* Sampler::Find(TokenId id) {
  const size_t at = static_cast<size_t>(id);
  if (id < 0 || at >= logits_.size()) {
    return nullptr;
  }
  if (slots_[at] < 0) {
    int32_t& first = first_[at / kLogitBlock];
    slots_[at] = static_cast<int32_t>(adjusted_.size());
    adjusted_.push_back({id, logits_[at], 0, first});
    first = slots_[at];
  }
  return &adjusted_[static_cast<size_t>(slots_[at])];
}

void Sampler::Adjust(std::span<const TokenId> history) {
  const bool penalties = !history.empty() && (options_.repetition_penalty != 1 || options_.frequency_penalty != 0 ||
                                              options_.presence_penalty != 0);
  if (options_.logit_bias.empty() && !penalties) {
    return;
  }
  if (slots_.empty()) {
    slots_.assign(never_.size(), -1);
    first_.assign(mixed_.size(), -1);
  }
  for (const auto& [id, bias] : options_.logit_bias) {
    if (Adjusted* const adjusted = Find(id); adjusted != nullptr) {
      // Not to infinity: two of that would leave nothing to compare.
      adjusted->logit = std::min(adjusted->logit + bias, std::numeric_limits<float>::max());
    }
  }
  if (!penalties) {
    return;
  }
  const size_t window = static_cast<size_t>(std::max(0, options_.penalty_window));
  for (const TokenId id : history.last(window == 0 ? history.size() : std::min(window, history.size()))) {
    if (Adjusted* const adjusted = Find(id); adjusted != nullptr) {
      ++adjusted->count;
    }
  }
  for (Adjusted& adjusted : adjusted_) {
    if (adjusted.count > 0) {
      float& logit = adjusted.logit;
      logit = logit > 0 ? logit / options_.repetition_penalty : logit * options_.repetition_penalty;
      logit -= static_cast<float>(adjusted.count) * options_.frequency_penalty + options_.presence_penalty;
    }
  }
}

void Sampler::Forget() {
  for (const Adjusted& adjusted : adjusted_) {
    slots_[static_cast<size_t>(adjusted.id)] = -1;
    first_[static_cast<size_t>(adjusted.id) / kLogitBlock] = -1;
  }
  adjusted_.clear();
}

size_t Sampler::BlockSize(size_t block) const { return std::min(kLogitBlock, logits_.size() - block * kLogitBlock); }

const float* Sampler::Block(size_t block, float* patched) const {
  const size_t begin = block * kLogitBlock;
  const float* logits = logits_.data() + begin;
  int32_t next = adjusted_.empty() ? -1 : first_[block];
  if (next < 0 && mixed_[block] == 0 && mask_.empty()) {
    return logits;
  }
  const size_t n = BlockSize(block);
  std::copy(logits, logits + n, patched);
  for (; next >= 0; next = adjusted_[static_cast<size_t>(next)].next) {
    const Adjusted& adjusted = adjusted_[static_cast<size_t>(next)];
    patched[static_cast<size_t>(adjusted.id) - begin] = adjusted.logit;
  }
  constexpr float kNever = std::numeric_limits<float>::quiet_NaN();
  for (size_t i = 0; mixed_[block] != 0 && i < n; ++i) {
    patched[i] = never_[begin + i] != 0 ? kNever : patched[i];
  }
  static_assert(kLogitBlock % 32 == 0);
  // What a mask rules out of a block is mostly little, a bit here and there.
  for (size_t i = 0; !mask_.empty() && i < n; i += 32) {
    const size_t word = (begin + i) / 32;
    for (uint32_t bits = word < mask_.size() ? ~mask_[word] : ~0u; bits != 0; bits &= bits - 1) {
      const size_t at = i + static_cast<size_t>(std::countr_zero(bits));
      if (at < n) {
        patched[at] = kNever;
      }
    }
  }
  return patched;
}

// ------------------------------------------------------------------------------------------------------ candidates

TokenId Sampler::Best() {
  float patched[kLogitBlock];
  const size_t blocks = CountBlocks(logits_.size());
  maxima_.resize(blocks);
  size_t best = 0;
  for (size_t block = 0; block < blocks; ++block) {
    maxima_[block] = MaxOf(Block(block, patched), BlockSize(block));
    best = maxima_[block] > maxima_[best] ? block : best;
  }
  // Where nothing is more than -infinity, the first id that has at least that.
  for (size_t block = best; block < blocks; ++block) {
    const float* logits = Block(block, patched);
    for (size_t i = 0; i < BlockSize(block); ++i) {
      if (logits[i] == maxima_[block]) {
        return static_cast<TokenId>(block * kLogitBlock + i);
      }
    }
  }
  return -1;
}

void Sampler::CollectList(std::span<const TokenId> list) {
  candidates_.clear();
  for (const TokenId id : list) {
    const size_t at = static_cast<size_t>(id);
    if (id < 0 || at >= logits_.size() || IsNever(at)) {
      continue;
    }
    const bool changed = !adjusted_.empty() && slots_[at] >= 0;
    const float logit = changed ? adjusted_[static_cast<size_t>(slots_[at])].logit : logits_[at];
    if (logit == logit) {  // one that is not a number is never chosen
      candidates_.push_back({logit, id, 0.0f});
    }
  }
  if (!std::is_sorted(candidates_.begin(), candidates_.end(), ComesFirst)) {
    std::sort(candidates_.begin(), candidates_.end(), ComesFirst);
  }
}

void Sampler::CollectFrom(float bound) {
  candidates_.clear();
  float patched[kLogitBlock];
  for (size_t block = 0; block < maxima_.size(); ++block) {
    if (!(maxima_[block] >= bound)) {
      continue;
    }
    const float* logits = Block(block, patched);
    for (size_t i = 0; i < BlockSize(block); ++i) {
      if (logits[i] >= bound) {
        candidates_.push_back({logits[i], static_cast<TokenId>(block * kLogitBlock + i), 0.0f});
      }
    }
  }
}

void Sampler::CollectAndTruncate(float top) {
  const float least = options_.min_p > 0 ? top + std::log(std::min(options_.min_p, 1.0f)) : -kInfinity;
  const size_t k = static_cast<size_t>(std::max(0, options_.top_k));
  if (k > 0) {
    float bound = -kInfinity;  // the k-th best of the blocks' maxima is no better than the k-th best of all
    if (k <= maxima_.size()) {
      std::vector<float> maxima = maxima_;
      std::nth_element(maxima.begin(), maxima.begin() + static_cast<int64_t>(k) - 1, maxima.end(),
                       std::greater<float>());
      bound = maxima[k - 1];
    }
    CollectFrom(bound);
    KeepTopK();
    if (options_.top_p < 1) {
      (void)KeepNucleus(static_cast<double>(options_.top_p) * Weigh(top));
    }
    KeepFrom(least);
    return;
  }
  if (options_.top_p >= 1) {
    CollectFrom(least);
    return;
  }
  double total = 0;
  for (size_t block = 0; block < maxima_.size(); ++block) {
    float patched[kLogitBlock];
    float weights[kLogitBlock];
    const size_t n = BlockSize(block);
    ExpInto(Block(block, patched), n, top, 1.0f, weights);
    total += SumOf(weights, n);
  }
  const double mass = static_cast<double>(options_.top_p) * total;
  // The nucleus nearly always lies within a few nats of the best: look there first.
  for (const float depth : {8.0f, 16.0f, kInfinity}) {
    const float bound = std::max(least, top - depth);
    CollectFrom(bound);
    (void)Weigh(top);
    if (KeepNucleus(mass) || bound == least) {
      return;
    }
  }
}

// ------------------------------------------------------------------------------------------------------------ draw

namespace {

// Bounded, so that the best logit's distance from itself stays zero.
float InverseTemperature(float temperature) { return std::min(1 / temperature, 1e30f); }

}  // namespace

TokenId Sampler::Draw(float top) {
  const float scale = InverseTemperature(options_.temperature);
  double total = 0;
  for (Candidate& c : candidates_) {
    ExpInto(&c.logit, 1, top, scale, &c.weight);
    total += static_cast<double>(c.weight);
  }
  double left = NextUniform() * total;
  for (const Candidate& c : candidates_) {
    left -= static_cast<double>(c.weight);
    if (left < 0) {
      return c.id;
    }
  }
  return candidates_.back().id;
}

TokenId Sampler::DrawFromAll(float top) {
  const float scale = InverseTemperature(options_.temperature);
  float patched[kLogitBlock];
  float weights[kLogitBlock];
  std::vector<double> sums(maxima_.size());
  double total = 0;
  for (size_t block = 0; block < sums.size(); ++block) {
    const size_t n = BlockSize(block);
    ExpInto(Block(block, patched), n, top, scale, weights);
    sums[block] = SumOf(weights, n);
    total += sums[block];
  }
  double left = NextUniform() * total;
  TokenId last = -1;  // rounding may leave a rest behind the end
  for (size_t block = 0; block < sums.size(); ++block) {
    if (left >= sums[block] && block + 1 < sums.size()) {
      left -= sums[block];
      continue;
    }
    const size_t n = BlockSize(block);
    ExpInto(Block(block, patched), n, top, scale, weights);
    for (size_t i = 0; i < n; ++i) {
      left -= static_cast<double>(weights[i]);
      if (weights[i] > 0) {
        last = static_cast<TokenId>(block * kLogitBlock + i);
        if (left < 0) {
          return last;
        }
      }
    }
  }
  return last >= 0 ? last : Best();
}

// SplitMix64 (Steele, Lea and Flood 2014): the same draws for the same seed on every machine.
double Sampler::NextUniform() {
  state_ += 0x9e3779b97f4a7c15ull;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

}  // namespace niwaki
