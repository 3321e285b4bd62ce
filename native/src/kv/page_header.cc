#include "kv/page_header.h"

#include <algorithm>
#include <cstring>

#include "base/crc32.h"

namespace niwaki {
namespace {

constexpr char kMagic[8] = {'N', 'I', 'W', 'A', 'K', 'I', 'K', 'V'};
constexpr uint32_t kVersion = 1;

constexpr size_t kVersionAt = 8;
constexpr size_t kSizeAt = 12;
constexpr size_t kKindAt = 16;
constexpr size_t kHashAt = 48;
constexpr size_t kParentAt = 80;
constexpr size_t kPagesAt = 112;
constexpr size_t kPayloadCrcAt = 116;
constexpr size_t kTokenCountAt = 120;
constexpr size_t kTokensAt = 128;
constexpr size_t kPayloadBytesAt = kTokensAt + kKvPageTokens * 4;
constexpr size_t kTextAt = kPayloadBytesAt + 8;
constexpr size_t kCrcAt = kKvPageHeaderBytes - 4;
static_assert(kPayloadBytesAt == 640);

void Put(uint8_t* at, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    at[i] = static_cast<uint8_t>(value >> (8 * i));
  }
}
uint64_t Get(const uint8_t* at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) {
    value |= uint64_t{at[i]} << (8 * i);
  }
  return value;
}
uint32_t Get32(const uint8_t* at) { return static_cast<uint32_t>(Get(at, 4)); }

Status Bad(const std::string& what) { return Status(StatusCode::kBadFile, "the saved page " + what); }

}  // namespace

KvPageHeaderBytes WriteKvPageHeader(const KvPageHeader& header) {
  KvPageHeaderBytes bytes{};
  std::copy(std::begin(kMagic), std::end(kMagic), bytes.begin());
  Put(&bytes[kVersionAt], kVersion, 4);
  Put(&bytes[kSizeAt], kKvPageHeaderBytes, 4);
  std::copy(header.kind.begin(), header.kind.end(), &bytes[kKindAt]);
  std::copy(header.id.hash.begin(), header.id.hash.end(), &bytes[kHashAt]);
  std::copy(header.id.parent.begin(), header.id.parent.end(), &bytes[kParentAt]);
  Put(&bytes[kPagesAt], static_cast<uint32_t>(header.id.pages), 4);
  Put(&bytes[kPayloadCrcAt], header.payload_crc, 4);
  Put(&bytes[kTokenCountAt], kKvPageTokens, 4);
  for (size_t i = 0; i < kKvPageTokens; ++i) {
    Put(&bytes[kTokensAt + i * 4], static_cast<uint32_t>(header.tokens[i]), 4);
  }
  Put(&bytes[kPayloadBytesAt], header.payload_bytes, 8);
  const size_t text = std::min(header.text.size(), kCrcAt - kTextAt);
  std::copy_n(header.text.begin(), text, &bytes[kTextAt]);
  Put(&bytes[kCrcAt], Crc32(bytes.data(), kCrcAt), 4);
  return bytes;
}

Result<KvPageHeader> ReadKvPageHeader(std::span<const uint8_t> bytes) {
  if (bytes.size() != kKvPageHeaderBytes || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) {
    return Bad("is none of ours");
  }
  if (Get32(&bytes[kVersionAt]) != kVersion) {
    return Status(StatusCode::kUnsupported, "the saved page was written by another version of Niwaki");
  }
  if (Get32(&bytes[kCrcAt]) != Crc32(bytes.data(), kCrcAt)) {
    return Bad("is damaged");
  }
  KvPageHeader header;
  std::copy_n(&bytes[kKindAt], header.kind.size(), header.kind.begin());
  std::copy_n(&bytes[kHashAt], header.id.hash.size(), header.id.hash.begin());
  std::copy_n(&bytes[kParentAt], header.id.parent.size(), header.id.parent.begin());
  header.id.pages = static_cast<int32_t>(Get32(&bytes[kPagesAt]));
  header.payload_crc = Get32(&bytes[kPayloadCrcAt]);
  for (size_t i = 0; i < kKvPageTokens; ++i) {
    header.tokens[i] = static_cast<int32_t>(Get32(&bytes[kTokensAt + i * 4]));
  }
  header.payload_bytes = Get(&bytes[kPayloadBytesAt], 8);
  const char* text = reinterpret_cast<const char*>(&bytes[kTextAt]);
  header.text.assign(text, std::find(text, text + (kCrcAt - kTextAt), '\0'));
  if (header.id.pages <= 0 || header.payload_bytes == 0 || header.payload_bytes > kKvPageMostBytes) {
    return Bad("says senseless things of itself");
  }
  // Whatever else it may hold, also where zeros should be, does not come from us.
  const KvPageHeaderBytes again = WriteKvPageHeader(header);
  if (std::memcmp(again.data(), bytes.data(), again.size()) != 0) {
    return Bad("says senseless things of itself");
  }
  return header;
}

}  // namespace niwaki
