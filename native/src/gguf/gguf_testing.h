// Writes GGUF files for tests, sound ones and liars. Only *_test.cc files include it.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace niwaki::testing {

// Bytes in the file's order (little-endian).
class Bytes {
 public:
  template <typename T>
  Bytes& Put(T value) {
    uint8_t raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    for (const uint8_t byte : raw) {  // GCC 12 sees a null pointer in an insert() of the range
      data.push_back(byte);
    }
    return *this;
  }
  Bytes& U32(uint64_t value) { return Put(static_cast<uint32_t>(value)); }
  Bytes& U64(uint64_t value) { return Put(value); }
  Bytes& Text(std::string_view text) {
    U64(text.size());
    data.insert(data.end(), text.begin(), text.end());
    return *this;
  }
  std::vector<uint8_t> data;
};

// Ids of metadata value types.
enum : uint32_t {
  kValueU8 = 0,
  kValueI8,
  kValueU16,
  kValueI16,
  kValueU32,
  kValueI32,
  kValueF32,
  kValueBool,
  kValueString,
  kValueArray,
  kValueU64,
  kValueI64,
  kValueF64
};

struct TensorEntry {
  std::string name;
  std::vector<uint64_t> shape;
  uint32_t type = 0;
  std::vector<uint8_t> data;
};

// Metadata in the order of the calls; a key that is set again replaces the old value.
class GgufWriter {
 public:
  uint32_t version = 3;
  uint64_t alignment = 32;
  std::vector<TensorEntry> tensors;

  void Raw(const std::string& key, uint32_t type, const Bytes& value) {
    for (auto& [name, bytes] : pairs_) {
      if (name == key) {
        bytes = Bytes().U32(type).data;
        bytes.insert(bytes.end(), value.data.begin(), value.data.end());
        return;
      }
    }
    pairs_.emplace_back(key, Bytes().U32(type).data);
    pairs_.back().second.insert(pairs_.back().second.end(), value.data.begin(), value.data.end());
  }
  void Erase(const std::string& key) {
    for (size_t i = 0; i < pairs_.size(); ++i) {
      if (pairs_[i].first == key) {
        pairs_.erase(pairs_.begin() + static_cast<int64_t>(i));
        return;
      }
    }
  }
  void String(const std::string& key, std::string_view value) { Raw(key, kValueString, Bytes().Text(value)); }
  void U32(const std::string& key, uint32_t value) { Raw(key, kValueU32, Bytes().U32(value)); }
  void F32(const std::string& key, float value) { Raw(key, kValueF32, Bytes().Put(value)); }
  void Bool(const std::string& key, bool value) { Raw(key, kValueBool, Bytes().Put(static_cast<uint8_t>(value))); }
  void Strings(const std::string& key, const std::vector<std::string>& values) {
    Bytes bytes;
    bytes.U32(kValueString).U64(values.size());
    for (const std::string& value : values) {
      bytes.Text(value);
    }
    Raw(key, kValueArray, bytes);
  }
  void Ints(const std::string& key, const std::vector<int32_t>& values) {
    Bytes bytes;
    bytes.U32(kValueI32).U64(values.size());
    for (const int32_t value : values) {
      bytes.Put(value);
    }
    Raw(key, kValueArray, bytes);
  }
  TensorEntry* Find(const std::string& name) {
    for (TensorEntry& tensor : tensors) {
      if (tensor.name == name) {
        return &tensor;
      }
    }
    return nullptr;
  }

  std::vector<uint8_t> Write() const {
    Bytes out;
    out.data = {'G', 'G', 'U', 'F'};
    out.U32(version).U64(tensors.size()).U64(pairs_.size());
    for (const auto& [key, value] : pairs_) {
      out.Text(key);
      out.data.insert(out.data.end(), value.begin(), value.end());
    }
    uint64_t offset = 0;
    for (const TensorEntry& tensor : tensors) {
      out.Text(tensor.name).U32(tensor.shape.size());
      for (const uint64_t extent : tensor.shape) {
        out.U64(extent);
      }
      out.U32(tensor.type).U64(offset);
      offset += (tensor.data.size() + alignment - 1) / alignment * alignment;
    }
    for (const TensorEntry& tensor : tensors) {
      out.data.resize((out.data.size() + alignment - 1) / alignment * alignment);
      out.data.insert(out.data.end(), tensor.data.begin(), tensor.data.end());
    }
    return out.data;
  }

 private:
  std::vector<std::pair<std::string, std::vector<uint8_t>>> pairs_;
};

// Bytes in GPT-2's alphabet, as tokenizer.ggml.tokens holds them.
inline std::string Written(const std::string& bytes) {
  static const std::vector<std::string> alphabet = [] {
    std::vector<std::string> out;
    uint32_t next = 0x100;
    for (uint32_t b = 0; b < 256; ++b) {
      const bool printable = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
      const uint32_t c = printable ? b : next++;
      out.push_back(c < 0x80 ? std::string(1, static_cast<char>(c))
                             : std::string{static_cast<char>(0xc0 | (c >> 6)), static_cast<char>(0x80 | (c & 63))});
    }
    return out;
  }();
  std::string out;
  for (const char c : bytes) {
    out += alphabet[static_cast<uint8_t>(c)];
  }
  return out;
}

}  // namespace niwaki::testing
