// Names of saved pages' files. The server (server/src/models/kvPageFolders.ts) knows them too: it deletes them and adds
// up their sizes. test/golden/kv-page-names.txt is what both are tested against.
//
//   32 hex digits of the prefix's hash - 8 of the page's number - 16 of the parent's hash .nkv
//
// The parent is in the name so that a listing shows how pages hang together. Digits are cut off because Windows allows
// few characters in a path; two prefixes with the same name cannot be mistaken for each other, for the whole hash is in
// the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kv/page_id.h"

namespace niwaki {

struct KvPageName {
  std::string id;      // the first 16 of its 32 digits: what children call it
  std::string parent;  // 16 digits; zeros for a first page
  int64_t page = 0;    // from 1 on
};

std::string KvPageFileName(const KvPrefixId& id);
// Nothing when it is not a page's name.
std::optional<KvPageName> ParseKvPageFileName(const std::string& name);
// Whether it is a page that a process was writing, or still is.
bool IsKvPageTemporary(const std::string& name);
// Whether it is the name of a folder with pages: 32 hex digits.
bool IsKvPageFolder(const std::string& name);

}  // namespace niwaki
