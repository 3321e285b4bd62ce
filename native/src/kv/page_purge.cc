#include <string>

#include "base/private_folder.h"
#include "kv/page_name.h"
#include "kv/page_store.h"

namespace niwaki {
namespace {

// Ours lie one folder deep. Deeper ones are looked into as well, not for ever.
constexpr int kMostLevels = 8;

int64_t PurgeFolder(const PrivateFolder& folder, int level) {
  const Result<std::vector<PrivateFolder::Entry>> entries = folder.List();
  if (!entries.ok()) {
    return 0;
  }
  int64_t freed = 0;
  for (const PrivateFolder::Entry& entry : entries.value()) {
    if (entry.kind == PrivateFolder::EntryKind::kFolder) {
      const Result<PrivateFolder> inner = folder.OpenFolder(entry.name);
      if (inner.ok() && level < kMostLevels) {
        const int64_t here = PurgeFolder(inner.value(), level + 1);
        freed += here;
        if (here > 0) {
          folder.RemoveEmptyFolder(entry.name);
        }
      }
    } else if ((ParseKvPageFileName(entry.name).has_value() || IsKvPageTemporary(entry.name)) &&
               folder.Remove(entry.name)) {
      freed += entry.kind == PrivateFolder::EntryKind::kFile ? entry.bytes : 0;
    }
  }
  return freed;
}

}  // namespace

Result<int64_t> PurgeKvPages(const std::string& folder) {
  const Result<PrivateFolder> opened = PrivateFolder::Open(folder);
  if (!opened.ok()) {
    return opened.status().code() == StatusCode::kNotFound ? Result<int64_t>(0) : Result<int64_t>(opened.status());
  }
  return PurgeFolder(opened.value(), 0);
}

}  // namespace niwaki
