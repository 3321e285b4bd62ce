// Metadata values as vectors and as text.
#include <cstdio>
#include <type_traits>

#include "gguf/gguf.h"
#include "gguf/value_types.h"

namespace niwaki {
namespace {

const char* ValueTypeName(uint32_t type) {
  static const char* const names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                      "bool", "string", "array", "u64", "i64", "f64"};
  return type <= kF64 ? names[type] : "unknown";
}

template <typename Out, typename In>
void AppendAll(const GgufArray& array, std::vector<Out>* out) {
  out->reserve(static_cast<size_t>(array.count));
  for (uint64_t i = 0; i < array.count; ++i) {
    out->push_back(static_cast<Out>(ReadAt<In>(array.data + i * sizeof(In))));
  }
}

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

template <typename In>
std::string JoinNumbers(const GgufArray& array) {
  std::string out = "[";
  for (uint64_t i = 0; i < array.count; ++i) {
    const In value = ReadAt<In>(array.data + i * sizeof(In));
    out += i == 0 ? "" : ", ";
    if constexpr (std::is_floating_point_v<In>) {
      out += Number(static_cast<double>(value));
    } else {
      out += std::to_string(value);
    }
  }
  return out + "]";
}

std::string ArrayText(const GgufArray& array) {
  if (array.count <= 8) {
    switch (array.element_type) {
      case kU8:
      case kBool:
        return JoinNumbers<uint8_t>(array);
      case kI8:
        return JoinNumbers<int8_t>(array);
      case kU16:
        return JoinNumbers<uint16_t>(array);
      case kI16:
        return JoinNumbers<int16_t>(array);
      case kU32:
        return JoinNumbers<uint32_t>(array);
      case kI32:
        return JoinNumbers<int32_t>(array);
      case kU64:
        return JoinNumbers<uint64_t>(array);
      case kI64:
        return JoinNumbers<int64_t>(array);
      case kF32v:
        return JoinNumbers<float>(array);
      case kF64:
        return JoinNumbers<double>(array);
      default:
        break;
    }
  }
  std::string out = "[";
  out += std::to_string(array.count);
  out += ' ';
  out += array.element_type == kString ? "strings" : ValueTypeName(array.element_type);
  return out + "]";
}

}  // namespace

Result<std::vector<std::string_view>> GgufStrings(const GgufArray& array) {
  if (array.element_type != kString) {
    return Status(StatusCode::kBadFile, "an array that should hold strings holds elements of another type");
  }
  std::vector<std::string_view> out;
  out.reserve(static_cast<size_t>(array.count));
  const uint8_t* p = array.data;  // lengths were checked by the parser
  for (uint64_t i = 0; i < array.count; ++i) {
    const uint64_t length = ReadAt<uint64_t>(p);
    out.emplace_back(reinterpret_cast<const char*>(p + 8), static_cast<size_t>(length));
    p += 8 + length;
  }
  return out;
}

Result<std::vector<int32_t>> GgufInts(const GgufArray& array) {
  if (array.element_type != kI32 && array.element_type != kU32) {
    return Status(StatusCode::kBadFile, "an array that should hold 32-bit integers holds elements of another type");
  }
  std::vector<int32_t> out;
  AppendAll<int32_t, int32_t>(array, &out);
  return out;
}

Result<std::vector<float>> GgufFloats(const GgufArray& array) {
  if (array.element_type != kF32v) {
    return Status(StatusCode::kBadFile, "an array that should hold 32-bit floats holds elements of another type");
  }
  std::vector<float> out;
  AppendAll<float, float>(array, &out);
  return out;
}

std::string GgufValueText(const GgufValue& value) {
  if (const bool* b = std::get_if<bool>(&value)) {
    return *b ? "true" : "false";
  }
  if (const int64_t* i = std::get_if<int64_t>(&value)) {
    return std::to_string(*i);
  }
  if (const uint64_t* u = std::get_if<uint64_t>(&value)) {
    return std::to_string(*u);
  }
  if (const double* d = std::get_if<double>(&value)) {
    return Number(*d);
  }
  if (const std::string_view* s = std::get_if<std::string_view>(&value)) {
    return std::string(*s);
  }
  return ArrayText(std::get<GgufArray>(value));
}

}  // namespace niwaki
