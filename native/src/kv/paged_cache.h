// What caches of every codec have in common: a timeline is a chain of finished pages and one at hand. Finished pages
// are never changed and belong to the prefix tree (kv/page_tree.h) where they are exact; the page at hand, and the last
// finished one while it may still be taken back, are in half precision and the cache's own, or shared with a fork until
// one of them writes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kv/cache.h"
#include "kv/page_store.h"
#include "kv/pool.h"

namespace niwaki {

// With a pool of its own where none is given.
KvCachePlace OwnPlace(KvCachePlace place);

class PagedCache : public KvCache, protected KvPool::Tenant {
 public:
  ~PagedCache() override;
  Status Prepare(int64_t begin, int64_t end, ThreadPool& threads, const std::atomic<bool>* cancel) final;
  void Append(std::span<const int32_t> tokens) final;
  int64_t Truncate(int64_t tokens) final;
  int64_t Resume() final;
  void Rest() final;
  KvAdopted Adopt(std::span<const int32_t> tokens, int64_t own, const std::atomic<bool>* cancel) final;
  KvUnsavedPage NextUnsaved(int64_t from) const final;
  Status Settle(int64_t own, ThreadPool& threads, const std::atomic<bool>* cancel) final;
  std::vector<KvShiftPiece> PlanShift(std::span<const int32_t> timeline, std::span<const int32_t> tokens, int64_t own,
                                      const std::atomic<bool>* cancel) final;
  Status Place(const KvShiftPiece& piece, ThreadPool& threads, const std::atomic<bool>* cancel) final;
  int64_t exact_tokens() const final;
  int64_t room(int64_t at) const final;
  Status Pin(int64_t tokens) final;
  Result<std::unique_ptr<KvCache>> Fork() const final;
  int64_t allocated_bytes() const final;

 protected:
  // A stretch of the timeline in one finished page: its tokens [first, last).
  struct Block {
    std::shared_ptr<KvPage> page;
    int64_t begin;  // position of token `first` in the timeline
    int32_t first;
    int32_t last;
    int64_t shift;  // of its positions against those that the keys were turned by
    int64_t end() const { return begin + last - first; }
    // As a fresh cache would have it, for attention.
    bool plain() const { return first == 0 && last == kPageTokens && shift == 0; }
  };
  // What turns queries for blocks of one shift: by -shift.
  struct Turn {
    int64_t shift;
    std::vector<float> cos;  // [head_size / 2]
    std::vector<float> sin;
  };

  // A page of codes has `code_bytes`; 0: finished pages are in half precision.
  PagedCache(const KvShape& shape, const KvCachePlace& place, const std::string& kind, int64_t code_bytes);
  // An empty cache of the same kind.
  virtual std::unique_ptr<PagedCache> NewLike() const = 0;
  // Turns the first `tokens` of the page at hand into `page`, which has its block of codes, if there is to be one.
  // `first_page`: of the timeline. What a cancelled call has written is written again by the next one.
  virtual Status Seal(const std::shared_ptr<HalfPage>& tail, int64_t tokens, bool first_page, KvPage& page,
                      ThreadPool& threads, const std::atomic<bool>* cancel) = 0;
  // Tokens that the page at hand has before the one finished last can no longer be taken back; 0 where a finished page
  // can be gone on with anyway.
  virtual int64_t retained_until() const = 0;
  // Tokens of a timeline that a first page of codes also has in half precision.
  virtual int64_t sinks() const = 0;

  static constexpr int64_t kMaxRows = 64;  // queries whose state is kept at once
  // Calls attend(part, length) for parts of the queries of at most kMaxRows rows; `length` as in Attend.
  template <typename Attend>
  void ForParts(const AttendQueries& queries, int64_t length, const Attend& attend) const {
    const int64_t heads = std::min<int64_t>(queries.group, kMaxRows);
    const int64_t tokens = kMaxRows / heads;
    for (int64_t t = 0; t < queries.tokens; t += tokens) {
      for (int64_t g = 0; g < queries.group; g += heads) {
        AttendQueries part = queries;
        const int64_t head = g * shape_.head_size;
        part.q += t * queries.q_stride + head;
        part.out += t * queries.out_stride + head;
        part.tokens = std::min(tokens, queries.tokens - t);
        part.group = std::min(heads, queries.group - g);
        attend(part, length + t);
      }
    }
  }

  const std::vector<Block>& blocks() const { return blocks_; }
  const Turn& TurnOf(int64_t shift) const;            // that a block has
  int64_t tail_begin() const { return tail_begin_; }  // position of the first token of the page at hand
  HalfPage* tail() const { return tail_.get(); }
  const KvShape& shape() const { return shape_; }
  int64_t max_tokens() const { return place_.max_tokens; }
  const KvCachePlace& place() const { return place_; }
  KvPool& pool() const { return *place_.pool; }
  // Keys of a head in a page of halves of `tokens` tokens, values follow: [layer][kv head][keys, values].
  uint16_t* Halves(const HalfPage& page, int64_t head, int64_t tokens = kPageTokens) const {
    return page.data() + head * 2 * tokens * shape_.head_size;
  }
  static Status Cancelled() { return Status(StatusCode::kCancelled, "the request was cancelled"); }

 private:
  bool Resting() const final;
  int64_t LastUsed() const final { return used_; }
  void GiveUp() final;

  int64_t HalfBytes() const { return BytesPerTokenF16(shape_) * kPageTokens; }
  // The page at hand becomes a block.
  Status SealTail(ThreadPool& threads, const std::atomic<bool>* cancel);
  // Drops blocks from `count` on.
  void Shorten(size_t count);
  void AddBlock(Block block);
  // Pages of the tree, or from disk, from the root on that hold the beginning of `tokens`, all but the last token at
  // the most. Disk is asked for what lies behind the first `own` only.
  std::vector<std::shared_ptr<KvPage>> Match(std::span<const int32_t> tokens, int64_t own,
                                             const std::atomic<bool>* cancel, int64_t* restored);
  // The timeline becomes these.
  void Take(const std::vector<std::shared_ptr<KvPage>>& pages);
  // A saved page as one piece of bytes: its codes and, of a first one, what is kept in half precision; or the halves.
  size_t SavedBytes(bool first_page) const;
  std::shared_ptr<KvPage> Restore(const KvPrefixId& id, std::span<const int32_t> tokens);
  // What Truncate(tokens) would return.
  int64_t Reachable(int64_t tokens) const;

  const KvShape shape_;
  const KvCachePlace place_;
  const int64_t code_bytes_;
  const std::shared_ptr<PageTree> tree_;
  // A page that an edit has set free, with what is needed to find its new place.
  struct Floating {
    KvShiftPiece::Part part;  // its shift is the position that token `first` was turned by
    std::vector<int32_t> tokens;
  };

  // A place in the new timeline for tokens of a candidate, from its token `first` on.
  struct Spot {
    size_t candidate;
    int64_t first;
    int64_t at;
    int64_t end;
    int64_t shift;
  };
  static bool Continues(const Spot& a, const Spot& b) { return a.end == b.at && a.shift == b.shift; }
  static std::vector<Spot> FindSpots(const std::vector<Floating>& candidates, std::span<const int32_t> tokens,
                                     int64_t own, const std::atomic<bool>* cancel);
  static std::vector<Spot> BestSpots(const std::vector<Spot>& spots, const std::atomic<bool>* cancel);
  void LetGo(const std::vector<Floating>& pages);

  std::vector<Block> blocks_;
  size_t exact_ = 0;                // blocks that are as a fresh cache would have them: the first ones
  std::vector<Turn> turns_;         // for every shift among the blocks
  std::vector<Floating> floating_;  // that a plan wants and has not placed: it may have been interrupted
  bool compact_ = false;            // there are too many segments: begin anew with what is exact
  std::shared_ptr<HalfPage> tail_;
  int64_t tail_begin_ = 0;
  std::vector<int32_t> tail_tokens_;    // if the caller says what they are
  std::shared_ptr<HalfPage> retained_;  // the last block's tokens in half precision
  std::vector<std::shared_ptr<KvPage>> pinned_;
  int64_t used_ = 0;
  bool active_ = false;
};

}  // namespace niwaki
