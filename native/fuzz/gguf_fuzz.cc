// Any bytes as a GGUF file: the header is read, all that it claims to hold is looked at, and it is judged as a model.
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "gguf/finite.h"
#include "gguf/gguf.h"
#include "model/config.h"
#include "model/rope.h"
#include "model/weights.h"

namespace {

// Reads every byte of a value, so that the address sanitizer sees each.
uint64_t Sum(const uint8_t* data, uint64_t size) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < size; ++i) {
    sum += data[i];
  }
  return sum;
}

uint64_t Look(const niwaki::GgufValue& value) {
  uint64_t sum = niwaki::GgufValueText(value).size();
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    sum += Sum(reinterpret_cast<const uint8_t*>(text->data()), text->size());
  }
  if (const auto* array = std::get_if<niwaki::GgufArray>(&value)) {
    sum += Sum(array->data, array->bytes);
    const auto strings = niwaki::GgufStrings(*array);
    if (strings.ok()) {
      for (const std::string_view text : strings.value()) {
        sum += Sum(reinterpret_cast<const uint8_t*>(text.data()), text.size());
      }
    }
    const auto ints = niwaki::GgufInts(*array);
    const auto floats = niwaki::GgufFloats(*array);
    sum += (ints.ok() ? ints.value().size() : 0) + (floats.ok() ? floats.value().size() : 0);
  }
  return sum;
}

void Require(bool condition) {
  if (!condition) {
    __builtin_trap();
  }
}

// A refusal says something, and says what to do.
void RequireReason(const niwaki::Status& status) { Require(status.message().find("; ") != std::string::npos); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = niwaki::GgufFile::Parse({data, size});
  if (!parsed.ok()) {
    RequireReason(parsed.status());
    return 0;
  }
  const niwaki::GgufFile& file = *parsed.value();
  volatile uint64_t sink = 0;
  for (const auto& [key, value] : file.metadata()) {
    Require(file.Find(key) == &value);
    sink = sink + Look(value);
  }
  for (const niwaki::GgufTensor& tensor : file.tensors()) {
    const niwaki::GgufTensor* found = file.FindTensor(tensor.name);
    Require(found == &tensor && tensor.elements() > 0);
    Require(tensor.data.empty() || (tensor.data.data() >= data && tensor.data.size() <= size));
    sink = sink + Sum(tensor.data.data(), tensor.data.size());
  }
  const auto config = niwaki::ReadConfig(file);
  if (!config.ok()) {
    RequireReason(config.status());
    return 0;
  }
  const niwaki::Status tensors = niwaki::CheckTensors(file, config.value());
  if (!tensors.ok()) {
    RequireReason(tensors);
  }
  const niwaki::RopeTable table(config.value().rope, config.value().head_size);
  float cos[128];
  float sin[128];
  table.Fill(config.value().context_length - 1, 1, 128, cos, sin);
  for (int32_t i = 0; i < config.value().head_size / 2; ++i) {
    Require(cos[i] == cos[i] && sin[i] == sin[i]);
  }
  sink = sink + static_cast<uint64_t>(niwaki::WeightBytes(file));
  return 0;
}
