#include "kv/page_name.h"

#include "base/private_folder.h"

namespace niwaki {
namespace {

constexpr size_t kIdDigits = 32;
constexpr size_t kPageDigits = 8;
constexpr size_t kLinkDigits = 16;
constexpr char kEnding[] = ".nkv";
constexpr size_t kPageAt = kIdDigits + 1;
constexpr size_t kParentAt = kPageAt + kPageDigits + 1;
constexpr size_t kEndingAt = kParentAt + kLinkDigits;

constexpr char kHex[] = "0123456789abcdef";

std::string Hex(const Sha256::Digest& digest, size_t digits) {
  std::string out;
  for (size_t i = 0; i < digits; ++i) {
    const uint8_t byte = digest[i / 2];
    out += kHex[i % 2 == 0 ? byte >> 4 : byte & 15];
  }
  return out;
}

}  // namespace

std::string KvPageFileName(const KvPrefixId& id) {
  std::string page;
  for (int shift = 28; shift >= 0; shift -= 4) {
    page += kHex[(static_cast<uint32_t>(id.pages) >> shift) & 15];
  }
  return Hex(id.hash, kIdDigits) + '-' + page + '-' + Hex(id.parent, kLinkDigits) + kEnding;
}

std::optional<KvPageName> ParseKvPageFileName(const std::string& name) {
  if (name.size() != kEndingAt + sizeof kEnding - 1 || name[kIdDigits] != '-' || name[kParentAt - 1] != '-' ||
      name.substr(kEndingAt) != kEnding) {
    return std::nullopt;
  }
  const std::string digits =
      name.substr(0, kIdDigits) + name.substr(kPageAt, kPageDigits) + name.substr(kParentAt, kLinkDigits);
  if (digits.find_first_not_of(kHex) != std::string::npos) {
    return std::nullopt;
  }
  KvPageName parsed;
  parsed.id = name.substr(0, kLinkDigits);
  parsed.parent = name.substr(kParentAt, kLinkDigits);
  for (const char digit : name.substr(kPageAt, kPageDigits)) {
    parsed.page = parsed.page * 16 + (digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  return parsed;
}

bool IsKvPageFolder(const std::string& name) {
  return name.size() == kIdDigits && name.find_first_not_of(kHex) == std::string::npos;
}

bool IsKvPageTemporary(const std::string& name) {
  return ParseKvPageFileName(PrivateFolder::NameOfTemporary(name)).has_value();
}

}  // namespace niwaki
