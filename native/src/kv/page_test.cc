// Blocks for pages: that none is given twice, and that the system has back what nobody needs.
#include "kv/page.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <set>

#include "base/testing.h"

namespace niwaki {
namespace {

constexpr int64_t kBlock = int64_t{1} << 20;

KvByteCount NewCount() { return std::make_shared<std::atomic<int64_t>>(0); }

// Bytes of the process in memory; 0 where the system does not say.
int64_t Resident() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  statm >> total >> resident;
  return statm ? resident * static_cast<int64_t>(SystemMemory::PageBytes()) : 0;
}

std::vector<uint8_t*> TakeTouched(PageArena& arena, size_t count) {
  std::vector<uint8_t*> blocks;
  for (size_t i = 0; i < count; ++i) {
    blocks.push_back(arena.Take());
    std::memset(blocks.back(), static_cast<int>(i % 251 + 1), static_cast<size_t>(arena.block_bytes()));
  }
  return blocks;
}

TEST("blocks are aligned, apart, and keep what is in them while others come and go") {
  const KvByteCount count = NewCount();
  // Odd sizes too: a block's edge then lies within a page of the system's, which its neighbour needs.
  for (const int64_t bytes : {int64_t{64}, int64_t{4160}, int64_t{130 * 1024 + 64}}) {
    PageArena arena(bytes, 7, count);
    std::vector<uint8_t*> blocks = TakeTouched(arena, 100);
    EXPECT_EQ(count->load(), 100 * bytes);
    EXPECT_EQ(std::set<uint8_t*>(blocks.begin(), blocks.end()).size(), size_t{100});
    for (size_t round = 0; round < 3; ++round) {
      for (size_t i = 0; i < blocks.size(); ++i) {
        if ((i + round) % 3 != 0) {
          arena.Give(blocks[i]);
        }
      }
      for (size_t i = 0; i < blocks.size(); ++i) {
        const int mine = static_cast<int>(i % 251 + 1);
        if ((i + round) % 3 != 0) {
          blocks[i] = arena.Take();
          std::memset(blocks[i], mine, static_cast<size_t>(bytes));
        }
        EXPECT_EQ(reinterpret_cast<uintptr_t>(blocks[i]) % 64, uintptr_t{0});
      }
      bool kept = true;
      for (size_t i = 0; i < blocks.size(); ++i) {
        const uint8_t mine = static_cast<uint8_t>(i % 251 + 1);
        kept = kept && std::all_of(blocks[i], blocks[i] + bytes, [&](uint8_t byte) { return byte == mine; });
      }
      EXPECT(kept);
    }
    for (uint8_t* block : blocks) {
      arena.Give(block);
    }
    EXPECT_EQ(count->load(), int64_t{0});
    EXPECT_EQ(arena.warm_blocks(), size_t{0});
  }
}

TEST("free blocks of slabs in use go back to the system, but for a few") {
  PageArena arena(kBlock, 1 << 20, NewCount());
  const int64_t before = Resident();
  std::vector<uint8_t*> blocks = TakeTouched(arena, 256);  // eight slabs
  const int64_t full = Resident();
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (i % 32 != 0) {
      arena.Give(blocks[i]);  // one of every slab stays
    }
  }
  EXPECT_EQ(arena.warm_blocks(), size_t{2});
  if (before > 0) {
    EXPECT(full - before >= 250 * kBlock);
    EXPECT(Resident() - before <= (8 + 2 + 12) * kBlock + (full - before - 256 * kBlock));
  }
  // And are there again.
  const std::vector<uint8_t*> again = TakeTouched(arena, 248);
  EXPECT_EQ(arena.warm_blocks(), size_t{0});
  EXPECT_EQ(*blocks[32], uint8_t{33});
  for (uint8_t* block : again) {
    arena.Give(block);
  }
}

TEST("one in, one out: nothing goes back in between") {
  PageArena arena(kBlock, 1 << 20, NewCount());
  const std::vector<uint8_t*> blocks = TakeTouched(arena, 40);
  uint8_t* last = blocks.back();
  for (int i = 0; i < 10; ++i) {
    arena.Give(last);
    EXPECT_EQ(arena.warm_blocks(), size_t{1});
    last = arena.Take();
    EXPECT_EQ(*last, uint8_t{40});  // the same memory, as it was
  }
}

TEST("a page in half precision is memory of its own, and goes back") {
  const KvByteCount count = NewCount();
  const int64_t before = Resident();
  constexpr int64_t kBytes = int64_t{64} << 20;
  {
    const std::shared_ptr<HalfPage> page = HalfPage::New(kBytes, count);
    EXPECT(page != nullptr);
    std::memset(page->data(), 1, static_cast<size_t>(kBytes));
    EXPECT_EQ(count->load(), kBytes);
    EXPECT(before == 0 || Resident() - before >= kBytes);
  }
  EXPECT_EQ(count->load(), int64_t{0});
  EXPECT(before == 0 || Resident() - before <= kBytes / 4);
  EXPECT(HalfPage::New(int64_t{1} << 60, count) == nullptr);
  EXPECT_EQ(count->load(), int64_t{0});
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
