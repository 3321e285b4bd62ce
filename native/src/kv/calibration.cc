// The calibration as a file. Little-endian: "NKVC", version, layers, kv heads, head size (uint32 each), 32 characters
// of the model's fingerprint, means and scales (fp32), a byte a layer (1 = careful), CRC-32 of all before it.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "base/crc32.h"
#include "niwaki/kv.h"

namespace niwaki {
namespace {

constexpr char kMagic[4] = {'N', 'K', 'V', 'C'};
constexpr uint32_t kVersion = 1;
constexpr size_t kFingerprintBytes = 32;
constexpr size_t kHeaderBytes = 4 + 4 * 4 + kFingerprintBytes;

void Append(std::vector<uint8_t>* out, const void* data, size_t bytes) {
  const size_t at = out->size();
  out->resize(at + bytes);
  std::memcpy(out->data() + at, data, bytes);
}
uint32_t U32(const uint8_t* p) {
  uint32_t x;
  std::memcpy(&x, p, 4);
  return x;
}
size_t Values(const KvShape& shape) {
  return static_cast<size_t>(shape.layers) * static_cast<size_t>(shape.kv_heads) * static_cast<size_t>(shape.head_size);
}
Status Bad(const std::string& what) {
  return Status(StatusCode::kBadFile, "the KV calibration " + what + "; delete it and make it again");
}

}  // namespace

std::vector<uint8_t> SerializeKvCalibration(const KvCalibration& calibration, const KvShape& shape,
                                            std::string_view fingerprint) {
  std::vector<uint8_t> out;
  Append(&out, kMagic, sizeof kMagic);
  for (const uint32_t x : {kVersion, static_cast<uint32_t>(shape.layers), static_cast<uint32_t>(shape.kv_heads),
                           static_cast<uint32_t>(shape.head_size)}) {
    Append(&out, &x, 4);
  }
  std::string name(fingerprint.substr(0, kFingerprintBytes));
  name.resize(kFingerprintBytes, ' ');
  Append(&out, name.data(), name.size());
  Append(&out, calibration.key_mean.data(), calibration.key_mean.size() * 4);
  Append(&out, calibration.key_scale.data(), calibration.key_scale.size() * 4);
  std::vector<uint8_t> careful = calibration.careful;
  careful.resize(static_cast<size_t>(shape.layers));
  Append(&out, careful.data(), careful.size());
  const uint32_t crc = Crc32(out.data(), out.size());
  Append(&out, &crc, 4);
  return out;
}

Result<KvCalibration> ParseKvCalibration(const std::vector<uint8_t>& bytes, const KvShape& shape,
                                         std::string_view fingerprint) {
  if (bytes.size() < kHeaderBytes + 4 || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) {
    return Bad("is no calibration file");
  }
  if (U32(&bytes[bytes.size() - 4]) != Crc32(bytes.data(), bytes.size() - 4)) {
    return Bad("is damaged");
  }
  if (U32(&bytes[4]) != kVersion) {
    return Status(
        StatusCode::kUnsupported,
        "the KV calibration was made by another version of Niwaki; make it again with \"niwaki kv-calibrate\"");
  }
  const std::string_view name(reinterpret_cast<const char*>(&bytes[20]), kFingerprintBytes);
  if (U32(&bytes[8]) != static_cast<uint32_t>(shape.layers) ||
      U32(&bytes[12]) != static_cast<uint32_t>(shape.kv_heads) ||
      U32(&bytes[16]) != static_cast<uint32_t>(shape.head_size) || name != fingerprint ||
      bytes.size() != kHeaderBytes + Values(shape) * 8 + static_cast<size_t>(shape.layers) + 4) {
    return Status(StatusCode::kInvalidArgument,
                  "the KV calibration belongs to another model; make one for this model with \"niwaki kv-calibrate\"");
  }
  KvCalibration calibration;
  calibration.source = "text";
  calibration.key_mean.resize(Values(shape));
  calibration.key_scale.resize(Values(shape));
  std::memcpy(calibration.key_mean.data(), &bytes[kHeaderBytes], Values(shape) * 4);
  std::memcpy(calibration.key_scale.data(), &bytes[kHeaderBytes + Values(shape) * 4], Values(shape) * 4);
  const uint8_t* careful = &bytes[kHeaderBytes + Values(shape) * 8];
  calibration.careful.assign(careful, careful + shape.layers);
  if (std::any_of(calibration.careful.begin(), calibration.careful.end(), [](uint8_t x) { return x > 1; })) {
    return Bad("is damaged");
  }
  return calibration;
}

}  // namespace niwaki
