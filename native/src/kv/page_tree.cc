#include "kv/page_tree.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace niwaki {

PageTree::PageTree(int64_t code_bytes, int64_t most_pages, const KvByteCount& count) {
  if (code_bytes > 0) {
    arena_ = std::make_shared<PageArena>(code_bytes, most_pages, count);
  }
}

std::shared_ptr<KvPage> PageTree::Find(const KvPage& parent, std::span<const int32_t> tokens) const {
  for (const std::shared_ptr<KvPage>& child : parent.children) {
    if (std::equal(tokens.begin(), tokens.end(), child->tokens.begin(), child->tokens.end())) {
      return child;
    }
  }
  return nullptr;
}

std::shared_ptr<KvPage> PageTree::NewPage() {
  auto page = std::make_shared<KvPage>();
  if (arena_ != nullptr) {
    page->codes = arena_->Take();
    if (page->codes == nullptr) {
      return nullptr;
    }
    page->arena = arena_;
  }
  return page;
}

std::shared_ptr<KvPage> PageTree::Insert(KvPage& parent, std::span<const int32_t> tokens,
                                         std::shared_ptr<KvPage> page) {
  if (std::shared_ptr<KvPage> known = Find(parent, tokens)) {
    return known;
  }
  page->tokens.assign(tokens.begin(), tokens.end());
  page->parent = &parent;
  parent.children.push_back(page);
  return page;
}

void PageTree::Evict(KvPage& page) {
  page.Free();
  KvPage* parent = std::exchange(page.parent, nullptr);
  std::erase_if(parent->children, [&](const std::shared_ptr<KvPage>& child) { return child.get() == &page; });
}

KvPage* PageTree::Oldest() {
  KvPage* oldest = nullptr;
  std::vector<KvPage*> open = {&root_};
  while (!open.empty()) {
    KvPage* page = open.back();
    open.pop_back();
    for (const std::shared_ptr<KvPage>& child : page->children) {
      open.push_back(child.get());
    }
    if (page != &root_ && page->children.empty() && page->pins == 0 && page->active == 0 &&
        (oldest == nullptr || page->used < oldest->used)) {
      oldest = page;
    }
  }
  return oldest;
}

void PageTree::Prune(KvPage* page) {
  while (page != nullptr && page != &root_ && page->children.empty() && page->caches == 0 && page->pins == 0 &&
         page->active == 0) {
    KvPage* parent = page->parent;
    Evict(*page);
    page = parent;
  }
}

int64_t PageTree::pages() const {
  int64_t count = -1;  // the root is none
  std::vector<const KvPage*> open = {&root_};
  while (!open.empty()) {
    const KvPage* page = open.back();
    open.pop_back();
    ++count;
    for (const std::shared_ptr<KvPage>& child : page->children) {
      open.push_back(child.get());
    }
  }
  return count;
}

}  // namespace niwaki
