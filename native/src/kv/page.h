// A page of a KV cache: 128 tokens (or fewer, where an edit has cut one short) that are complete and never change
// again. Caches share pages, so memory is counted once, where it is allocated.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/system_memory.h"
#include "niwaki/kv.h"

namespace niwaki {

// Bytes that a pool's caches hold, whoever shares them.
using KvByteCount = std::shared_ptr<std::atomic<int64_t>>;

// Keys and values of up to 128 tokens in half precision: [layer][kv head][keys, values 128 x head_size]. Whoever writes
// must be the only one who holds it.
class HalfPage {
 public:
  HalfPage(int64_t bytes, KvByteCount count);
  ~HalfPage();
  HalfPage(const HalfPage&) = delete;
  HalfPage& operator=(const HalfPage&) = delete;
  // Null when there is no memory.
  static std::shared_ptr<HalfPage> New(int64_t bytes, const KvByteCount& count);

  int64_t bytes() const { return static_cast<int64_t>(memory_.bytes()); }
  uint16_t* data() const { return reinterpret_cast<uint16_t*>(memory_.data()); }

 private:
  SystemMemory memory_;
  const KvByteCount count_;
};

// Blocks of one size for pages of codes, cut from slabs, so that huge pages cover small blocks too; the system gives
// memory as it is touched, and has it back: a slab whose blocks have all come back is freed, and of the free blocks in
// others only a few, which the next pages will take, stay in memory.
class PageArena {
 public:
  // At most `most_blocks` will be wanted at once by one cache: slabs are no larger than that.
  PageArena(int64_t block_bytes, int64_t most_blocks, KvByteCount count);
  // 64-byte aligned, contents undefined; null when there is no memory.
  uint8_t* Take();
  void Give(uint8_t* block);
  int64_t block_bytes() const { return block_bytes_; }
  // Free blocks that are in memory all the same. Nobody counts them: one for every 64 that are taken, or two.
  size_t warm_blocks() const { return warm_; }

 private:
  struct Slab {
    SystemMemory memory;
    std::vector<uint8_t*> warm;  // free, in memory
    std::vector<uint8_t*> cold;  // free, and given back to the system, or never touched
    size_t free() const { return warm.size() + cold.size(); }
  };
  void Cool();

  const int64_t block_bytes_;
  const size_t slab_blocks_;
  const KvByteCount count_;
  std::vector<Slab> slabs_;
  size_t taken_ = 0;
  size_t warm_ = 0;
};

struct KvPage {
  KvPage() = default;
  ~KvPage() { Free(); }
  KvPage(const KvPage&) = delete;
  KvPage& operator=(const KvPage&) = delete;
  // Gives the memory back. A page that is still in somebody's chain is then known by `freed`.
  void Free();
  int64_t bytes() const;

  // What it holds. In half precision: `halves`. As codes: `codes`, and in `halves` the first tokens of a text (sinks).
  std::shared_ptr<HalfPage> halves;
  uint8_t* codes = nullptr;
  std::shared_ptr<PageArena> arena;  // of codes
  bool freed = false;

  // Its place in a tree (kv/page_tree.h). Null and empty while it is in none.
  KvPage* parent = nullptr;
  std::vector<std::shared_ptr<KvPage>> children;
  std::vector<int32_t> tokens;  // 128

  KvUser user = KvUser::kOther;  // who computed it
  int64_t used = 0;              // when it was last used: a count of uses of the pool
  int caches = 0;                // chains that it is in
  int pins = 0;                  // it stays in memory whatever its age
  int active = 0;                // caches that are at work with it right now
};

}  // namespace niwaki
