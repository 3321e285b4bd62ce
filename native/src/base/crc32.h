// CRC-32 (IEEE 802.3, as in zlib), for files of our own. It tells damage by accident, not by intent.
#pragma once

#include <cstddef>
#include <cstdint>

namespace niwaki {

// Of `bytes` bytes that follow those which gave `before`: Crc32(b, m, Crc32(a, n)) is the CRC of a and b in a row.
uint32_t Crc32(const void* data, size_t bytes, uint32_t before = 0);

}  // namespace niwaki
