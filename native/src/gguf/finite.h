// Values that no sound model holds.
#pragma once

#include <cstdint>
#include <span>

namespace niwaki {

// The index of the first element (Q1_0, Q8_0: block) of a tensor's data that is infinite or not a number: plain values,
// or the scales of blocks. -1 when there is none, or when the type is not known.
int64_t FindNonFinite(uint32_t type, std::span<const uint8_t> data);

}  // namespace niwaki
