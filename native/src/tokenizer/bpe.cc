#include "tokenizer/bpe.h"

#include <algorithm>
#include <functional>

namespace niwaki {
namespace {

constexpr uint64_t kEmpty = ~uint64_t{0};

uint64_t KeyOf(TokenId left, TokenId right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

// Up to this length a scan for the lowest rank beats a queue.
constexpr size_t kShortPiece = 32;

size_t MergeShort(const MergeTable& table, TokenId* id, size_t n) {
  MergeTable::Merge merges[kShortPiece];
  for (size_t i = 0; i + 1 < n; ++i) {
    merges[i] = table.Find(id[i], id[i + 1]);
  }
  for (;;) {
    size_t best = n;
    for (size_t i = 0; i + 1 < n; ++i) {
      if (merges[i].rank >= 0 && (best == n || merges[i].rank < merges[best].rank)) {
        best = i;
      }
    }
    if (best == n) {
      return n;
    }
    id[best] = merges[best].merged;
    for (size_t i = best + 1; i + 1 < n; ++i) {
      id[i] = id[i + 1];
      merges[i] = merges[i + 1];
    }
    --n;
    if (best > 0) {
      merges[best - 1] = table.Find(id[best - 1], id[best]);
    }
    if (best + 1 < n) {
      merges[best] = table.Find(id[best], id[best + 1]);
    }
  }
}

// A linked list of the remaining tokens and a heap of candidate pairs. A candidate is outdated when the pair that its
// place now begins has another rank: ranks tell pairs apart.
class LongMerger {
 public:
  LongMerger(const MergeTable& table, const TokenId* ids, size_t count)
      : table_(table), count_(static_cast<int64_t>(count)) {
    nodes_.reserve(count);
    for (int64_t i = 0; i < count_; ++i) {
      nodes_.push_back({ids[i], -1, -1, i - 1, i + 1});
    }
    heap_.reserve(count);
    for (int64_t i = 0; i < count_; ++i) {
      if (Rate(i)) {
        heap_.push_back(Key(i));
      }
    }
    std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  }

  size_t Run(TokenId* ids) {
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
      const uint64_t key = heap_.back();
      heap_.pop_back();
      const int64_t at = static_cast<int64_t>(key & kPlaceMask);
      if (node(at).rank == static_cast<int32_t>(key >> kPlaceBits)) {
        Merge(at);
      }
    }
    size_t left = 0;
    for (int64_t i = 0; i < count_; i = node(i).next) {
      ids[left++] = node(i).id;
    }
    return left;
  }

 private:
  struct Node {
    TokenId id;
    int32_t rank;    // of the pair that begins here; -1 when it does not merge, or this was merged into the one before
    TokenId merged;  // what that pair becomes
    int64_t previous;
    int64_t next;
  };
  // Rank above place, so that the smallest key is the pair to merge. 24 bits hold all ranks, 40 any text in memory.
  static constexpr int kPlaceBits = 40;
  static constexpr uint64_t kPlaceMask = (uint64_t{1} << kPlaceBits) - 1;

  Node& node(int64_t at) { return nodes_[static_cast<size_t>(at)]; }
  uint64_t Key(int64_t at) { return (static_cast<uint64_t>(node(at).rank) << kPlaceBits) | static_cast<uint64_t>(at); }
  bool Rate(int64_t at) {
    Node& left = node(at);
    const MergeTable::Merge merge = left.next < count_ ? table_.Find(left.id, node(left.next).id) : MergeTable::Merge();
    left.rank = merge.rank;
    left.merged = merge.merged;
    return merge.rank >= 0;
  }
  void Offer(int64_t at) {
    if (at >= 0 && Rate(at)) {
      heap_.push_back(Key(at));
      std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
    }
  }
  void Merge(int64_t at) {
    Node& left = node(at);
    Node& right = node(left.next);
    left.id = left.merged;
    right.rank = -1;
    left.next = right.next;
    if (left.next < count_) {
      node(left.next).previous = at;
    }
    Offer(left.previous);
    Offer(at);
  }

  const MergeTable& table_;
  const int64_t count_;
  std::vector<Node> nodes_;
  std::vector<uint64_t> heap_;
};

}  // namespace

MergeTable::MergeTable(size_t merges) {
  size_t size = 16;
  while (size < merges * 2) {
    size *= 2;
  }
  slots_.assign(size, {kEmpty, {}});
  mask_ = size - 1;
}

size_t MergeTable::Start(uint64_t key) const {
  return static_cast<size_t>((key * 0x9e3779b97f4a7c15ull) >> 20) & mask_;
}

void MergeTable::Insert(TokenId left, TokenId right, int32_t rank, TokenId merged) {
  const uint64_t key = KeyOf(left, right);
  size_t at = Start(key);
  while (slots_[at].key != kEmpty) {
    if (slots_[at].key == key) {
      return;
    }
    at = (at + 1) & mask_;
  }
  slots_[at] = {key, {rank, merged}};
}

MergeTable::Merge MergeTable::Find(TokenId left, TokenId right) const {
  const uint64_t key = KeyOf(left, right);
  for (size_t at = Start(key);; at = (at + 1) & mask_) {
    if (slots_[at].key == key) {
      return slots_[at].merge;
    }
    if (slots_[at].key == kEmpty) {
      return {};
    }
  }
}

size_t MergePiece(const MergeTable& table, TokenId* ids, size_t count) {
  if (count < 2) {
    return count;
  }
  return count <= kShortPiece ? MergeShort(table, ids, count) : LongMerger(table, ids, count).Run(ids);
}

}  // namespace niwaki
