// Passes over logits, a block at a time: plain loops that compilers turn into vector instructions on every machine, and
// that give the same bits on all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

namespace niwaki {

// Logits that are looked at together: a few of them fit into the first-level cache, and what is kept for each block of
// a large vocabulary is small.
inline constexpr size_t kLogitBlock = 256;
// Sums and maxima run in this many lanes; one would wait for itself.
inline constexpr size_t kLogitLanes = 16;

// The largest of x; what is not a number does not count. -infinity when nothing does.
inline float MaxOf(const float* x, size_t n) {
  float lanes[kLogitLanes];
  for (float& lane : lanes) {
    lane = -std::numeric_limits<float>::infinity();
  }
  size_t i = 0;
  for (; i + kLogitLanes <= n; i += kLogitLanes) {
    for (size_t j = 0; j < kLogitLanes; ++j) {
      lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
    }
  }
  float best = -std::numeric_limits<float>::infinity();
  for (; i < n; ++i) {
    best = x[i] > best ? x[i] : best;
  }
  for (const float lane : lanes) {
    best = lane > best ? lane : best;
  }
  return best;
}

// y[i] = exp((x[i] - top) * scale), where that is at most 1; 0 below e^-87, and for what is not a number. Within 2
// units in the last place (Cody and Waite's reduction, the polynomial of Cephes).
inline void ExpInto(const float* x, size_t n, float top, float scale, float* y) {
  // Two loops, and a mask below: compilers make branches of one loop with a choice, and no vectors.
  constexpr float kLeast = -87.0f;
  for (size_t i = 0; i < n; ++i) {
    const float t = (x[i] - top) * scale;
    y[i] = t > kLeast ? t : kLeast;
  }
  for (size_t i = 0; i < n; ++i) {
    const float t = y[i];
    constexpr float kRound = 12582912.0f;  // adding it leaves no bits for a fraction
    const float exponent = (t * 1.44269504088896341f + kRound) - kRound;
    const float r = (t - exponent * 0.693359375f) - exponent * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    const float e = (p * (r * r) + r) + 1.0f;
    const int32_t keep = t > kLeast ? -1 : 0;
    const int32_t bits = ((static_cast<int32_t>(exponent) + 127) * (1 << 23)) & keep;
    float power;
    std::memcpy(&power, &bits, sizeof(power));
    y[i] = e * power;
  }
}

// The sum of at most a block.
inline double SumOf(const float* x, size_t n) {
  float lanes[kLogitLanes] = {};
  size_t i = 0;
  for (; i + kLogitLanes <= n; i += kLogitLanes) {
    for (size_t j = 0; j < kLogitLanes; ++j) {
      lanes[j] += x[i + j];
    }
  }
  double sum = 0;
  for (; i < n; ++i) {
    sum += static_cast<double>(x[i]);
  }
  for (const float lane : lanes) {
    sum += static_cast<double>(lane);
  }
  return sum;
}

}  // namespace niwaki
