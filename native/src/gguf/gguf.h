// Reads GGUF v2 and v3, in one file or split into several. Every count, length and offset is checked against the file
// before it is used. Files are read, not mapped: see docs/adr/0003-reading-models.md.
// Format: the GGUF specification in ggml's docs/gguf.md.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/file_image.h"
#include "niwaki/status.h"

namespace niwaki {

// ggml_type ids that this engine computes with. general.file_type is never looked at (its numbers collide between
// forks).
enum class TensorType : uint32_t { kF32 = 0, kF16 = 1, kQ8_0 = 8, kBF16 = 30, kQ1_0 = 41 };
// "Q1_0" and all other types of ggml, or "type 99".
std::string TensorTypeName(uint32_t type);
struct TensorLayout {
  int64_t block;  // elements; a row is a whole number of blocks
  int64_t bytes;  // of a block
};
// {0, 0} for types that the engine does not compute with.
TensorLayout TensorLayoutOf(uint32_t type);

struct GgufArray;
struct GgufHeader;  // gguf/parser.h
// Integers are widened to int64/uint64, f32 to double; bool stays bool.
using GgufValue = std::variant<bool, int64_t, uint64_t, double, std::string_view, GgufArray>;
struct GgufArray {
  uint32_t element_type = 0;  // GGUF value type id: 0 u8 ... 12 f64, 8 string
  uint64_t count = 0;
  const uint8_t* data = nullptr;  // elements as in the file (unaligned), inside the header and verified to fit
  uint64_t bytes = 0;
};
// The elements of a string array / of an int32 or uint32 array / of a float32 array. kBadFile when the type differs.
Result<std::vector<std::string_view>> GgufStrings(const GgufArray& array);
Result<std::vector<int32_t>> GgufInts(const GgufArray& array);
Result<std::vector<float>> GgufFloats(const GgufArray& array);
// As text for people: strings as they are, arrays of up to 8 numbers in brackets, longer ones as "[151669 strings]".
std::string GgufValueText(const GgufValue& value);

struct GgufTensor {
  std::string_view name;
  uint32_t type = 0;              // as in the file, perhaps unknown
  std::vector<int64_t> shape;     // ne[0] (inner) first
  std::span<const uint8_t> data;  // defined after FindTensor(name) only; empty when the type is unknown
  int64_t elements() const;
};

class GgufFile {
 public:
  // Opens and checks the whole header. Tensors of unknown types are listed (without data), not refused: the model
  // decides. `path` may be any part of a split model; all parts are opened then, and the first one's metadata count.
  static Result<std::unique_ptr<GgufFile>> Open(const std::string& path);
  // The same over the bytes of one whole file in memory that outlive the result. For tests and fuzzing.
  static Result<std::unique_ptr<GgufFile>> Parse(std::span<const uint8_t> bytes);

  uint32_t version() const { return version_; }
  // Where the tensors' data lie.
  std::span<const uint8_t> bytes() const { return bytes_; }
  // Of all parts together.
  int64_t file_bytes() const;
  const std::vector<std::pair<std::string_view, GgufValue>>& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }

  const GgufValue* Find(std::string_view key) const;        // null when absent
  const GgufTensor* FindInfo(std::string_view name) const;  // null when absent; the tensor's data are not read
  // Reads the tensor's data, too. Null when absent. A failure to read, and values that are infinite or not numbers, are
  // remembered: whoever used the data asks Check() afterwards. For small tensors: the data stay in memory.
  const GgufTensor* FindTensor(std::string_view name) const;
  // For large ones: some whole blocks of the tensor's data from byte `begin` on, checked likewise. They are read into
  // `into`, as many as fit there; the result says where they lie, which is elsewhere for Parse()d bytes. Any thread.
  Result<const uint8_t*> ReadBlocks(const GgufTensor& tensor, size_t begin, std::span<uint8_t> into) const;
  // Ok when all data that FindTensor read so far are sound and the file is still the one that was opened. Like those of
  // ReadBlocks, the reasons name the file.
  Status Check() const;
  // Typed look-ups. kNotFound when absent, kBadFile when of another type or out of range; both name the key.
  Result<int64_t> Int(std::string_view key) const;   // any integer type
  Result<double> Float(std::string_view key) const;  // f32, f64
  Result<bool> Bool(std::string_view key) const;
  Result<std::string_view> String(std::string_view key) const;
  Result<const GgufArray*> Array(std::string_view key) const;

 private:
  GgufFile() = default;
  Status Adopt(GgufHeader header);
  void ReadData(const GgufTensor& tensor) const;
  // `bytes` are the tensor's from byte `begin` on.
  Status CheckFinite(const GgufTensor& tensor, size_t begin, std::span<const uint8_t> bytes) const;

  FileImage image_;  // empty for Parse()d bytes
  std::span<const uint8_t> bytes_;
  uint32_t version_ = 0;
  std::vector<std::pair<std::string_view, GgufValue>> metadata_;
  std::vector<GgufTensor> tensors_;
  std::unordered_map<std::string_view, size_t> metadata_index_;
  std::unordered_map<std::string_view, size_t> tensor_index_;
  mutable Status data_status_;  // the first failure of ReadData
};

}  // namespace niwaki
