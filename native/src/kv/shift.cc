// Shifted reuse: after an edit in the middle of a text, pages behind it are moved instead of computed anew. Their keys
// and values were computed with the old text before them, so the result is approximate: never shared with others, and
// counted apart. The first tokens of what moves, which look at the edit most, are computed anew (as CacheBlend, Yao et
// al. 2024, and EPIC, Hu et al. 2024, found to be what matters).
#include <algorithm>
#include <utility>

#include "kv/paged_cache.h"

namespace niwaki {
namespace {

// Tokens that are computed anew where a stretch begins. A multiple of kKeyGroup, so that attention can leave out what
// they replace; and as many as a timeline's first page must have.
constexpr int64_t kFresh = kKeyGroup;
// Beyond so many stretches the text is computed anew: every one costs a turn of all queries.
constexpr size_t kMostSegments = 8;
// Places of one page that are looked at.
constexpr int kMostPlaces = 4;
// Fewer tokens are not worth being approximate.
constexpr int64_t kWorthwhile = KvCache::kPageTokens;
// Places that are compared between two looks at whether anybody still wants to know: a tenth of a millisecond where the
// text repeats itself so that comparisons go on to the page's end.
constexpr int64_t kStretch = 1024;

bool IsSet(const std::atomic<bool>* cancel) { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }

// Where `wanted` is found in `tokens` from `from` on, or tokens.size().
int64_t Find(std::span<const int32_t> tokens, int64_t from, const std::vector<int32_t>& wanted,
             const std::atomic<bool>* cancel) {
  const int64_t size = static_cast<int64_t>(tokens.size());
  const int64_t length = static_cast<int64_t>(wanted.size());
  for (; from + length <= size && !IsSet(cancel); from += kStretch) {
    const auto end = tokens.begin() + std::min(size, from + kStretch + length - 1);
    const auto found = std::search(tokens.begin() + from, end, wanted.begin(), wanted.end());
    if (found != end) {
      return found - tokens.begin();
    }
  }
  return size;
}

}  // namespace

// Where the pages go: in their order, without overlaps, so that most is moved. A page may be found at several places in
// a text that repeats itself; the nearest one alone may lie behind the right places of all that follow. Found as the
// best chain (dynamic programming over all places of all pages).
std::vector<PagedCache::Spot> PagedCache::BestSpots(const std::vector<Floating>& candidates,
                                                    std::span<const int32_t> tokens, int64_t own,
                                                    const std::atomic<bool>* cancel) {
  std::vector<Spot> spots;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Floating& candidate = candidates[i];
    const std::vector<int32_t>& wanted = candidate.tokens;
    int64_t from = own;
    for (int found = 0; found < kMostPlaces && !candidate.part.page->freed; ++found) {
      const int64_t at = Find(tokens, from, wanted, cancel);
      if (at == static_cast<int64_t>(tokens.size())) {
        break;
      }
      spots.push_back({i, at, at + static_cast<int64_t>(wanted.size()), at - candidate.part.shift});
      from = at + 1;
    }
  }
  // [spots]: the most that a chain which ends there moves, and the spot before it.
  std::vector<int64_t> best(spots.size());
  std::vector<size_t> before(spots.size());
  size_t end = spots.size();
  for (size_t i = 0; i < spots.size() && !IsSet(cancel); ++i) {
    const int64_t length = spots[i].end - spots[i].at;
    best[i] = length - kFresh;
    before[i] = spots.size();
    for (size_t j = 0; j < i; ++j) {
      if (spots[j].candidate == spots[i].candidate || spots[j].end > spots[i].at) {
        continue;
      }
      const int64_t moved = best[j] + length - (Continues(spots[j], spots[i]) ? 0 : kFresh);
      if (moved > best[i]) {
        best[i] = moved;
        before[i] = j;
      }
    }
    end = end == spots.size() || best[i] > best[end] ? i : end;
  }
  std::vector<Spot> chain;
  for (; end < spots.size(); end = before[end]) {
    chain.push_back(spots[end]);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

std::vector<KvShiftPiece> PagedCache::PlanShift(std::span<const int32_t> timeline, std::span<const int32_t> tokens,
                                                int64_t own, const std::atomic<bool>* cancel) {
  std::vector<KvShiftPiece> pieces;
  if (place_.turn == nullptr || shape_.head_size > kMostHeadSize) {
    return pieces;
  }
  std::vector<Floating> candidates;
  size_t segments = 0;  // before the edit
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const Block& block = blocks_[i];
    if (block.end() <= own) {
      segments += block.shift != 0 && block.shift != blocks_[i - 1].shift ? 1 : 0;
    } else if (block.begin >= own && block.end() <= static_cast<int64_t>(timeline.size())) {
      const auto part =
          timeline.subspan(static_cast<size_t>(block.begin), static_cast<size_t>(block.end() - block.begin));
      candidates.push_back(
          {{block.page, block.first, block.last, block.begin - block.shift}, {part.begin(), part.end()}});
    }
  }
  candidates.insert(candidates.end(), floating_.begin(), floating_.end());

  const std::vector<Spot> spots = BestSpots(candidates, tokens, own, cancel);
  if (IsSet(cancel)) {
    return pieces;
  }
  const std::vector<Floating> before = std::exchange(floating_, {});
  int64_t moved = 0;
  const Spot* last = nullptr;
  for (const Spot& spot : spots) {
    Floating& candidate = candidates[spot.candidate];
    KvShiftPiece::Part part = candidate.part;
    const int64_t length = static_cast<int64_t>(candidate.tokens.size());
    const bool goes_on = last != nullptr && Continues(*last, spot);
    const int64_t skipped = goes_on ? 0 : kFresh;
    last = &spot;
    if (length <= skipped) {
      last = nullptr;
      continue;
    }
    part.shift = spot.shift;
    part.first += static_cast<int32_t>(skipped);
    if (!goes_on) {
      pieces.push_back({spot.at + skipped, {}});
    }
    moved += length - skipped;
    pieces.back().parts.push_back(part);
    ++part.page->active;  // nobody takes it until it has its place
    floating_.push_back(std::move(candidate));
  }
  if (segments + pieces.size() > kMostSegments) {
    compact_ = true;
    pieces.clear();
  }
  if (moved < kWorthwhile) {
    pieces.clear();
  }
  if (pieces.empty()) {
    LetGo(std::exchange(floating_, {}));
  }
  LetGo(before);
  return pieces;
}

void PagedCache::LetGo(const std::vector<Floating>& pages) {
  for (const Floating& floating : pages) {
    --floating.part.page->active;
    pool().Tidy(*tree_, floating.part.page.get());
  }
}

Status PagedCache::Place(const KvShiftPiece& piece, ThreadPool& threads, const std::atomic<bool>* cancel) {
  if (!tail_tokens_.empty()) {
    NIWAKI_RETURN_IF_ERROR(SealTail(threads, cancel));
  }
  // Now, because others may have worked while the page at hand was sealed.
  for (const KvShiftPiece::Part& part : piece.parts) {
    if (part.page->freed) {
      return Status(StatusCode::kNotFound, "a page was evicted before it could be moved");
    }
  }
  std::erase_if(turns_, [&](const Turn& turn) {
    return std::none_of(blocks_.begin(), blocks_.end(), [&](const Block& b) { return b.shift == turn.shift; });
  });
  int64_t at = piece.begin;
  for (const KvShiftPiece::Part& part : piece.parts) {
    const bool known = std::any_of(turns_.begin(), turns_.end(), [&](const Turn& t) { return t.shift == part.shift; });
    if (!known) {
      const size_t pairs = static_cast<size_t>(shape_.head_size / 2);
      Turn turn{part.shift, std::vector<float>(pairs), std::vector<float>(pairs)};
      place_.turn(-part.shift, turn.cos.data(), turn.sin.data());
      turns_.push_back(std::move(turn));
    }
    AddBlock({part.page, at, part.first, part.last, part.shift});
    at = blocks_.back().end();
    const auto placed =
        std::find_if(floating_.begin(), floating_.end(), [&](const Floating& f) { return f.part.page == part.page; });
    if (placed != floating_.end()) {
      --part.page->active;
      floating_.erase(placed);
    }
  }
  tail_begin_ = at;
  retained_.reset();
  return Status();
}

const PagedCache::Turn& PagedCache::TurnOf(int64_t shift) const {
  return *std::find_if(turns_.begin(), turns_.end(), [&](const Turn& turn) { return turn.shift == shift; });
}

}  // namespace niwaki
