#include "engine/drafter.h"

#include <algorithm>
#include <utility>

namespace niwaki {
namespace {

// The longest change after which a copy is still looked for, in tokens that were said and tokens of the source.
constexpr int64_t kLongestChange = 12;
constexpr size_t kChanges = 16;
// Agreement elsewhere that outweighs a place in a source.
constexpr int kOutweighs = 8;
// Tokens at the end of what is expected that may be others in the source, where it goes on differently.
constexpr size_t kSeam = 2;

}  // namespace

void Drafter::Begin(std::span<const TokenId> tokens, std::span<const TokenId> expected) {
  index_.Update(tokens);
  expected_.assign(expected.rbegin(), expected.rend());
  cursor_ = -1;
  instead_.clear();
  changes_.clear();
  draft_.clear();
  // Where the text says what is expected, there is its source: a copy that departs from it is taken up again there.
  const std::span<const TokenId> text = index_.tokens();
  const size_t certain = expected.size() > kSeam ? expected.size() - kSeam : 0;
  const auto source = std::find_end(text.begin(), text.end(), expected.begin(), expected.begin() + certain);
  if (certain > 0 && source != text.end()) {
    cursor_ = source - text.begin();
    agreed_ = kOutweighs;
  }
}

bool Drafter::At(int64_t position, const std::vector<TokenId>& tokens) const {
  const std::span<const TokenId> text = index_.tokens();
  const size_t begin = static_cast<size_t>(position);
  return begin + tokens.size() <= text.size() && std::equal(tokens.begin(), tokens.end(), text.begin() + position);
}

const Drafter::Change* Drafter::ChangeAt(int64_t position) const {
  const auto found =
      std::find_if(changes_.begin(), changes_.end(), [&](const Change& change) { return At(position, change.from); });
  return found == changes_.end() ? nullptr : &*found;
}

void Drafter::Push(TokenId id) {
  index_.Push(id);
  if (!expected_.empty() && expected_.back() == id) {
    expected_.pop_back();
  } else {
    expected_.clear();
  }
  if (cursor_ < 0) {
    return;
  }
  if (!instead_.empty()) {
    instead_.push_back(id);
    if (!Rejoin() && static_cast<int64_t>(instead_.size()) > kLongestChange) {
      cursor_ = -1;
      instead_.clear();
    }
    return;
  }
  // A position of the source, which lies before what was just said.
  if (index_.tokens()[static_cast<size_t>(cursor_)] != id) {
    instead_.push_back(id);
    return;
  }
  if (const Change* const change = ChangeAt(cursor_); change != nullptr && change->to.front() != id) {
    changes_.erase(changes_.begin() + (change - changes_.data()));  // not changed here: it is no rule
  }
  ++cursor_;
  ++agreed_;
}

bool Drafter::Rejoin() {
  const std::span<const TokenId> text = index_.tokens();
  const auto take_up = [&](int64_t next) {
    cursor_ = next;
    agreed_ = 1;
    instead_.clear();
    return true;
  };
  const TokenId last = instead_.back();
  const std::span<const TokenId> said = std::span(instead_).first(instead_.size() - 1);
  const int64_t source_end =
      static_cast<int64_t>(text.size() - instead_.size());  // what was said is no source for itself
  for (size_t i = 0; i < changes_.size(); ++i) {
    const Change& change = changes_[i];
    const int64_t behind = cursor_ + static_cast<int64_t>(change.from.size());
    if (behind < source_end && At(cursor_, change.from) &&
        std::equal(said.begin(), said.end(), change.to.begin(), change.to.end()) &&
        text[static_cast<size_t>(behind)] == last) {
      std::rotate(changes_.begin(), changes_.begin() + static_cast<int64_t>(i),
                  changes_.begin() + static_cast<int64_t>(i) + 1);
      return take_up(behind + 1);
    }
  }
  const int64_t end = std::min(cursor_ + kLongestChange, source_end);
  for (int64_t at = cursor_; at < end; ++at) {
    if (text[static_cast<size_t>(at)] == last) {
      Learn(at);
      return take_up(at + 1);
    }
  }
  return false;
}

void Drafter::Learn(int64_t source_end) {
  const std::span<const TokenId> text = index_.tokens();
  Change change{{text.begin() + cursor_, text.begin() + source_end}, {instead_.begin(), instead_.end() - 1}};
  if (change.from.empty()) {  // an insertion says nothing about another place
    return;
  }
  changes_.erase(
      std::remove_if(changes_.begin(), changes_.end(), [&](const Change& other) { return other.from == change.from; }),
      changes_.end());
  changes_.insert(changes_.begin(), std::move(change));
  changes_.resize(std::min(changes_.size(), kChanges));
}

void Drafter::Copy(int64_t from, size_t length) {
  const std::span<const TokenId> text = index_.tokens();
  while (draft_.size() < length) {
    const int64_t size = static_cast<int64_t>(text.size());
    if (const Change* const change = from < size ? ChangeAt(from) : nullptr; change != nullptr) {
      draft_.insert(draft_.end(), change->to.begin(), change->to.end());
      from += static_cast<int64_t>(change->from.size());
      continue;
    }
    const size_t beyond = static_cast<size_t>(std::max<int64_t>(0, from - size));
    if (from >= size && beyond >= draft_.size()) {
      break;
    }
    // A copy that reaches the end of the text goes on with itself: what repeats goes on repeating.
    draft_.push_back(from < size ? text[static_cast<size_t>(from)] : draft_[beyond]);
    ++from;
  }
  draft_.resize(std::min(draft_.size(), length));
}

std::span<const TokenId> Drafter::Propose(const LookupOptions& options, int most) {
  draft_.clear();
  if (most <= 0) {
    return draft_;
  }
  if (!expected_.empty()) {
    kind_ = DraftPolicy::Kind::kExpected;
    const int length = options.adapt ? policy_.Length(kind_, most) : most;
    const size_t count = std::min(static_cast<size_t>(length), expected_.size());
    draft_.assign(expected_.rbegin(), expected_.rbegin() + static_cast<int64_t>(count));
    return draft_;
  }
  const SuffixIndex::Match match = index_.Find(options.min_ngram);
  const bool in_step = cursor_ >= 0 && instead_.empty();
  const bool departed = cursor_ >= 0 && !instead_.empty();
  int64_t from = -1;
  size_t skip = 0;  // of what is copied: it has been said
  if (in_step && match.length < agreed_ + kOutweighs) {
    from = cursor_;
    kind_ = agreed_ < kOutweighs ? DraftPolicy::Kind::kAligned : DraftPolicy::KindOf(agreed_);
  } else if (const Change* const change = departed ? ChangeAt(cursor_) : nullptr;
             change != nullptr && instead_.size() <= change->to.size() &&
             std::equal(instead_.begin(), instead_.end(), change->to.begin())) {
    from = cursor_;
    skip = instead_.size();
    kind_ = DraftPolicy::Kind::kAligned;
  } else if (match.next >= 0) {
    from = match.next;
    kind_ = DraftPolicy::KindOf(match.length);
    if (!departed || match.length >= kOutweighs) {  // a chance agreement is no reason to give up a place
      cursor_ = match.next;
      agreed_ = match.length;
      instead_.clear();
    }
  }
  if (from < 0) {
    return draft_;
  }
  const size_t length = static_cast<size_t>(options.adapt ? policy_.Length(kind_, most) : most);
  if (length == 0) {
    return draft_;
  }
  Copy(from, skip + length);
  draft_.erase(draft_.begin(), draft_.begin() + static_cast<int64_t>(std::min(skip, draft_.size())));
  return draft_;
}

}  // namespace niwaki
