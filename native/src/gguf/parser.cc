#include "gguf/parser.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "gguf/value_types.h"

namespace niwaki {
namespace {

// Bytes of a fixed-size value, 0 for strings, arrays and unknown types.
uint64_t ValueSize(uint32_t type) {
  switch (type) {
    case kU8:
    case kI8:
    case kBool:
      return 1;
    case kU16:
    case kI16:
      return 2;
    case kU32:
    case kI32:
    case kF32v:
      return 4;
    case kU64:
    case kI64:
    case kF64:
      return 8;
    default:
      return 0;
  }
}

constexpr uint64_t kMaxName = 65535;
// Far more than any model has. They bound what a hostile file can make us allocate.
// Tensors, and metadata pairs: real files have hundreds, and each costs some microseconds.
constexpr uint64_t kMaxCount = 50'000;
constexpr uint64_t kMaxHeader = uint64_t{128} << 20;
// Of a tensor. Sums over kMaxCount tensors, in bytes, stay within 64 bits.
constexpr int64_t kMaxElements = int64_t{1} << 40;

// Reads forward through the header. Every read checks what is left of the file first, then has it fetched.
class Parser {
 public:
  Parser(std::span<const uint8_t> bytes, const GgufFetch& fetch) : bytes_(bytes), fetch_(fetch) {}

  Status Run(GgufHeader& file) {
    NIWAKI_RETURN_IF_ERROR(Header(file));
    NIWAKI_RETURN_IF_ERROR(Metadata(file));
    NIWAKI_RETURN_IF_ERROR(TensorInfos(file));
    return TensorData(file);
  }

 private:
  Status Truncated(const std::string& where) const {
    return Status(StatusCode::kBadFile, "the GGUF file ends in the middle of " + where + " (at byte " +
                                            std::to_string(at_) + " of " + std::to_string(bytes_.size()) +
                                            "); it is incomplete or damaged, copy or download it again");
  }
  static Status Bad(const std::string& what) {
    return Status(StatusCode::kBadFile, "the GGUF file is damaged: " + what + "; copy or download it again");
  }
  uint64_t Left() const { return bytes_.size() - at_; }
  // Makes the next `size` bytes, which must be Left(), ready to be looked at.
  Status Fetch(uint64_t size) {
    if (at_ + size > kMaxHeader) {
      return Status(StatusCode::kBadFile, "the GGUF file claims a header of more than " +
                                              std::to_string(kMaxHeader >> 20) +
                                              " MB; it is damaged, copy or download it again");
    }
    return fetch_ ? fetch_(at_ + size) : Status();
  }

  template <typename T>
  Status Take(T* out, const std::string& where) {
    if (Left() < sizeof(T)) {
      return Truncated(where);
    }
    NIWAKI_RETURN_IF_ERROR(Fetch(sizeof(T)));
    *out = ReadAt<T>(bytes_.data() + at_);
    at_ += sizeof(T);
    return Status();
  }

  Status TakeString(std::string_view* out, const std::string& where) {
    uint64_t length = 0;
    NIWAKI_RETURN_IF_ERROR(Take(&length, where));
    if (length > Left()) {
      return Bad(where + " claims a length of " + std::to_string(length) + " bytes, " + std::to_string(Left()) +
                 " are left");
    }
    NIWAKI_RETURN_IF_ERROR(Fetch(length));
    *out = {reinterpret_cast<const char*>(bytes_.data() + at_), static_cast<size_t>(length)};
    at_ += length;
    return Status();
  }

  Status Header(GgufHeader& file) {
    if (bytes_.size() >= 4) {
      NIWAKI_RETURN_IF_ERROR(Fetch(4));
    }
    if (bytes_.size() < 4 || std::memcmp(bytes_.data(), "GGUF", 4) != 0) {
      return Status(StatusCode::kBadFile,
                    "this is not a GGUF file (it does not begin with \"GGUF\"); choose a .gguf model file");
    }
    at_ = 4;
    NIWAKI_RETURN_IF_ERROR(Take(&file.version, "the version"));
    if (file.version != 0 && (file.version & 0xffffu) == 0) {
      return Status(StatusCode::kUnsupported, "the GGUF file is big-endian; use the little-endian file of this model");
    }
    if (file.version != 2 && file.version != 3) {
      return Status(StatusCode::kUnsupported,
                    "the GGUF file has version " + std::to_string(file.version) +
                        ", Niwaki reads versions 2 and 3; convert the model with a current converter");
    }
    NIWAKI_RETURN_IF_ERROR(Take(&tensor_count_, "the tensor count"));
    NIWAKI_RETURN_IF_ERROR(Take(&metadata_count_, "the metadata count"));
    // A tensor's entry takes at least 8 + 4 + 8 + 4 + 8 bytes, a metadata pair at least 8 + 4 + 1: no honest count
    // exceeds these.
    if (tensor_count_ > std::min(kMaxCount, Left() / 32)) {
      return Bad("it claims to hold " + std::to_string(tensor_count_) + " tensors");
    }
    if (metadata_count_ > std::min(kMaxCount, Left() / 13)) {
      return Bad("it claims to hold " + std::to_string(metadata_count_) + " metadata pairs");
    }
    return Status();
  }

  Status TakeArray(const std::string& where, GgufArray* array) {
    NIWAKI_RETURN_IF_ERROR(Take(&array->element_type, where));
    NIWAKI_RETURN_IF_ERROR(Take(&array->count, where));
    array->data = bytes_.data() + at_;
    if (array->element_type == kString) {
      const uint64_t begin = at_;
      if (array->count > Left() / 8) {
        return Bad(where + " claims to be an array of " + std::to_string(array->count) + " strings");
      }
      for (uint64_t i = 0; i < array->count; ++i) {
        // The message is put together only when it is needed: vocabularies have hundreds of thousands of elements.
        std::string_view element;
        const uint64_t element_begin = at_;
        if (!TakeString(&element, where).ok()) {
          at_ = element_begin;
          return TakeString(&element, "element " + std::to_string(i) + " of " + where);
        }
      }
      array->bytes = at_ - begin;
      return Status();
    }
    const uint64_t size = ValueSize(array->element_type);
    if (size == 0) {
      return Bad(where + " is an array of elements of type " + std::to_string(array->element_type) +
                 ", which arrays cannot hold");
    }
    if (array->count > Left() / size) {
      return Bad(where + " claims to be an array of " + std::to_string(array->count) + " elements");
    }
    array->bytes = array->count * size;
    NIWAKI_RETURN_IF_ERROR(Fetch(array->bytes));
    at_ += array->bytes;
    return Status();
  }

  Status TakeValue(uint32_t type, const std::string& where, GgufValue* out) {
    if (type == kString) {
      std::string_view text;
      NIWAKI_RETURN_IF_ERROR(TakeString(&text, where));
      *out = text;
      return Status();
    }
    if (type == kArray) {
      GgufArray array;
      NIWAKI_RETURN_IF_ERROR(TakeArray(where, &array));
      *out = array;
      return Status();
    }
    const uint64_t size = ValueSize(type);
    if (size == 0) {
      return Bad(where + " has the unknown value type " + std::to_string(type));
    }
    if (Left() < size) {
      return Truncated(where);
    }
    NIWAKI_RETURN_IF_ERROR(Fetch(size));
    const uint8_t* p = bytes_.data() + at_;
    at_ += size;
    switch (type) {
      case kU8:
        *out = static_cast<uint64_t>(*p);
        break;
      case kI8:
        *out = static_cast<int64_t>(ReadAt<int8_t>(p));
        break;
      case kU16:
        *out = static_cast<uint64_t>(ReadAt<uint16_t>(p));
        break;
      case kI16:
        *out = static_cast<int64_t>(ReadAt<int16_t>(p));
        break;
      case kU32:
        *out = static_cast<uint64_t>(ReadAt<uint32_t>(p));
        break;
      case kI32:
        *out = static_cast<int64_t>(ReadAt<int32_t>(p));
        break;
      case kU64:
        *out = ReadAt<uint64_t>(p);
        break;
      case kI64:
        *out = ReadAt<int64_t>(p);
        break;
      case kF32v:
        *out = static_cast<double>(ReadAt<float>(p));
        break;
      case kF64:
        *out = ReadAt<double>(p);
        break;
      default:  // kBool
        if (*p > 1) {
          return Bad(where + " is a truth value of " + std::to_string(*p));
        }
        *out = *p == 1;
        break;
    }
    return Status();
  }

  Status Metadata(GgufHeader& file) {
    std::unordered_set<std::string_view> seen;
    file.metadata.reserve(static_cast<size_t>(metadata_count_));
    for (uint64_t i = 0; i < metadata_count_; ++i) {
      std::string_view key;
      NIWAKI_RETURN_IF_ERROR(TakeString(&key, "the key of metadata pair " + std::to_string(i)));
      if (key.empty() || key.size() > kMaxName) {
        return Bad("metadata pair " + std::to_string(i) + " has a key of " + std::to_string(key.size()) + " bytes");
      }
      if (!seen.insert(key).second) {
        return Bad("the metadata key " + GgufQuote(key) + " occurs twice");
      }
      uint32_t type = 0;
      const std::string where = "the metadata value " + GgufQuote(key);
      NIWAKI_RETURN_IF_ERROR(Take(&type, where));
      GgufValue value;
      NIWAKI_RETURN_IF_ERROR(TakeValue(type, where, &value));
      file.metadata.emplace_back(key, value);
    }
    return Status();
  }

  Status TensorInfos(GgufHeader& file) {
    std::unordered_set<std::string_view> seen;
    file.tensors.reserve(static_cast<size_t>(tensor_count_));
    offsets_.reserve(static_cast<size_t>(tensor_count_));
    for (uint64_t i = 0; i < tensor_count_; ++i) {
      GgufTensor tensor;
      NIWAKI_RETURN_IF_ERROR(TakeString(&tensor.name, "the name of tensor " + std::to_string(i)));
      const std::string where = "tensor " + GgufQuote(tensor.name);
      if (tensor.name.empty() || tensor.name.size() > kMaxName) {
        return Bad("tensor " + std::to_string(i) + " has a name of " + std::to_string(tensor.name.size()) + " bytes");
      }
      if (!seen.insert(tensor.name).second) {
        return Bad(where + " occurs twice");
      }
      uint32_t dims = 0;
      NIWAKI_RETURN_IF_ERROR(Take(&dims, where));
      if (dims == 0 || dims > 4) {
        return Bad(where + " has " + std::to_string(dims) + " dimensions (1 to 4 are possible)");
      }
      int64_t elements = 1;
      for (uint32_t d = 0; d < dims; ++d) {
        uint64_t extent = 0;
        NIWAKI_RETURN_IF_ERROR(Take(&extent, where));
        if (extent == 0 || extent > static_cast<uint64_t>(kMaxElements / elements)) {
          return Bad(where + " has a dimension of " + std::to_string(extent));
        }
        elements *= static_cast<int64_t>(extent);
        tensor.shape.push_back(static_cast<int64_t>(extent));
      }
      uint64_t offset = 0;
      NIWAKI_RETURN_IF_ERROR(Take(&tensor.type, where));
      NIWAKI_RETURN_IF_ERROR(Take(&offset, where));
      file.tensors.push_back(tensor);
      offsets_.push_back(offset);
    }
    return Status();
  }

  Status TensorData(GgufHeader& file) {
    uint64_t alignment = 32;
    for (const auto& [key, value] : file.metadata) {
      if (key != "general.alignment") {
        continue;
      }
      const uint64_t* number = std::get_if<uint64_t>(&value);
      if (number == nullptr || *number < 8 || *number > (1 << 20) || (*number & (*number - 1)) != 0) {
        return Bad("general.alignment is " + GgufValueText(value).substr(0, 40) +
                   " (an unsigned power of two from 8 to 1048576 is possible)");
      }
      alignment = *number;
    }
    const uint64_t data_begin = (at_ + alignment - 1) / alignment * alignment;
    std::vector<std::pair<uint64_t, const GgufTensor*>> used;  // by offset
    for (size_t i = 0; i < file.tensors.size(); ++i) {
      GgufTensor& tensor = file.tensors[i];
      const std::string where = "tensor " + GgufQuote(tensor.name);
      const uint64_t offset = offsets_[i];
      if (offset % alignment != 0) {
        return Bad(where + " lies at offset " + std::to_string(offset) + ", which is not a multiple of " +
                   std::to_string(alignment));
      }
      if (data_begin > bytes_.size() || offset > bytes_.size() - data_begin) {
        return Truncated("the data of " + where);
      }
      const TensorLayout layout = TensorLayoutOf(tensor.type);
      if (layout.block == 0) {
        continue;  // whoever wants it refuses it, by name
      }
      if (tensor.shape[0] % layout.block != 0) {
        return Bad(where + " has rows of " + std::to_string(tensor.shape[0]) + " elements, not a multiple of " +
                   std::to_string(layout.block) + " as " + TensorTypeName(tensor.type) + " needs");
      }
      const uint64_t blocks = static_cast<uint64_t>(tensor.elements() / layout.block);
      const uint64_t left = bytes_.size() - data_begin - offset;
      if (blocks > left / static_cast<uint64_t>(layout.bytes)) {
        at_ = bytes_.size();
        return Truncated("the data of " + where);
      }
      tensor.data = bytes_.subspan(data_begin + offset, blocks * static_cast<uint64_t>(layout.bytes));
      used.emplace_back(offset, &tensor);
    }
    std::sort(used.begin(), used.end());
    for (size_t i = 1; i < used.size(); ++i) {
      const GgufTensor& before = *used[i - 1].second;
      if (used[i].first < used[i - 1].first + before.data.size()) {
        return Bad("the data of the tensors " + GgufQuote(before.name) + " and " + GgufQuote(used[i].second->name) +
                   " overlap at offset " + std::to_string(used[i].first));
      }
    }
    return Status();
  }

  std::span<const uint8_t> bytes_;
  const GgufFetch& fetch_;
  uint64_t at_ = 0;
  uint64_t tensor_count_ = 0;
  uint64_t metadata_count_ = 0;
  std::vector<uint64_t> offsets_;
};

}  // namespace

std::string GgufQuote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 100)) {
    out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f ? '?' : c;
  }
  return out + (text.size() > 100 ? "...\"" : "\"");
}

Result<GgufHeader> ParseGguf(std::span<const uint8_t> bytes, const GgufFetch& fetch) {
  GgufHeader header;
  NIWAKI_RETURN_IF_ERROR(Parser(bytes, fetch).Run(header));
  return header;
}

}  // namespace niwaki
