// Numbers for tests: the same on every machine and with every standard library. Only *_test.cc files include it.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace niwaki::testing {

// xorshift64* (Vigna 2016).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}
  uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 2685821657736338717ull;
  }
  // In [0, n).
  int64_t Below(int64_t n) { return static_cast<int64_t>((Next() >> 11) % static_cast<uint64_t>(n)); }
  // In (0, 1).
  double Unit() { return (static_cast<double>(Next() >> 11) + 0.5) * 0x1.0p-53; }
  float Uniform() { return static_cast<float>(2 * Unit() - 1); }
  // Box and Muller 1958.
  float Gauss() { return static_cast<float>(std::sqrt(-2 * std::log(Unit())) * std::cos(6.283185307179586 * Unit())); }
  float Laplace() {
    const double u = Unit() - 0.5;
    return static_cast<float>((u < 0 ? 1 : -1) * std::log(1 - 2 * std::fabs(u)));
  }

 private:
  uint64_t state_;
};

template <typename Draw>
std::vector<float> Floats(int64_t n, Draw draw) {
  std::vector<float> out(static_cast<size_t>(n));
  for (float& x : out) {
    x = draw();
  }
  return out;
}

// Equal bit patterns, where all NaNs count as one.
inline bool SameValues(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i], &b[i], sizeof(float)) != 0 && !(std::isnan(a[i]) && std::isnan(b[i]))) {
      return false;
    }
  }
  return true;
}

// ||got - want|| / ||want||
inline double RelativeError(const std::vector<float>& got, const std::vector<float>& want) {
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double difference = static_cast<double>(got[i]) - static_cast<double>(want[i]);
    error += difference * difference;
    size += static_cast<double>(want[i]) * static_cast<double>(want[i]);
  }
  return size > 0 ? std::sqrt(error / size) : std::sqrt(error);
}

}  // namespace niwaki::testing
