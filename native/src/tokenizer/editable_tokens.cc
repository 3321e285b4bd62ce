// EditableTokens: an edit re-encodes the pieces around it and keeps the others.
//
// Why the result is that of a full Encode. Let P be the length of the common prefix of the old and the new text and S
// that of their common suffix.
//   Front: SettledBytes(text[0, P)) gives a byte s <= P so that pieces of both texts that end at or before s are the
//   same, since both texts begin with text[0, P). Encoding starts again at the last piece end at or before s.
//   Back: as soon as a new piece ends in the common suffix at a byte that was a piece's end in the old text as well,
//   the rest of the old ids is the rest of the new ones: both depend on the text from there on alone. That never comes
//   too early: chains such as the groups of three digits in Llama 3's rule, which a new digit shifts up to the end of
//   the number, are gone through until the ends fall together again, at the latest at the end of the text.
#include <algorithm>
#include <cstring>
#include <limits>

#include "niwaki/engine.h"

namespace niwaki {
namespace {

constexpr size_t kBlock = 1024;

size_t CommonPrefix(std::string_view a, std::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  size_t at = 0;
  while (size - at >= kBlock && std::memcmp(a.data() + at, b.data() + at, kBlock) == 0) {
    at += kBlock;
  }
  while (at < size && a[at] == b[at]) {
    ++at;
  }
  return at;
}

// At most `most` bytes.
size_t CommonSuffix(std::string_view a, std::string_view b, size_t most) {
  const char* a_end = a.data() + a.size();
  const char* b_end = b.data() + b.size();
  size_t count = 0;
  while (most - count >= kBlock && std::memcmp(a_end - count - kBlock, b_end - count - kBlock, kBlock) == 0) {
    count += kBlock;
  }
  while (count < most && *(a_end - count - 1) == *(b_end - count - 1)) {
    ++count;
  }
  return count;
}

// Replaces items[begin, end) by `fresh`; what lies behind is moved once.
template <typename T>
void Splice(std::vector<T>* items, size_t begin, size_t end, const std::vector<T>& fresh) {
  const size_t common = std::min(end - begin, fresh.size());
  const auto at = items->begin() + static_cast<ptrdiff_t>(begin);
  const auto middle = fresh.begin() + static_cast<ptrdiff_t>(common);
  std::copy(fresh.begin(), middle, at);
  if (common < fresh.size()) {
    items->insert(at + static_cast<ptrdiff_t>(common), middle, fresh.end());
  } else {
    items->erase(at + static_cast<ptrdiff_t>(common), items->begin() + static_cast<ptrdiff_t>(end));
  }
}

}  // namespace

void Tokenizer::EncodePieces(std::string_view text, size_t begin, std::vector<TokenId>* ids,
                             const std::function<bool(size_t end)>& after_piece) const {
  if (begin < text.size()) {
    const std::vector<TokenId> all = Encode(text.substr(begin), SpecialTokens::kAsText);
    ids->insert(ids->end(), all.begin(), all.end());
    after_piece(text.size());
  }
}

size_t Tokenizer::SettledBytes(std::string_view) const { return 0; }

const std::vector<TokenId>& EditableTokens::Update(std::string_view text) {
  // Longer texts are encoded anew each time.
  if (text.size() > std::numeric_limits<uint32_t>::max()) {
    tokens_ = tokenizer_.Encode(text, SpecialTokens::kAsText);
    text_.clear();
    ends_.clear();
    reused_bytes_ = 0;
    return tokens_;
  }
  const size_t prefix = CommonPrefix(text_, text);
  if (prefix == text.size() && prefix == text_.size() && (prefix > 0 || tokens_.empty())) {
    reused_bytes_ = prefix;
    return tokens_;
  }
  const size_t suffix = CommonSuffix(text_, text, std::min(text_.size(), text.size()) - prefix);

  const size_t settled = tokenizer_.SettledBytes(text.substr(0, prefix));
  const size_t first_piece = static_cast<size_t>(
      std::partition_point(ends_.begin(), ends_.end(), [&](const End& end) { return end.byte <= settled; }) -
      ends_.begin());
  const End begin = first_piece == 0 ? End{0, 0} : ends_[first_piece - 1];

  std::vector<TokenId> ids;
  std::vector<End> ends;
  size_t last_piece = first_piece;  // past the old pieces that are replaced
  size_t encoded_end = begin.byte;
  bool realigned = false;
  tokenizer_.EncodePieces(text, begin.byte, &ids, [&](size_t end) {
    encoded_end = end;
    ends.push_back({static_cast<uint32_t>(end), static_cast<uint32_t>(begin.token + ids.size())});
    if (end < text.size() - suffix) {
      return true;
    }
    const size_t old_end = end + text_.size() - text.size();
    while (last_piece < ends_.size() && ends_[last_piece].byte < old_end) {
      ++last_piece;
    }
    realigned = last_piece < ends_.size() && ends_[last_piece].byte == old_end;
    return !realigned;
  });
  last_piece = realigned ? last_piece + 1 : ends_.size();
  const size_t old_tokens_end = realigned ? ends_[last_piece - 1].token : tokens_.size();

  // Unsigned differences wrap, and adding them wraps back.
  const uint32_t byte_shift = static_cast<uint32_t>(text.size() - text_.size());
  const uint32_t token_shift = static_cast<uint32_t>(begin.token + ids.size() - old_tokens_end);
  for (size_t i = last_piece; i < ends_.size(); ++i) {
    ends_[i].byte += byte_shift;
    ends_[i].token += token_shift;
  }
  Splice(&ends_, first_piece, last_piece, ends);
  Splice(&tokens_, begin.token, old_tokens_end, ids);
  text_.replace(prefix, text_.size() - suffix - prefix, text.substr(prefix, text.size() - suffix - prefix));
  reused_bytes_ = text.size() - (encoded_end - begin.byte);
  return tokens_;
}

}  // namespace niwaki
