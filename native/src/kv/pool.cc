#include "kv/pool.h"

#include <algorithm>
#include <limits>

namespace niwaki {

void KvPool::SetBudget(int64_t bytes) {
  budget_ = bytes;
  MakeRoom(0);
  if (budget_ == 0) {
    for (const std::shared_ptr<PageTree>& tree : kept_) {
      // Whatever no cache holds: the oldest without children, again and again.
      std::vector<KvPage*> leaves = {&tree->root()};
      for (size_t i = 0; i < leaves.size(); ++i) {
        for (const std::shared_ptr<KvPage>& child : leaves[i]->children) {
          leaves.push_back(child.get());
        }
      }
      while (leaves.size() > 1) {  // children behind their parents; the root stays
        KvPage* page = leaves.back();
        leaves.pop_back();
        if (page->children.empty() && page->caches == 0 && page->pins == 0 && page->active == 0) {
          tree->Evict(*page);
        }
      }
    }
  }
}

std::shared_ptr<PageTree> KvPool::Tree(const std::string& kind, int64_t code_bytes, int64_t most_pages) {
  std::weak_ptr<PageTree>& known = trees_[kind];
  std::shared_ptr<PageTree> tree = known.lock();
  if (tree == nullptr) {
    tree = std::make_shared<PageTree>(code_bytes, most_pages, count_);
    known = tree;
    kept_.push_back(tree);
  }
  return tree;
}

void KvPool::ForgetTrees() {
  kept_.clear();
  trees_.clear();
}

void KvPool::Leave(Tenant* tenant) { std::erase(tenants_, tenant); }

void KvPool::MakeRoom(int64_t bytes) {
  while (budget_ > 0 && this->bytes() + bytes > budget_) {
    int64_t oldest = std::numeric_limits<int64_t>::max();
    Tenant* tenant = nullptr;
    for (Tenant* candidate : tenants_) {
      if (candidate->Resting() && candidate->LastUsed() < oldest) {
        oldest = candidate->LastUsed();
        tenant = candidate;
      }
    }
    PageTree* tree = nullptr;
    KvPage* page = nullptr;
    for (const auto& [kind, known] : trees_) {
      const std::shared_ptr<PageTree> candidate = known.lock();
      KvPage* leaf = candidate != nullptr ? candidate->Oldest() : nullptr;
      if (leaf != nullptr &&
          leaf->used < oldest) {  // of one age, the unfinished page goes first: it follows the others
        oldest = leaf->used;
        tree = candidate.get();
        page = leaf;
      }
    }
    if (page != nullptr) {
      counters_.of(page->user).evicted += static_cast<int64_t>(page->tokens.size());
      tree->Evict(*page);
    } else if (tenant != nullptr) {
      tenant->GiveUp();
    } else {
      return;
    }
  }
}

void KvPool::Pin(KvPage& page) {
  if (page.pins++ == 0) {
    pinned_bytes_ += page.bytes();
  }
}

void KvPool::Unpin(PageTree& tree, KvPage& page) {
  if (--page.pins == 0) {
    pinned_bytes_ -= page.bytes();
    Tidy(tree, &page);
  }
}

}  // namespace niwaki
