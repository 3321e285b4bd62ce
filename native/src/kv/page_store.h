// Pages of KV caches on disk, one file a page (kv/page_header.h), in a folder for each workspace; all these folders lie
// in one, the root, and share the disk budget. A file is believed only where every byte of its header is what this
// store would have written for this very page and the payload has the CRC that is in it; anything else is removed and
// counts as not there, so it is computed anew. Files are read into the caller's memory, not mapped: a map shows what is
// written to the file after the check, and a file that shrinks ends the process (docs/adr/0008-pages-on-disk.md).
//
// Nothing is kept in memory. A root may be used by several stores at once, in this process and in others, by any
// threads: every change is one step of the file system. It may also be deleted at any time.
//
// The files hold tokens, and keys and values that tokens can be computed from: they are as secret as the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/private_folder.h"
#include "kv/page_eviction.h"
#include "kv/page_id.h"
#include "niwaki/status.h"

namespace niwaki {

struct KvPageHeader;

class KvPageStore {
 public:
  // The store's pages lie in the folder `name` of `root`. Names have 32 hex digits: the server's kvPageFolders.ts.
  // Removes what killed saves have left, and pages beyond the budget, in all folders of the root; folders are made when
  // something is first saved. The budget is that of the root; 0 saves nothing and removes nothing. Errors show when
  // something is saved.
  KvPageStore(std::string root, std::string name, KvPageKind kind, int64_t budget_bytes);

  // The prefix that is `parent` (an empty one for the first page) and these 128 tokens.
  static KvPrefixId Next(const KvPageKind& kind, const KvPrefixId& parent, std::span<const int32_t> tokens) {
    return NextKvPrefix(kind, parent, tokens);
  }

  // Fills data[0, bytes) with the bytes that were saved for this kind, this prefix and these tokens, its last page's.
  // kNotFound when there are none; kBadFile when what is there cannot be them: it is removed, where it is a file;
  // kOutOfMemory when the system has no handle left; kInvalidArgument when `id` is not that of a prefix of this kind
  // which ends in these tokens. Unless this is Ok, `data` holds anything. Makes the page the last one to be removed.
  // Reads and checks a page of 4 MB in some 3 ms (file in the system's memory); calls may run at once.
  Status Load(const KvPrefixId& id, std::span<const int32_t> tokens, uint8_t* data, size_t bytes) const;
  // Whether there is a file for it, sound or not. Costs a system call or two.
  bool Contains(const KvPrefixId& id) const;

  // Saves a page: all of it, or nothing when this fails or the process ends meanwhile, and what was there stays then.
  // The same bytes again cost no write. Removes the least recently used pages where the budget needs it, never those
  // before this one. kOutOfMemory when it does not fit into the budget, or the disk is full or nearly so (KeepFree);
  // kInvalidArgument as above; kBadFile when the folder cannot be written. Takes milliseconds, at times seconds: it
  // waits for the disk.
  Status Save(const KvPrefixId& id, std::span<const int32_t> tokens, const uint8_t* data, size_t bytes) const;

  // What the pages in all folders of the root take, those of all kinds and those that are being written among them.
  // Counted anew.
  int64_t bytes() const;
  // How many pages there are in all folders of the root.
  int64_t files() const;

  // What a save leaves free of a disk of `total` bytes: 1 GiB, of small disks a twentieth.
  static int64_t KeepFree(int64_t total);

 private:
  struct Temporary {
    size_t folder = 0;
    std::string name;
    int64_t bytes = 0;
  };
  struct Listing {
    std::vector<PrivateFolder> folders;
    std::vector<std::string> names;  // of the folders
    std::vector<SavedKvPage> pages;
    std::vector<Temporary> temporaries;
  };
  // Of the root.
  Listing List() const;
  // The header that the page must have, but for the payload's CRC.
  KvPageHeader HeaderOf(const KvPrefixId& id, std::span<const int32_t> tokens, size_t bytes) const;
  Status CheckArguments(const KvPrefixId& id, std::span<const int32_t> tokens, size_t bytes) const;
  // kBadFile when the file is not the page of `expected`, whose payload_crc becomes the file's.
  static Status CheckHeader(const PrivateFile& file, KvPageHeader* expected);
  static Status ReadPayload(const PrivateFile& file, const KvPageHeader& header, uint8_t* data);
  // Removes pages so that one of `bytes` bytes fits into the folder, which is the store's.
  Status MakeRoom(const PrivateFolder& folder, const KvPrefixId& id, int64_t bytes) const;
  Result<PrivateFolder> Folder() const;

  const std::string root_;
  const std::string name_;
  const Sha256::Digest kind_;
  const std::string kind_text_;
  const int64_t budget_;
};

// Deletes all saved pages in the folder and in folders below it, also those that are being written, and folders below
// it that this leaves empty; nothing else, and through no link. Returns the bytes that are free now; a folder that is
// not there has none. What other processes save afterwards stays.
Result<int64_t> PurgeKvPages(const std::string& folder);

}  // namespace niwaki
