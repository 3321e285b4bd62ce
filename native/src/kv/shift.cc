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
// Fewer tokens are not worth being approximate.
constexpr int64_t kWorthwhile = KvCache::kPageTokens;

}  // namespace

std::vector<KvShiftPiece> PagedCache::PlanShift(std::span<const int32_t> timeline, std::span<const int32_t> tokens,
                                                int64_t own) {
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
      const auto part = timeline.subspan(static_cast<size_t>(block.begin),
                                         static_cast<size_t>(block.end() - block.begin));
      candidates.push_back(
          {{block.page, block.first, block.last, block.begin - block.shift}, {part.begin(), part.end()}});
    }
  }
  candidates.insert(candidates.end(), floating_.begin(), floating_.end());
  floating_.clear();

  int64_t moved = 0;
  int64_t next = own;   // what lies before is held or will be
  int64_t shift = 0;    // of the last one
  bool begun = false;   // the last one ends at `next`
  for (Floating& candidate : candidates) {
    KvShiftPiece::Part part = candidate.part;
    const std::vector<int32_t>& wanted = candidate.tokens;
    if (part.page->freed) {
      continue;
    }
    const auto matches = [&](int64_t at) {
      return at >= next && at + static_cast<int64_t>(wanted.size()) <= static_cast<int64_t>(tokens.size()) &&
             std::equal(wanted.begin(), wanted.end(), tokens.begin() + at);
    };
    const int64_t turned_by = part.shift;
    int64_t at = turned_by + shift;  // where the one before went, most of all
    if (!matches(at)) {
      const auto found = std::search(tokens.begin() + next, tokens.end(), wanted.begin(), wanted.end());
      if (found == tokens.end()) {
        begun = false;
        continue;
      }
      at = found - tokens.begin();
    }
    const bool goes_on = begun && at == next && at - turned_by == shift;
    shift = at - turned_by;
    next = at + static_cast<int64_t>(wanted.size());
    part.shift = shift;
    begun = true;
    if (!goes_on) {
      part.first += static_cast<int32_t>(kFresh);
      at += kFresh;
      if (part.first >= part.last) {
        begun = false;
        continue;
      }
      pieces.push_back({at, {}});
    }
    moved += part.last - part.first;
    pieces.back().parts.push_back(part);
    floating_.push_back(std::move(candidate));
  }
  if (segments + pieces.size() > kMostSegments) {
    compact_ = true;
    pieces.clear();
  }
  if (pieces.empty() || moved < kWorthwhile) {
    pieces.clear();
    floating_.clear();
  }
  return pieces;
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
    std::erase_if(floating_, [&](const Floating& f) { return f.part.page == part.page; });
  }
  tail_begin_ = at;
  retained_.reset();
  return Status();
}

const PagedCache::Turn& PagedCache::TurnOf(int64_t shift) const {
  return *std::find_if(turns_.begin(), turns_.end(), [&](const Turn& turn) { return turn.shift == shift; });
}

}  // namespace niwaki
