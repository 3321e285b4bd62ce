// The header of a saved page. 4,096 bytes, little-endian, zeros where nothing stands:
//
//     0  "NIWAKIKV"                     112  number of the page, from 1 on (32 bits)
//     8  version (32 bits)              116  CRC-32 of the payload
//    12  bytes of the header (32)       120  tokens of a page (32)
//    16  digest of the kind (32 bytes)  128  the tokens (32 bits each)
//    48  hash of the prefix (32 bytes)  640  bytes of the payload (64)
//    80  hash of its parent (32 bytes)  648  the kind in words; at 4092 the CRC-32 of all before
//
// The payload follows, at a page border of the file, and nothing comes after it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "kv/cache.h"
#include "kv/page_id.h"
#include "niwaki/status.h"

namespace niwaki {

constexpr size_t kKvPageHeaderBytes = 4096;
constexpr size_t kKvPageTokens = static_cast<size_t>(KvCache::kPageTokens);
// No page is larger: 1,000 layers of 64 heads of 256 in half precision have 8 GB.
constexpr uint64_t kKvPageMostBytes = uint64_t{1} << 36;

struct KvPageHeader {
  Sha256::Digest kind{};
  KvPrefixId id;
  std::array<int32_t, kKvPageTokens> tokens{};
  uint64_t payload_bytes = 0;
  uint32_t payload_crc = 0;
  std::string text;  // of the kind; what does not fit is cut off
};

using KvPageHeaderBytes = std::array<uint8_t, kKvPageHeaderBytes>;

KvPageHeaderBytes WriteKvPageHeader(const KvPageHeader& header);
// Whatever it takes, WriteKvPageHeader makes the same bytes of. kBadFile when they are damaged or no such header,
// kUnsupported when they are of another version.
Result<KvPageHeader> ReadKvPageHeader(std::span<const uint8_t> bytes);

}  // namespace niwaki
