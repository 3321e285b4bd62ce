#include "gguf/gguf.h"

#include <algorithm>
#include <cstring>
#include <limits>
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

// Names and keys from a file, made safe to print.
std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 100)) {
    out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f ? '?' : c;
  }
  return out + (text.size() > 100 ? "...\"" : "\"");
}

struct TypeLayout {
  int64_t block;  // elements
  int64_t bytes;
};
// {0, 0} for types that the engine does not know.
TypeLayout LayoutOf(uint32_t type) {
  switch (static_cast<TensorType>(type)) {
    case TensorType::kF32:
      return {1, 4};
    case TensorType::kF16:
      return {1, 2};
    case TensorType::kQ1_0:
      return {128, 18};
  }
  return {0, 0};
}

constexpr uint64_t kMaxName = 65535;

}  // namespace

// Reads forward through the header. Every read checks what is left of the file first.
class GgufParser {
 public:
  explicit GgufParser(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  Status Run(GgufFile& file) {
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

  template <typename T>
  Status Take(T* out, const std::string& where) {
    if (Left() < sizeof(T)) {
      return Truncated(where);
    }
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
    *out = {reinterpret_cast<const char*>(bytes_.data() + at_), static_cast<size_t>(length)};
    at_ += length;
    return Status();
  }

  Status Header(GgufFile& file) {
    if (bytes_.size() < 4 || std::memcmp(bytes_.data(), "GGUF", 4) != 0) {
      return Status(StatusCode::kBadFile,
                    "this is not a GGUF file (it does not begin with \"GGUF\"); choose a .gguf model file");
    }
    at_ = 4;
    NIWAKI_RETURN_IF_ERROR(Take(&file.version_, "the version"));
    if (file.version_ != 0 && (file.version_ & 0xffffu) == 0) {
      return Status(StatusCode::kUnsupported, "the GGUF file is big-endian; use the little-endian file of this model");
    }
    if (file.version_ != 2 && file.version_ != 3) {
      return Status(StatusCode::kUnsupported,
                    "the GGUF file has version " + std::to_string(file.version_) +
                        ", Niwaki reads versions 2 and 3; convert the model with a current converter");
    }
    NIWAKI_RETURN_IF_ERROR(Take(&tensor_count_, "the tensor count"));
    NIWAKI_RETURN_IF_ERROR(Take(&metadata_count_, "the metadata count"));
    // A tensor's entry takes at least 8 + 4 + 8 + 4 + 8 bytes, a metadata pair at least 8 + 4 + 1: no honest count
    // exceeds these.
    if (tensor_count_ > Left() / 32) {
      return Bad("it claims to hold " + std::to_string(tensor_count_) + " tensors");
    }
    if (metadata_count_ > Left() / 13) {
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
        std::string_view element;
        NIWAKI_RETURN_IF_ERROR(TakeString(&element, "element " + std::to_string(i) + " of " + where));
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

  Status Metadata(GgufFile& file) {
    std::unordered_set<std::string_view> seen;
    file.metadata_.reserve(static_cast<size_t>(metadata_count_));
    for (uint64_t i = 0; i < metadata_count_; ++i) {
      std::string_view key;
      NIWAKI_RETURN_IF_ERROR(TakeString(&key, "the key of metadata pair " + std::to_string(i)));
      if (key.empty() || key.size() > kMaxName) {
        return Bad("metadata pair " + std::to_string(i) + " has a key of " + std::to_string(key.size()) + " bytes");
      }
      if (!seen.insert(key).second) {
        return Bad("the metadata key " + Quote(key) + " occurs twice");
      }
      uint32_t type = 0;
      const std::string where = "the metadata value " + Quote(key);
      NIWAKI_RETURN_IF_ERROR(Take(&type, where));
      GgufValue value;
      NIWAKI_RETURN_IF_ERROR(TakeValue(type, where, &value));
      file.metadata_.emplace_back(key, value);
    }
    return Status();
  }

  Status TensorInfos(GgufFile& file) {
    std::unordered_set<std::string_view> seen;
    file.tensors_.reserve(static_cast<size_t>(tensor_count_));
    offsets_.reserve(static_cast<size_t>(tensor_count_));
    for (uint64_t i = 0; i < tensor_count_; ++i) {
      GgufTensor tensor;
      NIWAKI_RETURN_IF_ERROR(TakeString(&tensor.name, "the name of tensor " + std::to_string(i)));
      const std::string where = "tensor " + Quote(tensor.name);
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
        if (extent == 0 || extent > static_cast<uint64_t>(std::numeric_limits<int64_t>::max() / elements)) {
          return Bad(where + " has a dimension of " + std::to_string(extent));
        }
        elements *= static_cast<int64_t>(extent);
        tensor.shape.push_back(static_cast<int64_t>(extent));
      }
      uint64_t offset = 0;
      NIWAKI_RETURN_IF_ERROR(Take(&tensor.type, where));
      NIWAKI_RETURN_IF_ERROR(Take(&offset, where));
      file.tensors_.push_back(tensor);
      offsets_.push_back(offset);
    }
    return Status();
  }

  Status TensorData(GgufFile& file) {
    uint64_t alignment = 32;
    if (file.Find("general.alignment") != nullptr) {
      const Result<int64_t> value = file.Int("general.alignment");
      if (!value.ok()) {
        return value.status();
      }
      if (value.value() < 8 || value.value() > (1 << 20) || (value.value() & (value.value() - 1)) != 0) {
        return Bad("general.alignment is " + std::to_string(value.value()) + " (a power of two from 8 is possible)");
      }
      alignment = static_cast<uint64_t>(value.value());
    }
    const uint64_t data_begin = (at_ + alignment - 1) / alignment * alignment;
    std::vector<std::pair<uint64_t, uint64_t>> used;
    for (size_t i = 0; i < file.tensors_.size(); ++i) {
      GgufTensor& tensor = file.tensors_[i];
      const std::string where = "tensor " + Quote(tensor.name);
      const uint64_t offset = offsets_[i];
      if (offset % alignment != 0) {
        return Bad(where + " lies at offset " + std::to_string(offset) + ", which is not a multiple of " +
                   std::to_string(alignment));
      }
      if (data_begin > bytes_.size() || offset > bytes_.size() - data_begin) {
        return Truncated("the data of " + where);
      }
      const TypeLayout layout = LayoutOf(tensor.type);
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
      used.emplace_back(offset, offset + tensor.data.size());
    }
    std::sort(used.begin(), used.end());
    for (size_t i = 1; i < used.size(); ++i) {
      if (used[i].first < used[i - 1].second) {
        return Bad("the data of two tensors overlap at offset " + std::to_string(used[i].first));
      }
    }
    return Status();
  }

  std::span<const uint8_t> bytes_;
  uint64_t at_ = 0;
  uint64_t tensor_count_ = 0;
  uint64_t metadata_count_ = 0;
  std::vector<uint64_t> offsets_;
};

namespace {

Status WrongType(std::string_view key, const char* wanted) {
  return Status(StatusCode::kBadFile, "the metadata value " + Quote(key) + " is not " + wanted +
                                          "; the file is damaged or was written by a faulty tool");
}

}  // namespace

std::string TensorTypeName(uint32_t type) {
  switch (static_cast<TensorType>(type)) {
    case TensorType::kF32:
      return "F32";
    case TensorType::kF16:
      return "F16";
    case TensorType::kQ1_0:
      return "Q1_0";
  }
  return "type " + std::to_string(type);
}

int64_t GgufTensor::elements() const {
  int64_t n = 1;
  for (const int64_t extent : shape) {
    n *= extent;
  }
  return n;
}

Result<std::unique_ptr<GgufFile>> GgufFile::Open(const std::string& path) {
  Result<MappedFile> map = MappedFile::Open(path);
  if (!map.ok()) {
    return map.status();
  }
  std::unique_ptr<GgufFile> file(new GgufFile());
  file->map_ = std::move(map.value());
  file->bytes_ = file->map_.bytes();
  const Status status = GgufParser(file->bytes_).Run(*file);
  if (!status.ok()) {
    return Status(status.code(), "\"" + path + "\": " + status.message());
  }
  return file;
}

Result<std::unique_ptr<GgufFile>> GgufFile::Parse(std::span<const uint8_t> bytes) {
  std::unique_ptr<GgufFile> file(new GgufFile());
  file->bytes_ = bytes;
  NIWAKI_RETURN_IF_ERROR(GgufParser(bytes).Run(*file));
  return file;
}

const GgufValue* GgufFile::Find(std::string_view key) const {
  for (const auto& [name, value] : metadata_) {
    if (name == key) {
      return &value;
    }
  }
  return nullptr;
}

const GgufTensor* GgufFile::FindTensor(std::string_view name) const {
  for (const GgufTensor& tensor : tensors_) {
    if (tensor.name == name) {
      return &tensor;
    }
  }
  return nullptr;
}

namespace {
Status Absent(std::string_view key) {
  return Status(StatusCode::kNotFound, "the file has no metadata value " + Quote(key) +
                                           "; it was written by a faulty tool or for another kind of program");
}
}  // namespace

Result<int64_t> GgufFile::Int(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) {
    return Absent(key);
  }
  if (const int64_t* i = std::get_if<int64_t>(value)) {
    return *i;
  }
  if (const uint64_t* u = std::get_if<uint64_t>(value)) {
    if (*u <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return static_cast<int64_t>(*u);
    }
  }
  return WrongType(key, "an integer");
}

Result<double> GgufFile::Float(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) {
    return Absent(key);
  }
  if (const double* d = std::get_if<double>(value)) {
    return *d;
  }
  return WrongType(key, "a floating-point number");
}

Result<bool> GgufFile::Bool(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) {
    return Absent(key);
  }
  if (const bool* b = std::get_if<bool>(value)) {
    return *b;
  }
  return WrongType(key, "a truth value");
}

Result<std::string_view> GgufFile::String(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) {
    return Absent(key);
  }
  if (const std::string_view* s = std::get_if<std::string_view>(value)) {
    return *s;
  }
  return WrongType(key, "a string");
}

Result<const GgufArray*> GgufFile::Array(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) {
    return Absent(key);
  }
  if (const GgufArray* array = std::get_if<GgufArray>(value)) {
    return array;
  }
  return WrongType(key, "an array");
}

void GgufFile::Forget(std::span<const uint8_t> bytes) const { map_.Forget(bytes); }

}  // namespace niwaki
