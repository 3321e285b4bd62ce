// What the caches of one model share: the prefix trees, the memory that all of them together may take, and the counters
// of who reused, computed and lost what. Calls must not overlap; bytes() alone may be asked by any thread.
//
// Memory goes to whoever is at work. When it runs short, what was used longest ago goes first: pages that nobody has in
// his timeline or whose session rests, and the last, unfinished pages of resting sessions. A session that comes back
// finds out (KvCache::Resume), and computes anew what is missing.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kv/page_tree.h"

namespace niwaki {

class KvPool {
 public:
  KvPool() : count_(std::make_shared<std::atomic<int64_t>>(0)) {}

  // What all caches together may hold. 0: no limit, and pages stay only as long as a cache has them. With a limit they
  // stay until the memory is needed. What the cache at work needs it gets, also beyond the limit.
  void SetBudget(int64_t bytes);
  int64_t budget() const { return budget_; }
  int64_t bytes() const { return count_->load(std::memory_order_relaxed); }
  const KvByteCount& count() const { return count_; }

  // The tree of pages that are made in one way; `kind` names codecs and calibration. Trees are kept as pages are.
  std::shared_ptr<PageTree> Tree(const std::string& kind, int64_t code_bytes, int64_t most_pages);
  // No cache that is made from now on will be of the kinds that there are: a calibration has changed.
  void ForgetTrees();

  // Something else whose memory can be taken: the unfinished page of a cache.
  class Tenant {
   public:
    virtual ~Tenant() = default;
    virtual bool Resting() const = 0;  // not at work, and holds something
    virtual int64_t LastUsed() const = 0;
    virtual void GiveUp() = 0;
  };
  void Enter(Tenant* tenant) { tenants_.push_back(tenant); }
  void Leave(Tenant* tenant);

  // Evicts until `bytes` more fit, or nothing is left to evict.
  void MakeRoom(int64_t bytes);
  // A cache is done with a page of its chain.
  void Release(PageTree& tree, KvPage* page) {
    --page->caches;
    Tidy(tree, page);
  }
  // Without a budget: frees the page, and those before it, where nobody has them any more.
  void Tidy(PageTree& tree, KvPage* page) {
    if (budget_ == 0 && page->parent != nullptr) {
      tree.Prune(page);
    }
  }
  int64_t Tick() { return ++clock_; }
  // Bytes of pages that are pinned; more than half of the budget is refused (PagedCache::Pin).
  int64_t pinned_bytes() const { return pinned_bytes_; }
  void Pin(KvPage& page);
  void Unpin(PageTree& tree, KvPage& page);

  KvCounters& counters() { return counters_; }

 private:
  const KvByteCount count_;
  int64_t budget_ = 0;
  int64_t clock_ = 0;
  int64_t pinned_bytes_ = 0;
  std::map<std::string, std::weak_ptr<PageTree>> trees_;
  std::vector<std::shared_ptr<PageTree>> kept_;  // of the kinds that new caches may have
  std::vector<Tenant*> tenants_;
  KvCounters counters_;
};

}  // namespace niwaki
