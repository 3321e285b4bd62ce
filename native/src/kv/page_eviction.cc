#include "kv/page_eviction.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace niwaki {

std::vector<SavedKvPage> ChooseKvPagesToRemove(std::vector<SavedKvPage> pages, const SavedKvPage* keep, int64_t most) {
  // The last pages of prefixes first, so that a page's time is final before it is handed to its parent.
  std::sort(pages.begin(), pages.end(),
            [](const SavedKvPage& a, const SavedKvPage& b) { return a.name.page > b.name.page; });
  std::map<std::tuple<size_t, int64_t, std::string>, SavedKvPage*> by_id;
  int64_t bytes = 0;
  for (SavedKvPage& page : pages) {
    by_id[{page.folder, page.name.page, page.name.id}] = &page;
    bytes += page.bytes;
  }
  const auto parent_of = [&](const SavedKvPage& page) -> SavedKvPage* {
    const auto found = by_id.find({page.folder, page.name.page - 1, page.name.parent});
    return found == by_id.end() ? nullptr : found->second;
  };
  for (const SavedKvPage& page : pages) {
    if (SavedKvPage* parent = parent_of(page)) {
      parent->used = std::max(parent->used, page.used);
    }
  }
  std::set<std::pair<size_t, std::string>> kept;
  if (keep != nullptr) {
    const auto self = by_id.find({keep->folder, keep->name.page, keep->name.id});
    if (self != by_id.end()) {
      kept.insert({keep->folder, self->second->file});
    }
    for (const SavedKvPage* page = parent_of(*keep); page != nullptr; page = parent_of(*page)) {
      kept.insert({page->folder, page->file});
    }
  }
  std::sort(pages.begin(), pages.end(), [](const SavedKvPage& a, const SavedKvPage& b) {
    return std::tie(a.used, b.name.page, a.file) < std::tie(b.used, a.name.page, b.file);
  });
  std::vector<SavedKvPage> removed;
  for (SavedKvPage& page : pages) {
    if (bytes <= most) {
      break;
    }
    if (kept.count({page.folder, page.file}) == 0) {
      bytes -= page.bytes;
      removed.push_back(std::move(page));
    }
  }
  return removed;
}

}  // namespace niwaki
