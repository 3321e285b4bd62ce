#include "kv/page_id.h"

namespace niwaki {

std::string KvKernelFamily(std::string_view kernel_table) { return kernel_table == "oracle" ? "oracle" : "integer"; }

Sha256::Digest KvPageKind::Digest() const {
  Sha256 hash;
  hash.Add(std::string_view("niwaki kv page kind"));
  hash.Add(kKvNumerics);
  for (const std::string* text : {&model, &codecs, &basis, &kernels}) {
    hash.Add(std::string_view(*text));
  }
  for (const int32_t number : {shape.layers, shape.kv_heads, shape.head_size}) {
    hash.Add(int64_t{number});
  }
  return hash.Finish();
}

std::string KvPageKind::Text() const {
  std::string text = "numerics " + std::to_string(kKvNumerics) + "; model " + model + "; kernels " + kernels +
                     "; shape " + std::to_string(shape.layers) + " x " + std::to_string(shape.kv_heads) + " x " +
                     std::to_string(shape.head_size) + "; basis " + basis + "; codecs " + codecs;
  for (char& c : text) {
    c = c >= ' ' && c <= '~' ? c : '?';
  }
  return text;
}

KvPrefixId NextKvPrefix(const Sha256::Digest& kind, const KvPrefixId& parent, std::span<const int32_t> tokens) {
  KvPrefixId id;
  id.parent = parent.hash;
  id.pages = parent.pages + 1;
  Sha256 hash;
  hash.Add(std::string_view("niwaki kv prefix"));
  hash.Add(kind.data(), kind.size());
  hash.Add(id.parent.data(), id.parent.size());
  hash.Add(int64_t{id.pages});
  for (const int32_t token : tokens) {
    hash.Add(int64_t{token});
  }
  id.hash = hash.Finish();
  return id;
}

KvPrefixId NextKvPrefix(const KvPageKind& kind, const KvPrefixId& parent, std::span<const int32_t> tokens) {
  return NextKvPrefix(kind.Digest(), parent, tokens);
}

bool IsKvPrefixOf(const KvPrefixId& id, const Sha256::Digest& kind, std::span<const int32_t> tokens) {
  if (id.pages <= 0) {
    return false;
  }
  KvPrefixId parent;
  parent.hash = id.parent;
  parent.pages = id.pages - 1;
  return NextKvPrefix(kind, parent, tokens) == id;
}

}  // namespace niwaki
