#include "kv/paged_cache.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace niwaki {
namespace {

constexpr int64_t kWorthBeingExact = 32;  // tokens to compute for it

}  // namespace

KvCachePlace OwnPlace(KvCachePlace place) {
  if (place.pool == nullptr) {
    place.pool = std::make_shared<KvPool>();
  }
  return place;
}

PagedCache::PagedCache(const KvShape& shape, const KvCachePlace& place, const std::string& kind, int64_t code_bytes)
    : shape_(shape),
      place_(place),
      code_bytes_(code_bytes),
      tree_(place.pool->Tree(kind, code_bytes, (place.max_tokens + kPageTokens - 1) / kPageTokens)) {
  pool().Enter(this);
}

PagedCache::~PagedCache() {
  Rest();
  Shorten(0);
  LetGo(std::exchange(floating_, {}));
  for (const std::shared_ptr<KvPage>& page : pinned_) {
    pool().Unpin(*tree_, *page);
  }
  pool().Leave(this);
}

Status PagedCache::Prepare(int64_t begin, int64_t end, ThreadPool& threads, const std::atomic<bool>* cancel) {
  if (end > max_tokens()) {
    return Overflow(end, max_tokens());
  }
  if (tail_ != nullptr && begin - tail_begin_ == kPageTokens) {  // full
    NIWAKI_RETURN_IF_ERROR(SealTail(threads, cancel));
  }
  if (tail_ == nullptr || tail_.use_count() > 1) {
    pool().MakeRoom(HalfBytes());
    std::shared_ptr<HalfPage> own = HalfPage::New(HalfBytes(), pool().count());
    if (own == nullptr) {
      return NoMemory(HalfBytes());
    }
    if (tail_ != nullptr && begin > tail_begin_) {  // shared: with a fork, or with a finished page that is gone on with
      std::memcpy(own->data(), tail_->data(), static_cast<size_t>(HalfBytes()));
    }
    tail_ = std::move(own);
  }
  if (end - tail_begin_ > retained_until()) {
    retained_.reset();
  }
  return Status();
}

Status PagedCache::SealTail(ThreadPool& threads, const std::atomic<bool>* cancel) {
  // A caller that says nothing of its tokens fills pages.
  const int64_t count = tail_tokens_.empty() ? kPageTokens : static_cast<int64_t>(tail_tokens_.size());
  const bool exact = exact_ == blocks_.size() && count == kPageTokens;
  const bool known = exact && !tail_tokens_.empty() && (blocks_.empty() || blocks_.back().page->parent != nullptr);
  KvPage& parent = blocks_.empty() ? tree_->root() : *blocks_.back().page;
  std::shared_ptr<KvPage> page = known ? tree_->Find(parent, tail_tokens_) : nullptr;
  if (page == nullptr) {
    pool().MakeRoom(code_bytes_);
    std::shared_ptr<KvPage> fresh = tree_->NewPage();
    if (fresh == nullptr) {
      return NoMemory(code_bytes_);
    }
    NIWAKI_RETURN_IF_ERROR(Seal(tail_, count, blocks_.empty(), *fresh, threads, cancel));
    fresh->user = place_.user;
    if (known) {
      page = tree_->Insert(parent, tail_tokens_, std::move(fresh));
    } else {
      page = std::move(fresh);
      page->tokens = tail_tokens_;
    }
  }
  AddBlock({std::move(page), tail_begin_, 0, static_cast<int32_t>(count), 0});
  exact_ += exact ? 1 : 0;
  if (retained_until() > 0) {
    retained_ = std::move(tail_);
  }
  tail_.reset();
  tail_begin_ += count;
  tail_tokens_.clear();
  return Status();
}

void PagedCache::Append(std::span<const int32_t> tokens) {
  tail_tokens_.insert(tail_tokens_.end(), tokens.begin(), tokens.end());
}

int64_t PagedCache::Reachable(int64_t tokens) const {
  if (tokens >= tail_begin_) {
    return tail_ != nullptr ? tokens : tail_begin_;
  }
  for (size_t i = blocks_.size(); i-- > 0;) {
    const Block& block = blocks_[i];
    if (block.begin < tokens) {
      const bool unmoved = block.first == 0 && block.shift == 0;
      const bool whole = (retained_until() == 0 && unmoved) || (retained_ != nullptr && i + 1 == blocks_.size());
      return tokens >= block.end() || whole ? tokens : block.begin;
    }
  }
  return 0;
}

int64_t PagedCache::Truncate(int64_t tokens) {
  const int64_t left = Reachable(tokens);
  if (left >= tail_begin_) {
    tail_tokens_.resize(std::min(tail_tokens_.size(), static_cast<size_t>(left - tail_begin_)));
    return left;
  }
  size_t count = blocks_.size();
  while (count > 0 && blocks_[count - 1].end() > left) {
    --count;
  }
  const Block& first = blocks_[count];  // that goes
  tail_begin_ = first.begin;
  tail_tokens_.clear();
  if (left > first.begin) {  // inside it: gone on with in half precision
    tail_ = retained_ != nullptr ? std::move(retained_) : first.page->halves;
    const auto begin = first.page->tokens.begin();
    if (!first.page->tokens.empty()) {
      tail_tokens_.assign(begin, begin + (left - first.begin));
    }
  } else if (tail_ != nullptr && tail_.use_count() > 1) {
    tail_.reset();  // nothing in it is wanted: no copy
  }
  retained_.reset();
  Shorten(count);
  return left;
}

KvAdopted PagedCache::Adopt(std::span<const int32_t> tokens, int64_t own, const std::atomic<bool>* cancel) {
  own = std::exchange(compact_, false) ? std::min(own, exact_tokens()) : own;
  const int64_t reach = Reachable(own);
  int64_t restored = 0;
  const std::vector<std::shared_ptr<KvPage>> pages = Match(tokens, reach, cancel, &restored);
  const int64_t shared = static_cast<int64_t>(pages.size()) * kPageTokens;
  // Exact pages are taken for approximate ones where hardly anything must be computed for it: somebody is typing.
  const bool exact = reach <= exact_tokens();
  const bool enough = exact ? shared <= reach : shared <= exact_tokens() || shared + kWorthBeingExact < reach;
  if (!enough) {
    Take(pages);
  }
  for (const std::shared_ptr<KvPage>& page : pages) {
    --page->active;
  }
  return enough ? KvAdopted{Truncate(own), 0} : KvAdopted{shared, restored};
}

void PagedCache::Take(const std::vector<std::shared_ptr<KvPage>>& pages) {
  size_t same = 0;
  while (same < blocks_.size() && same < pages.size() && blocks_[same].page == pages[same]) {
    ++same;
  }
  Shorten(same);
  for (size_t i = same; i < pages.size(); ++i) {
    AddBlock({pages[i], static_cast<int64_t>(i) * kPageTokens, 0, static_cast<int32_t>(kPageTokens), 0});
  }
  exact_ = blocks_.size();
  retained_.reset();
  tail_.reset();
  tail_tokens_.clear();
  tail_begin_ = static_cast<int64_t>(pages.size()) * kPageTokens;
}

void PagedCache::AddBlock(Block block) {
  ++block.page->caches;
  block.page->used = used_;
  if (active_) {
    ++block.page->active;
  }
  blocks_.push_back(std::move(block));
}

void PagedCache::Shorten(size_t count) {
  while (blocks_.size() > count) {
    const std::shared_ptr<KvPage> page = std::move(blocks_.back().page);
    blocks_.pop_back();
    if (active_) {
      --page->active;
    }
    pool().Release(*tree_, page.get());
  }
  exact_ = std::min(exact_, count);
}

int64_t PagedCache::exact_tokens() const {
  if (exact_ == blocks_.size()) {
    return std::numeric_limits<int64_t>::max();
  }
  return exact_ == 0 ? 0 : blocks_[exact_ - 1].end();
}

int64_t PagedCache::room(int64_t at) const {
  const int64_t used = at - tail_begin_;
  return used == kPageTokens ? kPageTokens : kPageTokens - used;
}

int64_t PagedCache::Resume() {
  used_ = pool().Tick();
  size_t count = 0;
  while (count < blocks_.size() && !blocks_[count].page->freed) {
    blocks_[count].page->used = used_;
    ++count;
  }
  if (count < blocks_.size()) {
    GiveUp();
  }
  if (count < blocks_.size()) {
    tail_begin_ = blocks_[count].begin;
    Shorten(count);
  }
  if (!active_) {
    active_ = true;
    for (const Block& block : blocks_) {
      ++block.page->active;
    }
  }
  return tail_ != nullptr ? max_tokens() : tail_begin_;
}

void PagedCache::Rest() {
  if (active_) {
    active_ = false;
    for (const Block& block : blocks_) {
      --block.page->active;
    }
  }
}

bool PagedCache::Resting() const {
  return !active_ && (tail_ != nullptr || retained_ != nullptr || exact_ < blocks_.size() || !floating_.empty());
}

void PagedCache::GiveUp() {
  int64_t lost = static_cast<int64_t>(tail_tokens_.size());
  tail_.reset();
  retained_.reset();
  tail_tokens_.clear();
  LetGo(std::exchange(floating_, {}));
  if (exact_ < blocks_.size()) {  // no tree has these
    lost += tail_begin_ - blocks_[exact_].begin;
    tail_begin_ = blocks_[exact_].begin;
    Shorten(exact_);
  }
  pool().counters().of(place_.user).evicted += lost;
}

Status PagedCache::Pin(int64_t tokens) {
  std::vector<std::shared_ptr<KvPage>> wanted;
  int64_t more = 0;
  for (size_t i = 0; i < exact_ && blocks_[i].end() <= tokens; ++i) {
    const Block& block = blocks_[i];
    more += block.page->pins == 0 ? block.page->bytes() : 0;
    wanted.push_back(block.page);
  }
  if (pool().budget() > 0 && pool().pinned_bytes() + more > pool().budget() / 2) {
    return Status(StatusCode::kOutOfMemory,
                  "no more than half of the memory for the KV cache can be pinned; raise \"niwaki.kv.memoryMB\"");
  }
  for (const std::shared_ptr<KvPage>& page : wanted) {
    pool().Pin(*page);
  }
  for (const std::shared_ptr<KvPage>& page : pinned_) {
    pool().Unpin(*tree_, *page);
  }
  pinned_ = std::move(wanted);
  return Status();
}

Result<std::unique_ptr<KvCache>> PagedCache::Fork() const {
  std::unique_ptr<PagedCache> fork = NewLike();
  fork->used_ = used_;
  for (const Block& block : blocks_) {
    fork->AddBlock(block);
  }
  fork->exact_ = exact_;
  fork->turns_ = turns_;
  fork->tail_ = tail_;
  fork->tail_begin_ = tail_begin_;
  fork->tail_tokens_ = tail_tokens_;
  fork->retained_ = retained_;
  return std::unique_ptr<KvCache>(std::move(fork));
}

int64_t PagedCache::allocated_bytes() const {
  int64_t bytes = (tail_ != nullptr ? tail_->bytes() : 0) + (retained_ != nullptr ? retained_->bytes() : 0);
  for (const Block& block : blocks_) {
    bytes += block.page->bytes();
  }
  return bytes;
}

}  // namespace niwaki
