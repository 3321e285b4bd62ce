// Shifted reuse: after an edit in the middle of a text, pages behind it are moved instead of computed anew. Their keys
// and values were computed with the old text before them, so the result is approximate: never shared with others, and
// counted apart. The first tokens of what moves, which look at the edit most, are computed anew (as CacheBlend, Yao et
// al. 2024, and EPIC, Hu et al. 2024, found to be what matters).
#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "kv/paged_cache.h"

namespace niwaki {
namespace {

// Tokens that are computed anew where a stretch begins. A multiple of kKeyGroup, so that attention can leave out what
// they replace; and as many as a timeline's first page must have.
constexpr int64_t kFresh = kKeyGroup;
// What a stretch must move beyond that: each one costs a turn of all queries.
constexpr int64_t kSeamCost = 16;
// Beyond so many stretches the text is computed anew.
constexpr size_t kMostSegments = 12;
// Places of one group of tokens that are looked at.
constexpr size_t kMostPlaces = 4;
// Fewer tokens are not worth being approximate.
constexpr int64_t kWorthwhile = KvCache::kPageTokens;

// Places that are worked on between two looks at whether anybody still wants to know.
constexpr int64_t kStretch = 1024;

bool IsSet(const std::atomic<bool>* cancel) { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }

int64_t UpToGroup(int64_t tokens) { return (tokens + kKeyGroup - 1) / kKeyGroup * kKeyGroup; }

// Where groups of kKeyGroup tokens stand in a text: chains of places with the same hash, to be compared.
class GroupIndex {
 public:
  GroupIndex(std::span<const int32_t> tokens, int64_t from, const std::atomic<bool>* cancel)
      : tokens_(tokens), from_(from) {
    const int64_t count = static_cast<int64_t>(tokens.size()) - from - kKeyGroup + 1;
    if (count <= 0) {
      return;
    }
    uint64_t power = 1;  // of a group's first token
    for (int64_t i = 1; i < kKeyGroup; ++i) {
      power *= kBase;
    }
    hashes_.resize(static_cast<size_t>(count));
    uint64_t hash = HashOf(tokens.subspan(static_cast<size_t>(from), static_cast<size_t>(kKeyGroup)));
    for (int64_t i = 0; i < count; ++i) {
      hashes_[static_cast<size_t>(i)] = hash;
      if (i + 1 < count) {
        hash -= power * Value(tokens[static_cast<size_t>(from + i)]);
        hash = hash * kBase + Value(tokens[static_cast<size_t>(from + i + kKeyGroup)]);
      }
      if (i % kStretch == 0 && IsSet(cancel)) {
        return;
      }
    }
    size_t buckets = 1;
    while (buckets < 2 * hashes_.size()) {
      buckets *= 2;
    }
    heads_.assign(buckets, -1);
    next_.resize(hashes_.size());
    for (size_t i = hashes_.size(); i-- > 0;) {  // backwards, so that chains go forwards
      int32_t& head = heads_[Bucket(hashes_[i])];
      next_[i] = head;
      head = static_cast<int32_t>(i);
      if (i % kStretch == 0 && IsSet(cancel)) {
        return;
      }
    }
  }

  // The first kMostPlaces places of a group, in their order.
  std::vector<int64_t> Find(std::span<const int32_t> group) const {
    std::vector<int64_t> found;
    if (heads_.empty()) {
      return found;
    }
    const uint64_t hash = HashOf(group);
    for (int32_t i = heads_[Bucket(hash)]; i >= 0 && found.size() < kMostPlaces; i = next_[static_cast<size_t>(i)]) {
      if (hashes_[static_cast<size_t>(i)] == hash &&
          std::equal(group.begin(), group.end(), tokens_.begin() + from_ + i)) {
        found.push_back(from_ + i);
      }
    }
    return found;
  }

 private:
  static constexpr uint64_t kBase = 0x9e3779b97f4a7c15;
  static uint64_t Value(int32_t token) { return static_cast<uint64_t>(token) + 1; }
  static uint64_t HashOf(std::span<const int32_t> group) {
    uint64_t hash = 0;
    for (const int32_t token : group) {
      hash = hash * kBase + Value(token);
    }
    return hash;
  }
  size_t Bucket(uint64_t hash) const { return (hash ^ hash >> 29) * kBase >> 32 & (heads_.size() - 1); }

  const std::span<const int32_t> tokens_;
  const int64_t from_;
  std::vector<uint64_t> hashes_;  // of the group at place from_ + i
  std::vector<int32_t> heads_;
  std::vector<int32_t> next_;
};

}  // namespace

// Where stretches of the pages stand in the new text behind its first `own` tokens. A stretch begins with a group of
// its page (attention can only leave out whole groups) and ends anywhere: what follows the cursor in a file stands in
// front of it in other prompts, and its borders are nowhere near those of pages. Every group of a page is looked for,
// because in a text that repeats itself some of them have more places than are looked at.
std::vector<PagedCache::Spot> PagedCache::FindSpots(const std::vector<Floating>& candidates,
                                                    std::span<const int32_t> tokens, int64_t own,
                                                    const std::atomic<bool>* cancel) {
  std::vector<Spot> spots;
  if (candidates.empty()) {
    return spots;
  }
  const GroupIndex index(tokens, own, cancel);
  for (size_t i = 0; i < candidates.size() && !IsSet(cancel); ++i) {
    const std::span<const int32_t> page = candidates[i].tokens;
    const int64_t length = static_cast<int64_t>(page.size());
    const size_t known = spots.size();
    for (int64_t group = 0; group + kKeyGroup <= length && !candidates[i].part.page->freed; group += kKeyGroup) {
      for (int64_t at : index.Find(page.subspan(static_cast<size_t>(group), static_cast<size_t>(kKeyGroup)))) {
        int64_t first = group;
        while (first > 0 && at - kKeyGroup >= own &&
               std::equal(page.begin() + first - kKeyGroup, page.begin() + first, tokens.begin() + at - kKeyGroup)) {
          first -= kKeyGroup;
          at -= kKeyGroup;
        }
        const auto same = [&](const Spot& spot) { return spot.first == first && spot.at == at; };
        if (std::none_of(spots.begin() + static_cast<int64_t>(known), spots.end(), same)) {
          const auto end = std::mismatch(page.begin() + first, page.end(), tokens.begin() + at, tokens.end()).second;
          spots.push_back({i, first, at, end - tokens.begin(), at - candidates[i].part.shift - first});
        }
      }
    }
  }
  std::sort(spots.begin(), spots.end(), [](const Spot& a, const Spot& b) {
    return std::tuple(a.at, a.candidate, a.first) < std::tuple(b.at, b.candidate, b.first);
  });
  return spots;
}

// Those of the places that do not overlap and move most. In which order the stretches stood before does not matter: the
// function that one goes to comes from behind the cursor and then stands before it. Dynamic programming over all
// places.
std::vector<PagedCache::Spot> PagedCache::BestSpots(const std::vector<Spot>& spots, const std::atomic<bool>* cancel) {
  // [spots]: the most that a chain which ends there moves, and the spot before it.
  std::vector<int64_t> best(spots.size());
  std::vector<size_t> before(spots.size());
  size_t end = spots.size();
  for (size_t i = 0; i < spots.size() && !IsSet(cancel); ++i) {
    const int64_t length = spots[i].end - spots[i].at;
    best[i] = length - kFresh - kSeamCost;
    before[i] = spots.size();
    for (size_t j = 0; j < i; ++j) {
      if (spots[j].end > spots[i].at) {
        continue;
      }
      const int64_t moved = best[j] + length - (Continues(spots[j], spots[i]) ? 0 : kFresh + kSeamCost);
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

Status PagedCache::Settle(int64_t own, ThreadPool& threads, const std::atomic<bool>* cancel) {
  const bool worthwhile = static_cast<int64_t>(tail_tokens_.size()) > kFresh + kSeamCost;
  return worthwhile && own < tail_begin_ ? SealTail(threads, cancel) : Status();
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
    } else if (block.end() <= static_cast<int64_t>(timeline.size())) {
      // Of the page that the edit is in, whole groups behind it.
      const int64_t begin = block.begin + UpToGroup(std::max<int64_t>(0, own - block.begin));
      if (begin < block.end()) {
        const auto part = timeline.subspan(static_cast<size_t>(begin), static_cast<size_t>(block.end() - begin));
        const int32_t first = block.first + static_cast<int32_t>(begin - block.begin);
        candidates.push_back({{block.page, first, block.last, begin - block.shift}, {part.begin(), part.end()}});
      }
    }
  }
  candidates.insert(candidates.end(), floating_.begin(), floating_.end());

  const std::vector<Spot> spots = BestSpots(FindSpots(candidates, tokens, own, cancel), cancel);
  if (IsSet(cancel)) {
    return pieces;
  }
  const std::vector<Floating> before = std::exchange(floating_, {});
  int64_t moved = 0;
  const Spot* last = nullptr;
  for (const Spot& spot : spots) {
    const Floating& candidate = candidates[spot.candidate];
    const int64_t length = spot.end - spot.at;
    const bool goes_on = last != nullptr && Continues(*last, spot);
    const int64_t skipped = goes_on ? 0 : kFresh;
    last = &spot;
    if (length <= skipped) {
      last = nullptr;
      continue;
    }
    KvShiftPiece::Part part = candidate.part;
    part.first += static_cast<int32_t>(spot.first + skipped);
    part.last = part.first + static_cast<int32_t>(length - skipped);
    part.shift = spot.shift;
    if (!goes_on) {
      pieces.push_back({spot.at + skipped, {}});
    }
    moved += length - skipped;
    pieces.back().parts.push_back(part);
    ++part.page->active;  // nobody takes it until it has its place
    const auto from = candidate.tokens.begin() + spot.first + skipped;
    floating_.push_back({part, {from, from + (length - skipped)}});
    floating_.back().part.shift = candidate.part.shift + spot.first + skipped;
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
    const auto placed = std::find_if(floating_.begin(), floating_.end(), [&](const Floating& f) {
      return f.part.page == part.page && f.part.first == part.first;
    });
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
