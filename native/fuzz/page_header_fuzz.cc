// Any bytes as the header of a saved page, and any text as its file's name.
#include <cstdint>
#include <cstring>
#include <string>

#include "base/crc32.h"
#include "base/private_folder.h"
#include "kv/page_header.h"
#include "kv/page_name.h"

namespace {

void Require(bool condition) {
  if (!condition) {
    __builtin_trap();
  }
}

// Whatever is taken for a header is what we would have written.
void LookAtHeader(std::span<const uint8_t> bytes) {
  const auto header = niwaki::ReadKvPageHeader(bytes);
  if (!header.ok()) {
    Require(!header.status().message().empty());
    return;
  }
  const niwaki::KvPageHeaderBytes again = niwaki::WriteKvPageHeader(header.value());
  Require(bytes.size() == again.size() && std::memcmp(bytes.data(), again.data(), again.size()) == 0);
  Require(header.value().id.pages > 0 && header.value().payload_bytes > 0);
  Require(niwaki::ParseKvPageFileName(niwaki::KvPageFileName(header.value().id)).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  LookAtHeader({data, size});
  // The fuzzer does not find CRCs, so it gets one that fits.
  niwaki::KvPageHeaderBytes bytes{};
  std::memcpy(bytes.data(), data, size < bytes.size() ? size : bytes.size());
  const uint32_t crc = niwaki::Crc32(bytes.data(), bytes.size() - 4);
  std::memcpy(&bytes[bytes.size() - 4], &crc, 4);
  LookAtHeader(bytes);

  const std::string name(reinterpret_cast<const char*>(data), size < 200 ? size : 200);
  const auto parsed = niwaki::ParseKvPageFileName(name);
  if (parsed.has_value()) {
    Require(parsed->id.size() == 16 && parsed->parent.size() == 16 && parsed->page >= 0);
  }
  const std::string of = niwaki::PrivateFolder::NameOfTemporary(name);
  Require(of.size() < name.size() || name.empty());
  Require(niwaki::IsKvPageTemporary(name) == niwaki::ParseKvPageFileName(of).has_value());
  return 0;
}
