// Which saved pages go when the disk budget is used up. A page is of no use without all pages before it, so it is as
// recent as the most recent page behind it, and of equally recent ones the last pages go first: what stays is always
// whole prefixes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kv/page_name.h"

namespace niwaki {

struct SavedKvPage {
  size_t folder = 0;  // the number of the folder that it lies in; prefixes do not reach from one into another
  std::string file;
  KvPageName name;
  int64_t bytes = 0;
  int64_t used = 0;  // the time of its last use, in any unit
};

// The pages to remove, in this order, so that the others have `most` bytes or fewer. `keep` (may be null; of it folder
// and name are used, and it need not be among them) and the pages before it stay whatever comes; when that is not
// enough, the result leaves more than `most`.
std::vector<SavedKvPage> ChooseKvPagesToRemove(std::vector<SavedKvPage> pages, const SavedKvPage* keep, int64_t most);

}  // namespace niwaki
