#include "kv/page_eviction.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/random_testing.h"
#include "base/testing.h"

namespace niwaki {
namespace {

// `id` and `parent` are single letters; '0' is the parent of first pages.
SavedKvPage Page(char id, char parent, int64_t page, int64_t used, int64_t bytes = 10) {
  return {0, std::string(1, id), {std::string(16, id), std::string(16, parent), page}, bytes, used};
}

std::string Removed(const std::vector<SavedKvPage>& pages, int64_t most, const SavedKvPage* keep = nullptr) {
  std::string out;
  for (const SavedKvPage& page : ChooseKvPagesToRemove(pages, keep, most)) {
    out += page.file;
  }
  return out;
}

TEST("the least recently used goes first, and no more than must") {
  const std::vector<SavedKvPage> pages = {Page('a', '0', 1, 30), Page('b', '0', 1, 10), Page('c', '0', 1, 20)};
  EXPECT_EQ(Removed(pages, 30), "");
  EXPECT_EQ(Removed(pages, 29), "b");
  EXPECT_EQ(Removed(pages, 20), "b");
  EXPECT_EQ(Removed(pages, 19), "bc");
  EXPECT_EQ(Removed(pages, 0), "bca");
  EXPECT_EQ(Removed(pages, -5), "bca");
  EXPECT_EQ(Removed({}, 0), "");
}

TEST("parents outlive their children, whenever each was used") {
  // Pages are loaded from the first one on, so parents look older than their children.
  EXPECT_EQ(Removed({Page('a', '0', 1, 1), Page('b', 'a', 2, 2), Page('c', 'b', 3, 3)}, 0), "cba");
  EXPECT_EQ(Removed({Page('a', '0', 1, 3), Page('b', 'a', 2, 2), Page('c', 'b', 3, 1)}, 0), "cba");
  // x is newer than a itself, but not than the page behind a.
  EXPECT_EQ(Removed({Page('a', '0', 1, 1), Page('x', '0', 1, 5), Page('b', 'a', 2, 9)}, 10), "xb");
  // Two continuations of one page: the older one goes, their parent stays.
  EXPECT_EQ(Removed({Page('a', '0', 1, 1), Page('b', 'a', 2, 2), Page('c', 'a', 2, 3)}, 20), "b");
}

TEST("what a save is about, and the pages before it, stay") {
  const std::vector<SavedKvPage> pages = {Page('a', '0', 1, 1), Page('b', 'a', 2, 2), Page('c', 'b', 3, 3),
                                          Page('x', '0', 1, 9)};
  const SavedKvPage next = Page('d', 'c', 4, 0);
  EXPECT_EQ(Removed(pages, 0, &next), "x");
  const SavedKvPage again = Page('b', 'a', 2, 0);
  EXPECT_EQ(Removed(pages, 0, &again), "cx");
  const SavedKvPage other = Page('y', '0', 1, 0);
  EXPECT_EQ(Removed(pages, 10, &other), "cba");
}

TEST("folders share the budget, and no prefix reaches from one into another") {
  std::vector<SavedKvPage> pages = {Page('a', '0', 1, 1), Page('b', 'a', 2, 2), Page('a', '0', 1, 3)};
  pages[2].folder = 1;
  pages[2].file = std::string(1, 'A');  // GCC 12 warns of ="A"
  EXPECT_EQ(Removed(pages, 0), "baA");
  EXPECT_EQ(Removed(pages, 10), "ba");
  SavedKvPage keep = Page('b', 'a', 2, 0);
  keep.folder = 1;
  EXPECT_EQ(Removed(pages, 0, &keep), "ba");
  keep.folder = 0;
  EXPECT_EQ(Removed(pages, 0, &keep), "A");
}

TEST("whatever is removed, no page is left without the pages before it") {
  testing::Random random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<SavedKvPage> pages;
    int64_t bytes = 0;
    for (char id = 'a'; id <= 'z'; ++id) {
      const int64_t parent = random.Below(id - 'a' + 1) - 1;
      const bool first = parent < 0;
      const int64_t page = first ? 1 : pages[static_cast<size_t>(parent)].name.page + 1;
      const char parent_id = first ? '0' : static_cast<char>('a' + parent);
      pages.push_back(Page(id, parent_id, page, random.Below(6), 1 + random.Below(20)));
      bytes += pages.back().bytes;
    }
    const int64_t most = random.Below(bytes);
    const std::string removed = Removed(pages, most);
    int64_t left = 0;
    for (const SavedKvPage& page : pages) {
      const bool is_left = removed.find(page.file) == std::string::npos;
      left += is_left ? page.bytes : 0;
      EXPECT(!is_left || page.name.page == 1 || removed.find(page.name.parent.substr(0, 1)) == std::string::npos);
    }
    EXPECT(left <= most);
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
