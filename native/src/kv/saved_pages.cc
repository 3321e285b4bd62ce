// Finding pages that others have, in the tree and on disk, and handing out those that are to be saved.
#include <cstring>
#include <utility>

#include "kv/paged_cache.h"

namespace niwaki {

std::vector<std::shared_ptr<KvPage>> PagedCache::Match(std::span<const int32_t> tokens, int64_t own,
                                                       const std::atomic<bool>* cancel, int64_t* restored) {
  constexpr size_t kPage = static_cast<size_t>(kPageTokens);
  std::vector<std::shared_ptr<KvPage>> pages;
  KvPage* parent = &tree_->root();
  KvPrefixId id;
  // The last token is computed in any case, and by then its page is at hand.
  for (size_t at = 0; at + kPage < tokens.size(); at += kPage) {
    const auto wanted = tokens.subspan(at, kPage);
    std::shared_ptr<KvPage> page = tree_->Find(*parent, wanted);
    if (place_.store != nullptr) {
      id = NextKvPrefix(place_.kind, id, wanted);
      // A tree that has lost what this session still holds is not filled up from disk for nothing.
      const bool worth = static_cast<int64_t>(at + kPage) > own;
      if (page == nullptr && worth && (cancel == nullptr || !cancel->load(std::memory_order_relaxed))) {
        page = Restore(id, wanted);
        if (page != nullptr) {
          page->used = used_;
          page = tree_->Insert(*parent, wanted, std::move(page));
          *restored += kPageTokens;
        }
      }
    }
    if (page == nullptr) {
      break;
    }
    ++page->active;  // reading the next one may need room
    pages.push_back(std::move(page));
    parent = pages.back().get();
  }
  return pages;
}

size_t PagedCache::SavedBytes(bool first_page) const {
  const int64_t bytes =
      code_bytes_ == 0 ? HalfBytes() : code_bytes_ + (first_page ? BytesPerTokenF16(shape_) * sinks() : 0);
  return static_cast<size_t>(bytes);
}

std::shared_ptr<KvPage> PagedCache::Restore(const KvPrefixId& id, std::span<const int32_t> tokens) {
  if (!place_.store->Contains(id)) {
    return nullptr;
  }
  const bool first = id.pages == 1;
  const size_t bytes = SavedBytes(first);
  pool().MakeRoom(static_cast<int64_t>(bytes));
  std::shared_ptr<KvPage> page = tree_->NewPage();
  const int64_t halves = static_cast<int64_t>(bytes) - code_bytes_;
  if (page != nullptr && halves > 0) {
    page->halves = HalfPage::New(halves, pool().count());
  }
  if (page == nullptr || (halves > 0 && page->halves == nullptr)) {
    return nullptr;  // no memory: whoever computes the page instead says so
  }
  page->user = place_.user;
  uint8_t* half_data = page->halves != nullptr ? reinterpret_cast<uint8_t*>(page->halves->data()) : nullptr;
  if (halves == 0 || code_bytes_ == 0) {
    uint8_t* data = code_bytes_ == 0 ? half_data : page->codes;
    return place_.store->Load(id, tokens, data, bytes).ok() ? page : nullptr;
  }
  const SystemMemory both(bytes);
  if (both.bytes() == 0 || !place_.store->Load(id, tokens, both.data(), bytes).ok()) {
    return nullptr;
  }
  std::memcpy(page->codes, both.data(), static_cast<size_t>(code_bytes_));
  std::memcpy(half_data, both.data() + code_bytes_, static_cast<size_t>(halves));
  return page;
}

KvUnsavedPage PagedCache::NextUnsaved(int64_t from) const {
  KvPrefixId id;
  for (size_t i = 0; place_.store != nullptr && i < exact_; ++i) {
    const KvPage& page = *blocks_[i].page;
    if (page.tokens.size() != static_cast<size_t>(kPageTokens)) {
      break;
    }
    id = NextKvPrefix(place_.kind, id, page.tokens);
    if (static_cast<int64_t>(i) < from || page.freed || place_.store->Contains(id)) {
      continue;
    }
    auto bytes = std::make_shared<std::vector<uint8_t>>(SavedBytes(i == 0));
    if (code_bytes_ > 0) {
      std::memcpy(bytes->data(), page.codes, static_cast<size_t>(code_bytes_));
    }
    if (page.halves != nullptr) {
      std::memcpy(bytes->data() + code_bytes_, page.halves->data(), bytes->size() - static_cast<size_t>(code_bytes_));
    }
    return {static_cast<int64_t>(i), [store = place_.store, id, tokens = page.tokens, bytes] {
              return store->Save(id, tokens, bytes->data(), bytes->size());
            }};
  }
  return {};
}

}  // namespace niwaki
