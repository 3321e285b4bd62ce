#include "kv/page.h"

#include <algorithm>
#include <new>
#include <utility>

namespace niwaki {
namespace {

constexpr int64_t kSlabBytes = int64_t{32} << 20;
// Free blocks that stay in memory: a budget that is used up gives and takes block by block, and a block that has gone
// back costs page faults.
constexpr size_t kLeastWarm = 2;
constexpr size_t kTakenAWarmBlock = 64;

}  // namespace

HalfPage::HalfPage(int64_t bytes, KvByteCount count) : memory_(static_cast<size_t>(bytes)), count_(std::move(count)) {
  *count_ += this->bytes();
}
HalfPage::~HalfPage() { *count_ -= bytes(); }

std::shared_ptr<HalfPage> HalfPage::New(int64_t bytes, const KvByteCount& count) {
  auto page = std::make_shared<HalfPage>(bytes, count);
  return page->bytes() == bytes ? page : nullptr;
}

PageArena::PageArena(int64_t block_bytes, int64_t most_blocks, KvByteCount count)
    : block_bytes_(block_bytes),
      slab_blocks_(
          static_cast<size_t>(std::clamp<int64_t>(kSlabBytes / block_bytes, 1, std::max<int64_t>(1, most_blocks)))),
      count_(std::move(count)) {}

uint8_t* PageArena::Take() {
  // The fullest slab that has room, so that others may empty.
  Slab* best = nullptr;
  for (Slab& slab : slabs_) {
    if (slab.free() > 0 && (best == nullptr || slab.free() < best->free())) {
      best = &slab;
    }
  }
  if (best == nullptr) {
    Slab slab;
    slab.memory = SystemMemory(slab_blocks_ * static_cast<size_t>(block_bytes_));
    if (slab.memory.bytes() == 0) {
      return nullptr;
    }
    for (size_t i = slab_blocks_; i-- > 0;) {  // the first block is taken first
      slab.cold.push_back(slab.memory.data() + i * static_cast<size_t>(block_bytes_));
    }
    slabs_.push_back(std::move(slab));
    best = &slabs_.back();
  }
  std::vector<uint8_t*>& from = best->warm.empty() ? best->cold : best->warm;
  warm_ -= best->warm.empty() ? 0 : 1;
  uint8_t* block = from.back();
  from.pop_back();
  ++taken_;
  *count_ += block_bytes_;
  return block;
}

void PageArena::Give(uint8_t* block) {
  *count_ -= block_bytes_;
  --taken_;
  for (auto slab = slabs_.begin(); slab != slabs_.end(); ++slab) {
    if (block >= slab->memory.data() && block < slab->memory.data() + slab->memory.bytes()) {
      slab->warm.push_back(block);
      ++warm_;
      if (slab->free() == slab_blocks_) {
        warm_ -= slab->warm.size();
        slabs_.erase(slab);
      }
      break;
    }
  }
  while (warm_ > std::max<size_t>(kLeastWarm, taken_ / kTakenAWarmBlock)) {
    Cool();
  }
}

void PageArena::Cool() {
  Slab* emptiest = nullptr;  // the last one that blocks will be taken from
  for (Slab& slab : slabs_) {
    if (!slab.warm.empty() && (emptiest == nullptr || slab.free() > emptiest->free())) {
      emptiest = &slab;
    }
  }
  uint8_t* block = emptiest->warm.back();
  emptiest->warm.pop_back();
  --warm_;
  emptiest->memory.Discard(block, static_cast<size_t>(block_bytes_));
  emptiest->cold.push_back(block);
}

void KvPage::Free() {
  if (codes != nullptr) {
    arena->Give(codes);
    codes = nullptr;
  }
  halves.reset();
  freed = true;
}

int64_t KvPage::bytes() const {
  return (codes != nullptr ? arena->block_bytes() : 0) + (halves != nullptr ? halves->bytes() : 0);
}

}  // namespace niwaki
