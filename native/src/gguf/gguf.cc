#include "gguf/gguf.h"

#include <algorithm>
#include <limits>

#include "gguf/finite.h"
#include "gguf/parser.h"
#include "gguf/split.h"

namespace niwaki {
namespace {

Status WrongType(std::string_view key, const char* wanted) {
  return Status(StatusCode::kBadFile, "the metadata value " + GgufQuote(key) + " is not " + wanted +
                                          "; the file is damaged or was written by a faulty tool");
}

}  // namespace

std::string TensorTypeName(uint32_t type) {
  // ggml.h's enum ggml_type; what was taken out of it again is left out here, too.
  struct Known {
    uint32_t type;
    const char* name;
  };
  static constexpr Known kKnown[] = {
      {0, "F32"},      {1, "F16"},     {2, "Q4_0"},     {3, "Q4_1"},   {6, "Q5_0"},    {7, "Q5_1"},   {8, "Q8_0"},
      {9, "Q8_1"},     {10, "Q2_K"},   {11, "Q3_K"},    {12, "Q4_K"},  {13, "Q5_K"},   {14, "Q6_K"},  {15, "Q8_K"},
      {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"},
      {23, "IQ4_XS"},  {24, "I8"},     {25, "I16"},     {26, "I32"},   {27, "I64"},    {28, "F64"},   {29, "IQ1_M"},
      {30, "BF16"},    {34, "TQ1_0"},  {35, "TQ2_0"},   {39, "MXFP4"}, {41, "Q1_0"},
  };
  for (const Known& known : kKnown) {
    if (known.type == type) {
      return known.name;
    }
  }
  return "type " + std::to_string(type);
}

TensorLayout TensorLayoutOf(uint32_t type) {
  switch (static_cast<TensorType>(type)) {
    case TensorType::kF32:
      return {1, 4};
    case TensorType::kF16:
    case TensorType::kBF16:
      return {1, 2};
    case TensorType::kQ8_0:
      return {32, 34};
    case TensorType::kQ1_0:
      return {128, 18};
  }
  return {0, 0};
}

int64_t GgufTensor::elements() const {
  int64_t n = 1;
  for (const int64_t extent : shape) {
    n *= extent;
  }
  return n;
}

namespace {

// Headers are fetched in steps of at least this much.
constexpr uint64_t kFetchStep = 256 << 10;
// Tensors' data are read in steps that stay in the cache until their values have been looked at. A whole number of
// blocks of every type: 2, 4, 18 and 34 bytes.
constexpr size_t kReadStep = 4 * 18 * 34 * 256;

Result<GgufHeader> ReadHeader(const FileImage& image, size_t index) {
  const std::span<const uint8_t> bytes = image.file(index);
  uint64_t fetched = 0;
  Result<GgufHeader> header = ParseGguf(bytes, [&](uint64_t end) {
    if (end <= fetched) {
      return Status();
    }
    const uint64_t to = std::min<uint64_t>(bytes.size(), std::max(end, fetched + std::max(fetched, kFetchStep)));
    const Status status = image.Read(bytes.subspan(fetched, to - fetched));
    fetched = to;
    return status;
  });
  if (!header.ok()) {
    // A file that is written to at this moment looks damaged; say so.
    NIWAKI_RETURN_IF_ERROR(image.Unchanged());
    return Status(header.status().code(), "\"" + image.path(index) + "\": " + header.status().message());
  }
  return header;
}

}  // namespace

Status GgufFile::Adopt(GgufHeader header) {
  if (tensors_.empty() && metadata_.empty()) {
    version_ = header.version;
    metadata_ = std::move(header.metadata);
    for (size_t i = 0; i < metadata_.size(); ++i) {
      metadata_index_.emplace(metadata_[i].first, i);
    }
  }
  for (GgufTensor& tensor : header.tensors) {
    if (!tensor_index_.emplace(tensor.name, tensors_.size()).second) {
      return Status(StatusCode::kBadFile, "the tensor " + GgufQuote(tensor.name) +
                                              " is in two parts of the model; copy or download all parts again");
    }
    tensors_.push_back(std::move(tensor));
  }
  return Status();
}

Result<std::unique_ptr<GgufFile>> GgufFile::Open(const std::string& path) {
  std::unique_ptr<GgufFile> file(new GgufFile());
  Result<FileImage> image = FileImage::Open({path});
  if (!image.ok()) {
    return image.status();
  }
  file->image_ = std::move(image.value());
  Result<GgufHeader> header = ReadHeader(file->image_, 0);
  if (!header.ok()) {
    return header.status();
  }
  const auto located = [](const std::string& where, const Status& status) {
    return Status(status.code(), "\"" + where + "\": " + status.message());
  };
  const Result<SplitInfo> split = ReadSplitInfo(header.value());
  if (!split.ok()) {
    return located(path, split.status());
  }
  if (split.value().count == 1) {
    NIWAKI_RETURN_IF_ERROR(file->Adopt(std::move(header.value())));
    file->bytes_ = file->image_.bytes();
    return file;
  }
  const Result<std::vector<std::string>> paths = SplitPaths(path, split.value());
  if (!paths.ok()) {
    return located(path, paths.status());
  }
  image = FileImage::Open(paths.value());
  if (!image.ok()) {
    return image.status();
  }
  file->image_ = std::move(image.value());
  file->bytes_ = file->image_.bytes();
  for (size_t i = 0; i < paths.value().size(); ++i) {
    header = ReadHeader(file->image_, i);
    if (!header.ok()) {
      return header.status();
    }
    const std::string& part = paths.value()[i];
    const Result<SplitInfo> own = ReadSplitInfo(header.value());
    if (!own.ok()) {
      return located(part, own.status());
    }
    if (own.value().count != split.value().count || own.value().number != static_cast<int64_t>(i) ||
        own.value().tensors != split.value().tensors) {
      return located(part,
                     Status(StatusCode::kBadFile,
                            "the file's split.no, split.count or split.tensors.count does not fit its name or the "
                            "other parts; it belongs to another model or was renamed, get all parts again"));
    }
    const Status adopted = file->Adopt(std::move(header.value()));
    if (!adopted.ok()) {
      return located(part, adopted);
    }
  }
  if (split.value().tensors >= 0 && split.value().tensors != static_cast<int64_t>(file->tensors_.size())) {
    return located(
        path, Status(StatusCode::kBadFile, "split.tensors.count is " + std::to_string(split.value().tensors) +
                                               ", all parts together have " + std::to_string(file->tensors_.size()) +
                                               " tensors; copy or download all parts again"));
  }
  return file;
}

Result<std::unique_ptr<GgufFile>> GgufFile::Parse(std::span<const uint8_t> bytes) {
  Result<GgufHeader> header = ParseGguf(bytes, nullptr);
  if (!header.ok()) {
    return header.status();
  }
  const Result<SplitInfo> split = ReadSplitInfo(header.value());
  if (!split.ok()) {
    return split.status();
  }
  std::unique_ptr<GgufFile> file(new GgufFile());
  file->bytes_ = bytes;
  NIWAKI_RETURN_IF_ERROR(file->Adopt(std::move(header.value())));
  return file;
}

int64_t GgufFile::file_bytes() const {
  return image_.files() > 0 ? image_.file_bytes() : static_cast<int64_t>(bytes_.size());
}

const GgufValue* GgufFile::Find(std::string_view key) const {
  const auto found = metadata_index_.find(key);
  return found == metadata_index_.end() ? nullptr : &metadata_[found->second].second;
}

const GgufTensor* GgufFile::FindInfo(std::string_view name) const {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

const GgufTensor* GgufFile::FindTensor(std::string_view name) const {
  const GgufTensor* tensor = FindInfo(name);
  if (tensor != nullptr) {
    ReadData(*tensor);
  }
  return tensor;
}

void GgufFile::ReadData(const GgufTensor& tensor) const {
  for (size_t begin = 0; begin < tensor.data.size() && data_status_.ok(); begin += kReadStep) {
    const std::span<const uint8_t> part = tensor.data.subspan(begin, std::min(kReadStep, tensor.data.size() - begin));
    if (image_.files() > 0) {
      data_status_ = image_.Read(part);
    }
    if (data_status_.ok()) {
      data_status_ = CheckFinite(tensor, begin, part);
    }
  }
}

Result<const uint8_t*> GgufFile::ReadBlocks(const GgufTensor& tensor, size_t begin, std::span<uint8_t> into) const {
  const std::span<const uint8_t> part = tensor.data.subspan(begin, into.size());
  const bool there = image_.files() == 0;
  if (!there) {
    NIWAKI_RETURN_IF_ERROR(image_.ReadInto(part, into.data()));
  }
  const uint8_t* bytes = there ? part.data() : into.data();
  NIWAKI_RETURN_IF_ERROR(CheckFinite(tensor, begin, {bytes, part.size()}));
  return bytes;
}

Status GgufFile::CheckFinite(const GgufTensor& tensor, size_t begin, std::span<const uint8_t> bytes) const {
  if (FindNonFinite(tensor.type, bytes) < 0) {
    return Status();
  }
  const std::string where = image_.files() > 0 ? "\"" + image_.PathOf(tensor.data.data()) + "\": " : "";
  return Status(StatusCode::kBadFile, where + "the tensor " + GgufQuote(tensor.name) +
                                          " holds a value that is infinite or not a number, at byte " +
                                          std::to_string(begin) +
                                          " or after; the file is damaged or was written by a faulty tool, copy or "
                                          "download it again");
}

Status GgufFile::Check() const {
  // A changed file explains strange values, not the other way round.
  NIWAKI_RETURN_IF_ERROR(image_.Unchanged());
  return data_status_;
}

namespace {
Status Absent(std::string_view key) {
  return Status(StatusCode::kNotFound, "the file has no metadata value " + GgufQuote(key) +
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

}  // namespace niwaki
