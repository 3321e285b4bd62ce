// What identifies a page of a KV cache: what it was made with, and all tokens up to its end.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/sha256.h"
#include "niwaki/kv.h"

namespace niwaki {

// Raise this when the engine computes other keys or values for the same tokens, by a bit: pages that were saved before
// are then of another kind and are not read any more.
constexpr int64_t kKvNumerics = 1;

// What a page must have been made with to be of use. Pages of different kinds may lie in one folder.
struct KvPageKind {
  std::string model;   // ModelInfo::fingerprint
  std::string codecs;  // one a layer: "kv4 kv4 kv8"
  std::string basis;   // hex digest of the means, scales and signs that are in use, and of what positions are turned by
  KvShape shape;
  std::string kernels;  // KvKernelFamily(the table's name)
  bool operator==(const KvPageKind& other) const { return Digest() == other.Digest(); }

  // Of all fields, and of kKvNumerics.
  Sha256::Digest Digest() const;
  // All fields in a line, for people who look into a file.
  std::string Text() const;
};

// All kernel tables agree bit for bit, so their pages are one another's. The oracle computes in float and agrees with
// none: its pages are its own.
std::string KvKernelFamily(std::string_view kernel_table);

// A prefix of whole pages; the default one has none. SHA-256, chained: a page's hash is made of its kind, its parent's
// hash, its number and its own tokens. So equal hashes mean equal kinds and equal tokens *from the first one on*, as
// long as nobody knows two different inputs with one SHA-256, also where somebody chooses the tokens (files that come
// from elsewhere) in order to get the pages of another prefix. A page's own tokens do not say so: two prefixes may end
// in the same page.
struct KvPrefixId {
  Sha256::Digest hash{};
  Sha256::Digest parent{};  // the hash of the prefix that is a page shorter
  int32_t pages = 0;

  bool empty() const { return pages == 0; }
  bool operator==(const KvPrefixId&) const = default;
};

// The prefix that is `parent` and these tokens of one more page.
KvPrefixId NextKvPrefix(const KvPageKind& kind, const KvPrefixId& parent, std::span<const int32_t> tokens);
// The same with kind.Digest(), for whoever makes many.
KvPrefixId NextKvPrefix(const Sha256::Digest& kind, const KvPrefixId& parent, std::span<const int32_t> tokens);
// Whether `id` is that of these tokens behind the parent that it names.
bool IsKvPrefixOf(const KvPrefixId& id, const Sha256::Digest& kind, std::span<const int32_t> tokens);

}  // namespace niwaki
