// The prefix tree: pages that are exact, found by the tokens that lead to them. All caches of one model, codec and
// calibration share one, so a prompt's beginning is computed once, whoever asks (as RadixAttention does, SGLang, Zheng
// et al. 2023, in whole pages). A page is the child of the one before it; its place in the tree says all that its keys
// and values depend on, because results depend on tokens alone (docs/ARCHITECTURE.md, the numerics contract).
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "kv/page.h"

namespace niwaki {

class PageTree {
 public:
  // `code_bytes` of a page, 0 for pages in half precision.
  PageTree(int64_t code_bytes, int64_t most_pages, const KvByteCount& count);

  KvPage& root() { return root_; }
  // The page after `parent` that holds these tokens (128), or null.
  std::shared_ptr<KvPage> Find(const KvPage& parent, std::span<const int32_t> tokens) const;
  // A page that is in no tree yet; null when there is no memory for its codes.
  std::shared_ptr<KvPage> NewPage();
  // Puts a finished page in its place. Where one with the same tokens is there already, that one is returned, and the
  // new one is not needed.
  std::shared_ptr<KvPage> Insert(KvPage& parent, std::span<const int32_t> tokens, std::shared_ptr<KvPage> page);
  // Takes a page without children out and frees its memory; chains that hold it see it as freed.
  void Evict(KvPage& page);
  // The page without children, not pinned and not at work, that was used longest ago; null when there is none.
  KvPage* Oldest();
  // Evicts, from `page` up to the root, what no chain holds and nobody has pinned.
  void Prune(KvPage* page);
  int64_t pages() const;

 private:
  std::shared_ptr<PageArena> arena_;  // null for half precision
  KvPage root_;
};

}  // namespace niwaki
