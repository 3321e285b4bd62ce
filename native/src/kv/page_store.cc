#include "kv/page_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/crc32.h"
#include "kv/page_header.h"
#include "kv/page_name.h"

namespace niwaki {
namespace {

// Read and summed up in pieces that stay in the processor's cache between the two.
constexpr size_t kPieceBytes = size_t{256} << 10;

int64_t FileBytes(size_t payload) { return static_cast<int64_t>(kKvPageHeaderBytes + payload); }

std::string Megabytes(int64_t bytes) { return std::to_string((bytes + (int64_t{1} << 20) - 1) >> 20) + " MB"; }

// None where the folder cannot be listed.
std::vector<PrivateFolder::Entry> EntriesOf(const PrivateFolder& folder, PrivateFolder::EntryKind kind) {
  Result<std::vector<PrivateFolder::Entry>> entries = folder.List();
  if (!entries.ok()) {
    return {};
  }
  std::erase_if(entries.value(), [kind](const PrivateFolder::Entry& entry) { return entry.kind != kind; });
  return std::move(entries.value());
}

Status NoRoom(const std::string& what) { return Status(StatusCode::kOutOfMemory, "the context is not saved: " + what); }

}  // namespace

KvPageStore::KvPageStore(std::string root, std::string name, KvPageKind kind, int64_t budget_bytes)
    : root_(std::move(root)),
      name_(std::move(name)),
      kind_(kind.Digest()),
      kind_text_(kind.Text()),
      budget_(budget_bytes) {
  if (budget_ <= 0) {
    return;
  }
  Listing listing = List();
  for (const Temporary& temporary : listing.temporaries) {
    listing.folders[temporary.folder].RemoveLeftover(temporary.name);
  }
  for (const SavedKvPage& page : ChooseKvPagesToRemove(std::move(listing.pages), nullptr, budget_)) {
    listing.folders[page.folder].Remove(page.file);
  }
}

KvPageStore::Listing KvPageStore::List() const {
  Listing listing;
  const Result<PrivateFolder> root = PrivateFolder::Open(root_);
  if (!root.ok()) {
    return listing;
  }
  for (const PrivateFolder::Entry& entry : EntriesOf(root.value(), PrivateFolder::EntryKind::kFolder)) {
    if (!IsKvPageFolder(entry.name)) {
      continue;
    }
    Result<PrivateFolder> folder = root.value().OpenFolder(entry.name);
    if (folder.ok()) {
      listing.folders.push_back(std::move(folder.value()));
      listing.names.push_back(entry.name);
    }
  }
  for (size_t i = 0; i < listing.folders.size(); ++i) {
    for (const PrivateFolder::Entry& entry : EntriesOf(listing.folders[i], PrivateFolder::EntryKind::kFile)) {
      if (const std::optional<KvPageName> name = ParseKvPageFileName(entry.name)) {
        listing.pages.push_back({i, entry.name, *name, entry.bytes, entry.modified});
      } else if (IsKvPageTemporary(entry.name)) {
        listing.temporaries.push_back({i, entry.name, entry.bytes});
      }
    }
  }
  return listing;
}

Result<PrivateFolder> KvPageStore::Folder() const {
  const Result<PrivateFolder> root = PrivateFolder::Open(root_);
  NIWAKI_RETURN_IF_ERROR(root.status());
  return root.value().OpenFolder(name_);
}

KvPageHeader KvPageStore::HeaderOf(const KvPrefixId& id, std::span<const int32_t> tokens, size_t bytes) const {
  KvPageHeader header;
  header.kind = kind_;
  header.id = id;
  std::copy(tokens.begin(), tokens.end(), header.tokens.begin());
  header.payload_bytes = bytes;
  header.text = kind_text_;
  return header;
}

Status KvPageStore::CheckArguments(const KvPrefixId& id, std::span<const int32_t> tokens, size_t bytes) const {
  if (!IsKvPageFolder(name_)) {
    return Status(StatusCode::kInvalidArgument, "a folder of saved pages has a name of 32 hexadecimal digits");
  }
  if (tokens.size() != kKvPageTokens || bytes == 0 || bytes > kKvPageMostBytes || !IsKvPrefixOf(id, kind_, tokens)) {
    return Status(StatusCode::kInvalidArgument,
                  "a page is saved and loaded by its own 128 tokens and the id of the prefix that ends in them");
  }
  return Status();
}

Status KvPageStore::CheckHeader(const PrivateFile& file, KvPageHeader* expected) {
  if (file.bytes() != FileBytes(expected->payload_bytes)) {
    return Status(StatusCode::kBadFile, "the saved page does not have the bytes that it should");
  }
  KvPageHeaderBytes bytes;
  NIWAKI_RETURN_IF_ERROR(file.ReadAt(0, bytes));
  const Result<KvPageHeader> header = ReadKvPageHeader(bytes);
  if (!header.ok()) {
    return Status(StatusCode::kBadFile, header.status().message());
  }
  // Whatever another page, model, codec or calibration would have in its header: one byte that is not ours is enough.
  expected->payload_crc = header.value().payload_crc;
  if (WriteKvPageHeader(*expected) != bytes) {
    return Status(StatusCode::kBadFile, "the saved page is another one's: " + header.value().text);
  }
  return Status();
}

Status KvPageStore::ReadPayload(const PrivateFile& file, const KvPageHeader& header, uint8_t* data) {
  uint32_t crc = 0;
  const size_t bytes = static_cast<size_t>(header.payload_bytes);
  for (size_t done = 0; done < bytes;) {
    const std::span<uint8_t> piece(data + done, std::min(bytes - done, kPieceBytes));
    NIWAKI_RETURN_IF_ERROR(file.ReadAt(FileBytes(done), piece));
    crc = Crc32(piece.data(), piece.size(), crc);
    done += piece.size();
  }
  if (crc != header.payload_crc) {
    return Status(StatusCode::kBadFile, "the saved page is damaged");
  }
  return Status();
}

Status KvPageStore::Load(const KvPrefixId& id, std::span<const int32_t> tokens, uint8_t* data, size_t bytes) const {
  NIWAKI_RETURN_IF_ERROR(CheckArguments(id, tokens, bytes));
  const Result<PrivateFolder> folder = Folder();
  NIWAKI_RETURN_IF_ERROR(folder.status());
  const std::string name = KvPageFileName(id);
  const Result<PrivateFile> file = folder.value().OpenFile(name);
  if (!file.ok()) {
    if (file.status().code() == StatusCode::kBadFile) {
      folder.value().Remove(name);  // a link, say
    }
    return file.status();
  }
  KvPageHeader header = HeaderOf(id, tokens, bytes);
  Status status = CheckHeader(file.value(), &header);
  if (status.ok()) {
    status = ReadPayload(file.value(), header, data);
  }
  if (status.ok()) {
    file.value().Touch();
  } else {
    folder.value().Remove(name, &file.value());
  }
  return status;
}

bool KvPageStore::Contains(const KvPrefixId& id) const {
  if (!IsKvPageFolder(name_)) {
    return false;
  }
  const Result<PrivateFolder> folder = Folder();
  if (!folder.ok()) {
    return false;
  }
  const Result<PrivateFolder::Entry> entry = folder.value().Look(KvPageFileName(id));
  return entry.ok() && entry.value().kind == PrivateFolder::EntryKind::kFile;
}

int64_t KvPageStore::KeepFree(int64_t total) { return std::min(int64_t{1} << 30, total / 20); }

Status KvPageStore::MakeRoom(const PrivateFolder& folder, const KvPrefixId& id, int64_t bytes) const {
  Listing listing = List();
  SavedKvPage own;
  own.file = KvPageFileName(id);
  own.name = *ParseKvPageFileName(own.file);
  own.folder =
      static_cast<size_t>(std::find(listing.names.begin(), listing.names.end(), name_) - listing.names.begin());
  int64_t there = 0;
  int64_t most = budget_ - bytes;
  for (const SavedKvPage& page : listing.pages) {
    there += page.bytes;
    // What this save replaces goes with its last step.
    most += page.folder == own.folder && page.file == own.file ? page.bytes : 0;
  }
  for (const Temporary& temporary : listing.temporaries) {
    most -= listing.folders[temporary.folder].RemoveLeftover(temporary.name) ? 0 : temporary.bytes;
  }
  int64_t freed = 0;
  const std::vector<SavedKvPage> removed = ChooseKvPagesToRemove(std::move(listing.pages), &own, most);
  for (const SavedKvPage& page : removed) {
    freed += page.bytes;
  }
  if (there - freed > most) {
    return NoRoom("the pages before this one take all of the disk budget of " + Megabytes(budget_) +
                  "; raise it in the settings to save longer texts");
  }
  const Result<PrivateFolder::Space> space = folder.DiskSpace();
  if (space.ok() && space.value().free + freed - bytes < KeepFree(space.value().total)) {
    return NoRoom("the disk has only " + Megabytes(space.value().free) + " left; make room on it");
  }
  for (const SavedKvPage& page : removed) {
    const PrivateFolder& its = listing.folders[page.folder];
    if (!its.Remove(page.file) && its.Look(page.file).ok()) {  // another process may have removed it
      return NoRoom("older pages cannot be removed from \"" + its.path() + "\"; delete that folder");
    }
  }
  return Status();
}

Status KvPageStore::Save(const KvPrefixId& id, std::span<const int32_t> tokens, const uint8_t* data,
                         size_t bytes) const {
  NIWAKI_RETURN_IF_ERROR(CheckArguments(id, tokens, bytes));
  if (FileBytes(bytes) > budget_) {
    return NoRoom("a page takes " + Megabytes(FileBytes(bytes)) + ", and all pages together may take " +
                  Megabytes(std::max<int64_t>(budget_, 0)) + "; raise the disk budget in the settings");
  }
  NIWAKI_RETURN_IF_ERROR(PrivateFolder::Make(root_).status());
  NIWAKI_RETURN_IF_ERROR(PrivateFolder::Make(root_ + "/" + name_).status());
  const Result<PrivateFolder> folder = Folder();
  NIWAKI_RETURN_IF_ERROR(folder.status());
  const std::string name = KvPageFileName(id);
  KvPageHeader header = HeaderOf(id, tokens, bytes);
  const uint32_t crc = Crc32(data, bytes);
  {
    const Result<PrivateFile> there = folder.value().OpenFile(name);
    if (there.ok() && CheckHeader(there.value(), &header).ok() && header.payload_crc == crc) {
      there.value().Touch();
      return Status();
    }
  }
  header.payload_crc = crc;
  NIWAKI_RETURN_IF_ERROR(MakeRoom(folder.value(), id, FileBytes(bytes)));
  const KvPageHeaderBytes head = WriteKvPageHeader(header);
  return folder.value().Write(name, {head, std::span<const uint8_t>(data, bytes)});
}

int64_t KvPageStore::bytes() const {
  const Listing listing = List();
  int64_t sum = 0;
  for (const SavedKvPage& page : listing.pages) {
    sum += page.bytes;
  }
  for (const Temporary& temporary : listing.temporaries) {
    sum += temporary.bytes;
  }
  return sum;
}

int64_t KvPageStore::files() const { return static_cast<int64_t>(List().pages.size()); }

}  // namespace niwaki
