// The basis that codes are made in. A key's score with a query stays what it is when the key is divided and the query
// multiplied by the same factors, channel by channel, and when both are rotated; and all scores of a query move by the
// same amount, which softmax does not see, when one vector is subtracted from every key. So keys lose their mean, their
// channels are made about as loud as they need to be, and a Walsh-Hadamard rotation with fixed signs spreads what is
// left over all elements. Factors and signs come in one multiplication, after RoPE: folding them into the norms'
// weights instead would save nothing, would have to treat the two channels of a RoPE pair alike, and would tie a
// model's weights to a codec.
#include <cmath>

#include "base/fingerprint.h"
#include "kv/cache.h"

namespace niwaki {

std::shared_ptr<const KvBasis> NewKvBasis(const KvShape& shape, const KvCalibration& calibration) {
  auto basis = std::make_shared<KvBasis>();
  const size_t size = static_cast<size_t>(shape.head_size);
  basis->zeros.assign(size, 0.0f);
  uint64_t state = 0;
  for (size_t i = 0; i < size; ++i) {
    // splitmix64 (Steele et al. 2014): the same signs everywhere, pinned by a test. Saved pages depend on them.
    uint64_t z = state += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    z ^= z >> 31;
    basis->signs.push_back((z & 1) != 0 ? 1.0f : -1.0f);
  }
  basis->key_mean = calibration.key_mean;
  for (size_t i = 0; i < calibration.key_scale.size(); ++i) {
    const float sign = basis->signs[i % size];
    basis->key_factor.push_back(sign / calibration.key_scale[i]);
    basis->query_factor.push_back(sign * calibration.key_scale[i]);
  }
  Fingerprint digest;
  for (const std::vector<float>* part : {&basis->key_mean, &basis->key_factor, &basis->query_factor, &basis->signs}) {
    digest.Add(part->data(), part->size() * sizeof(float));
  }
  basis->digest = digest.Hex();
  return basis;
}

}  // namespace niwaki
