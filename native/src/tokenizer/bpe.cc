#include "tokenizer/bpe.h"

#include <queue>

namespace niwaki {
namespace {

constexpr uint64_t kEmpty = ~uint64_t{0};

uint64_t KeyOf(TokenId left, TokenId right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

// Up to this length a scan for the lowest rank beats a queue.
constexpr size_t kShortPiece = 32;

void MergeShort(const MergeTable& table, std::vector<TokenId>* ids) {
  MergeTable::Merge merges[kShortPiece];
  size_t n = ids->size();
  TokenId* id = ids->data();
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
      break;
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
  ids->resize(n);
}

// A linked list of the remaining tokens and a queue of candidate pairs; outdated candidates are recognised by their
// ids.
void MergeLong(const MergeTable& table, std::vector<TokenId>* ids) {
  struct Node {
    TokenId id;
    int64_t previous;
    int64_t next;
  };
  struct Candidate {
    int32_t rank;
    int64_t left;
    TokenId left_id;
    TokenId right_id;
    TokenId merged;
    bool operator<(const Candidate& other) const {  // std::priority_queue takes the largest
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  const int64_t n = static_cast<int64_t>(ids->size());
  std::vector<Node> nodes(ids->size());
  std::priority_queue<Candidate> queue;
  const auto offer = [&](int64_t left) {
    if (left < 0 || nodes[static_cast<size_t>(left)].next >= n) {
      return;
    }
    const Node& a = nodes[static_cast<size_t>(left)];
    const Node& b = nodes[static_cast<size_t>(a.next)];
    const MergeTable::Merge merge = table.Find(a.id, b.id);
    if (merge.rank >= 0) {
      queue.push({merge.rank, left, a.id, b.id, merge.merged});
    }
  };
  for (int64_t i = 0; i < n; ++i) {
    nodes[static_cast<size_t>(i)] = {(*ids)[static_cast<size_t>(i)], i - 1, i + 1};
  }
  for (int64_t i = 0; i + 1 < n; ++i) {
    offer(i);
  }
  while (!queue.empty()) {
    const Candidate candidate = queue.top();
    queue.pop();
    Node& left = nodes[static_cast<size_t>(candidate.left)];
    if (left.id != candidate.left_id || left.next >= n) {
      continue;
    }
    Node& right = nodes[static_cast<size_t>(left.next)];
    if (right.id != candidate.right_id) {
      continue;
    }
    left.id = candidate.merged;
    right.id = -1;
    left.next = right.next;
    if (left.next < n) {
      nodes[static_cast<size_t>(left.next)].previous = candidate.left;
    }
    offer(left.previous);
    offer(candidate.left);
  }
  ids->clear();
  for (int64_t i = 0; i < n; i = nodes[static_cast<size_t>(i)].next) {
    ids->push_back(nodes[static_cast<size_t>(i)].id);
  }
}

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

void MergePiece(const MergeTable& table, std::vector<TokenId>* ids) {
  if (ids->size() < 2) {
    return;
  }
  if (ids->size() <= kShortPiece) {
    MergeShort(table, ids);
  } else {
    MergeLong(table, ids);
  }
}

}  // namespace niwaki
