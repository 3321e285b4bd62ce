// Merges of byte-level byte-pair encoding (Sennrich et al. 2016; byte level as in GPT-2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "niwaki/engine.h"  // TokenId

namespace niwaki {

// (left id, right id) -> (rank, merged id), a hash table with open addressing: the inner loop of tokenising is a
// look-up here.
class MergeTable {
 public:
  struct Merge {
    int32_t rank = -1;  // -1: these two do not merge
    TokenId merged = -1;
  };
  explicit MergeTable(size_t merges);
  // The first insertion of a pair counts. 0 <= rank < 2^24.
  void Insert(TokenId left, TokenId right, int32_t rank, TokenId merged);
  Merge Find(TokenId left, TokenId right) const;

 private:
  struct Slot {
    uint64_t key;
    Merge merge;
  };
  size_t Start(uint64_t key) const;
  std::vector<Slot> slots_;
  size_t mask_;
};

// Merges the `count` ids (one a byte at first) in place until no pair merges: always the pair of lowest rank, leftmost
// first. Returns how many are left. Time is O(count * log(count)).
size_t MergePiece(const MergeTable& table, TokenId* ids, size_t count);

}  // namespace niwaki
