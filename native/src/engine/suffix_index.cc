#include "engine/suffix_index.h"

#include <algorithm>

namespace niwaki {
namespace {

// Occurrences that a search looks at: a pair such as line break and indentation occurs thousands of times in a file,
// and the latest ones are the likeliest to go on in the same way.
constexpr int kMostTried = 64;
constexpr size_t kFewestSlots = 1024;

}  // namespace

uint32_t SuffixIndex::Slot(size_t position) const {
  const uint64_t pair = static_cast<uint64_t>(static_cast<uint32_t>(tokens_[position - 1])) << 32 |
                        static_cast<uint32_t>(tokens_[position]);
  // Fibonacci hashing: the upper bits of the product are well mixed.
  return static_cast<uint32_t>((pair * 0x9e3779b97f4a7c15ull) >> 32) & static_cast<uint32_t>(last_.size() - 1);
}

void SuffixIndex::Rehash(size_t slots) {
  last_.assign(slots, -1);
  for (size_t i = 1; i < tokens_.size(); ++i) {
    int32_t& last = last_[Slot(i)];
    previous_[i] = last;
    last = static_cast<int32_t>(i);
  }
}

void SuffixIndex::Push(TokenId id) {
  tokens_.push_back(id);
  previous_.push_back(-1);
  if (tokens_.size() > last_.size()) {
    Rehash(std::max(kFewestSlots, last_.size() * 2));
  } else if (tokens_.size() > 1) {
    int32_t& last = last_[Slot(tokens_.size() - 1)];
    previous_.back() = last;
    last = static_cast<int32_t>(tokens_.size() - 1);
  }
}

void SuffixIndex::Pop() {
  if (tokens_.size() > 1) {
    last_[Slot(tokens_.size() - 1)] = previous_.back();
  }
  tokens_.pop_back();
  previous_.pop_back();
}

void SuffixIndex::Update(std::span<const TokenId> tokens) {
  const size_t limit = std::min(tokens.size(), tokens_.size());
  const size_t common = static_cast<size_t>(
      std::mismatch(tokens_.begin(), tokens_.begin() + static_cast<int64_t>(limit), tokens.begin()).first -
      tokens_.begin());
  while (tokens_.size() > common) {
    Pop();
  }
  for (size_t i = common; i < tokens.size(); ++i) {
    Push(tokens[i]);
  }
}

SuffixIndex::Match SuffixIndex::Find(int min_length) const {
  Match best;
  best.length = std::max(min_length, 2) - 1;
  const int64_t end = static_cast<int64_t>(tokens_.size()) - 1;
  if (end < 1) {
    return {};
  }
  int32_t at = previous_.back();
  for (int tried = 0; at >= 0 && tried < kMostTried && best.length < kLongest; ++tried) {
    int length = 0;
    while (length < kLongest && length <= at &&
           tokens_[static_cast<size_t>(at - length)] == tokens_[static_cast<size_t>(end - length)]) {
      ++length;
    }
    if (length > best.length) {
      best = {at + 1, length};
    }
    at = previous_[static_cast<size_t>(at)];
  }
  return best.next < 0 ? Match{} : best;
}

}  // namespace niwaki
