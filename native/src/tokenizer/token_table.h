// Bytes -> token id: a hash table with open addressing over strings that somebody else keeps.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "niwaki/engine.h"  // TokenId

namespace niwaki {

class TokenTable {
 public:
  TokenTable() = default;
  // `texts` are the tokens' bytes by id; they stay where they are as long as the table lives.
  TokenTable(const std::string* texts, size_t most) : texts_(texts) {
    size_t size = 16;
    while (size < most * 2) {
      size *= 2;
    }
    slots_.assign(size, {0, -1});
  }
  // The first id of equal bytes counts.
  void Insert(TokenId id) {
    const std::string& text = texts_[static_cast<size_t>(id)];
    Slot& slot = slots_[Locate(text)];
    if (slot.id < 0) {
      slot = {static_cast<uint32_t>(Hash(text) >> 32), id};
    }
  }
  // -1 when there is none.
  TokenId Find(std::string_view text) const { return slots_.empty() ? -1 : slots_[Locate(text)].id; }

 private:
  struct Slot {
    uint32_t tag;  // of the hash, so that most other strings need not be looked at
    TokenId id;    // -1: free
  };
  static uint64_t Hash(std::string_view text) {
    uint64_t hash = text.size() * 0x9e3779b97f4a7c15ull;
    const auto mix = [&hash](uint64_t word) {
      hash = (hash ^ word) * 0xd6e8feb86659fd93ull;
      hash ^= hash >> 32;
    };
    const char* at = text.data();
    size_t left = text.size();
    for (; left >= 8; at += 8, left -= 8) {
      uint64_t word;
      std::memcpy(&word, at, 8);
      mix(word);
    }
    uint64_t rest = 0;
    for (size_t i = 0; i < left; ++i) {
      rest = (rest << 8) | static_cast<uint8_t>(at[i]);
    }
    mix(rest);
    return hash * 0x9e3779b97f4a7c15ull;
  }
  // Where `text` is, or the free slot where it would go.
  size_t Locate(std::string_view text) const {
    const uint64_t hash = Hash(text);
    const uint32_t tag = static_cast<uint32_t>(hash >> 32);
    const size_t mask = slots_.size() - 1;
    for (size_t at = static_cast<size_t>(hash >> 16) & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.id < 0 || (slot.tag == tag && texts_[static_cast<size_t>(slot.id)] == text)) {
        return at;
      }
    }
  }
  const std::string* texts_ = nullptr;
  std::vector<Slot> slots_;
};

}  // namespace niwaki
