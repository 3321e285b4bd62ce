#include "codecs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "base/f16.h"
#include "quant/kv_codes.h"

namespace niwaki::kvbench {
namespace {

using Codes = SideCodec::Codes;
using Rotation = SideCodec::Rotation;
using Vector = std::vector<double>;

double Half(double value) { return F16ToF32(F32ToF16(static_cast<float>(value))); }

double Dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

void Hadamard(Vector& x) {
  const size_t n = x.size();
  for (size_t half = 1; half < n; half *= 2) {
    for (size_t begin = 0; begin < n; begin += 2 * half) {
      for (size_t i = begin; i < begin + half; ++i) {
        const double a = x[i];
        const double b = x[i + half];
        x[i] = a + b;
        x[i + half] = a - b;
      }
    }
  }
  for (double& value : x) {
    value /= std::sqrt(static_cast<double>(n));
  }
}

// Magnitudes of a symmetric codebook, in root mean squares of the vector.
std::vector<double> Codebook(Codes codes) {
  std::vector<double> levels;
  switch (codes) {
    case Codes::k4:
      for (const int32_t code : kCodes4) {
        levels.push_back(code * static_cast<double>(kCodeUnit4));
      }
      return levels;
    case Codes::k3:
    case Codes::kQjlGauss:
    case Codes::kQjlOrthogonal:
      for (const int32_t code : kCodes3) {
        levels.push_back(code * static_cast<double>(kCodeUnit3));
      }
      return levels;
    case Codes::k2:
      return {0.4528, 1.5104};  // Lloyd-Max for a Gaussian
    default:
      for (int i = 0; i < 8; ++i) {
        levels.push_back((i + 0.5) * 0.3352);  // the best uniform one for a Gaussian (Max 1960)
      }
      return levels;
  }
}

// y by its codebook, in steps of the codebook's unit.
Vector Nearest(const Vector& y, const std::vector<double>& levels) {
  const double rms = std::sqrt(Dot(y, y) / static_cast<double>(y.size()));
  Vector c(y.size());
  for (size_t i = 0; i < y.size(); ++i) {
    size_t at = 0;
    while (at + 1 < levels.size() && std::fabs(y[i]) > (levels[at] + levels[at + 1]) / 2 * rms) {
      ++at;
    }
    c[i] = y[i] < 0 ? -levels[at] : levels[at];
  }
  return c;
}

Vector Scaled(const Vector& c, double scale) {
  Vector out(c.size());
  for (size_t i = 0; i < c.size(); ++i) {
    out[i] = c[i] * scale;
  }
  return out;
}

Vector ByCodebook(const Vector& y, Codes codes, bool unbiased) {
  const Vector c = Nearest(y, Codebook(codes));
  const double along = Dot(y, c);
  if (!(along > 0)) {
    return Vector(y.size(), 0.0);
  }
  return Scaled(c, Half(unbiased ? Dot(y, y) / along : along / Dot(c, c)));
}

// llama.cpp's q4_0: blocks of 32, the element of the largest magnitude is -8 steps.
Vector Blocks4(const Vector& y) {
  constexpr size_t kBlock = 32;
  Vector out(y.size());
  for (size_t begin = 0; begin < y.size(); begin += kBlock) {
    const size_t end = std::min(y.size(), begin + kBlock);
    double loudest = 0;
    for (size_t i = begin; i < end; ++i) {
      loudest = std::fabs(y[i]) > std::fabs(loudest) ? y[i] : loudest;
    }
    const double step = loudest / -8;
    const double stored = Half(step);
    for (size_t i = begin; i < end; ++i) {
      const double code = step == 0 ? 8 : std::clamp(std::floor(y[i] / step + 8.5), 0.0, 15.0);
      out[i] = (code - 8) * stored;
    }
  }
  return out;
}

// 16 levels from the least to the largest of `count` values that lie `stride` apart (KIVI: Liu et al. 2024).
void Asymmetric4(double* values, int64_t count, int64_t stride) {
  double least = values[0];
  double most = values[0];
  for (int64_t i = 0; i < count; ++i) {
    least = std::min(least, values[i * stride]);
    most = std::max(most, values[i * stride]);
  }
  const double zero = Half(least);
  const double step = Half((most - zero) / 15);
  for (int64_t i = 0; i < count; ++i) {
    double& value = values[i * stride];
    value = step > 0 ? std::clamp(std::nearbyint((value - zero) / step), 0.0, 15.0) * step + zero : zero;
  }
}

// A random matrix for the signs of the residual: rows Gaussian, or made orthogonal and as long as Gaussian ones are.
std::vector<Vector> RandomRows(size_t n, bool orthogonal) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal;
  std::vector<Vector> rows(n, Vector(n));
  for (size_t r = 0; r < n; ++r) {
    for (double& value : rows[r]) {
      value = normal(random);
    }
    if (orthogonal) {
      for (size_t s = 0; s < r; ++s) {
        const double along = Dot(rows[r], rows[s]) / static_cast<double>(n);
        for (size_t i = 0; i < n; ++i) {
          rows[r][i] -= along * rows[s][i];
        }
      }
      rows[r] = Scaled(rows[r], std::sqrt(static_cast<double>(n) / Dot(rows[r], rows[r])));
    }
  }
  return rows;
}

class Side {
 public:
  Side(const SideCodec& codec, bool keys, const KvShape& shape, const KvBasis& basis, const KvCalibration& calibration)
      : codec_(codec),
        keys_(keys),
        size_(static_cast<size_t>(shape.head_size)),
        basis_(basis),
        calibration_(calibration) {
    if (codec.codes == Codes::kQjlGauss || codec.codes == Codes::kQjlOrthogonal) {
      projections_ = RandomRows(size_, codec.codes == Codes::kQjlOrthogonal);
    }
  }

  void Seal(size_t head, int64_t first, float* vectors) const {
    const int64_t count = KvCache::kPageTokens - first;
    const int64_t size = static_cast<int64_t>(size_);
    float* from = vectors + first * size;
    std::vector<Vector> all;
    for (int64_t j = 0; j < count; ++j) {
      all.push_back(Forwards(head, from + j * size));
    }
    if (codec_.codes == Codes::kChannels4) {
      Vector page;
      for (const Vector& y : all) {
        page.insert(page.end(), y.begin(), y.end());
      }
      for (int64_t i = 0; i < size; ++i) {
        Asymmetric4(page.data() + i, count, size);
      }
      for (int64_t j = 0; j < count; ++j) {
        all[static_cast<size_t>(j)].assign(page.begin() + j * size, page.begin() + (j + 1) * size);
      }
    } else {
      for (Vector& y : all) {
        y = Coded(y);
      }
    }
    for (int64_t j = 0; j < count; ++j) {
      Backwards(head, all[static_cast<size_t>(j)], from + j * size);
    }
  }

 private:
  double Mean(size_t head, size_t i) const {
    return keys_ && codec_.mean ? calibration_.key_mean[head * size_ + i] : 0;
  }
  double Scale(size_t head, size_t i) const {
    return keys_ && codec_.scale ? calibration_.key_scale[head * size_ + i] : 1;
  }
  double Sign(size_t i) const { return codec_.rotation == Rotation::kSigned ? basis_.signs[i] : 1; }

  Vector Forwards(size_t head, const float* x) const {
    Vector y(size_);
    for (size_t i = 0; i < size_; ++i) {
      y[i] = (x[i] - Mean(head, i)) / Scale(head, i) * Sign(i);
    }
    if (codec_.rotation != Rotation::kNone) {
      Hadamard(y);
    }
    return y;
  }
  void Backwards(size_t head, Vector y, float* x) const {
    if (codec_.rotation != Rotation::kNone) {
      Hadamard(y);
    }
    for (size_t i = 0; i < size_; ++i) {
      x[i] = static_cast<float>(y[i] * Sign(i) * Scale(head, i) + Mean(head, i));
    }
  }

  Vector Coded(const Vector& y) const {
    switch (codec_.codes) {
      case Codes::kBlocks4:
        return Blocks4(y);
      case Codes::kTokens4: {
        Vector out = y;
        Asymmetric4(out.data(), static_cast<int64_t>(out.size()), 1);
        return out;
      }
      case Codes::kQjlGauss:
      case Codes::kQjlOrthogonal:
        return WithSigns(y);
      default:
        return ByCodebook(y, codec_.codes, keys_);
    }
  }

  // TurboQuant's second algorithm: three bits, and the signs of random projections of what they leave.
  Vector WithSigns(const Vector& y) const {
    Vector out = ByCodebook(y, codec_.codes, false);
    Vector rest(size_);
    for (size_t i = 0; i < size_; ++i) {
      rest[i] = y[i] - out[i];
    }
    const double n = static_cast<double>(size_);
    const double factor = std::sqrt(std::acos(-1.0) / 2) / n * Half(std::sqrt(Dot(rest, rest)));
    for (const Vector& row : projections_) {
      const double sign = Dot(row, rest) < 0 ? -1 : 1;
      for (size_t i = 0; i < size_; ++i) {
        out[i] += factor * sign * row[i];
      }
    }
    return out;
  }

  const SideCodec codec_;
  const bool keys_;
  const size_t size_;
  const KvBasis& basis_;
  const KvCalibration& calibration_;
  std::vector<Vector> projections_;
};

class Simulated final : public PageCodec {
 public:
  Simulated(const CodecPlan& plan, const KvShape& shape, const KvBasis& basis, const KvCalibration& calibration)
      : keys_(plan.keys, true, shape, basis, calibration),
        values_(plan.values, false, shape, basis, calibration),
        size_(shape.head_size) {}
  void Seal(int64_t head, int64_t first, float* keys, float* values) const override {
    keys_.Seal(static_cast<size_t>(head), first, keys);
    values_.Seal(static_cast<size_t>(head), first, values);
  }

 private:
  const Side keys_;
  const Side values_;
  const int32_t size_;
};

double SideBits(const SideCodec& codec, double size) {
  switch (codec.codes) {
    case Codes::k2:
      return 2 + 16 / size;
    case Codes::k3:
      return 3 + 16 / size;
    case Codes::kBlocks4:
      return 4 + 16 / 32.0;
    case Codes::kQjlGauss:
    case Codes::kQjlOrthogonal:
    case Codes::kTokens4:
      return 4 + 32 / size;
    case Codes::kChannels4:
      return 4 + 32.0 / KvCache::kPageTokens;
    default:
      return 4 + 16 / size;
  }
}

}  // namespace

double PlanBits(const CodecPlan& plan, int32_t head_size) {
  return (SideBits(plan.keys, head_size) + SideBits(plan.values, head_size)) / 2;
}

std::shared_ptr<const PageCodec> NewSimulated(const CodecPlan& plan, const KvShape& shape, const KvBasis& basis,
                                              const KvCalibration& calibration) {
  return std::make_shared<Simulated>(plan, shape, basis, calibration);
}

std::vector<NamedPlan> SimulatedCodecs() {
  const SideCodec ours;
  const auto keys = [&](auto change) {
    CodecPlan plan = {ours, ours};
    change(plan.keys);
    return plan;
  };
  const auto both = [&](auto change) {
    CodecPlan plan = {ours, ours};
    change(plan.keys);
    change(plan.values);
    return plan;
  };
  const SideCodec blocks = {false, false, Rotation::kHadamard, Codes::kBlocks4};
  const SideCodec blocks_mean = {true, false, Rotation::kHadamard, Codes::kBlocks4};
  const SideCodec channels = {false, false, Rotation::kNone, Codes::kChannels4};
  const SideCodec tokens = {false, false, Rotation::kNone, Codes::kTokens4};
  return {
      {"sim-kv4", "kv4, simulated", {ours, ours}, false},
      {"no-mean", "kv4 without taking the mean out", keys([](SideCodec& c) { c.mean = false; }), true},
      {"no-fold", "kv4 without channel scales", keys([](SideCodec& c) { c.scale = false; }), true},
      {"no-rotation", "kv4 without rotation", both([](SideCodec& c) { c.rotation = Rotation::kNone; }), true},
      {"plain", "kv4 with rotation alone (plain TurboQuant)", keys([](SideCodec& c) { c.mean = c.scale = false; }),
       false},
      {"qjl-gauss", "keys of 3 bits + QJL, Gaussian", keys([](SideCodec& c) { c.codes = Codes::kQjlGauss; }), true},
      {"qjl-orth", "keys of 3 bits + QJL, orthogonal", keys([](SideCodec& c) { c.codes = Codes::kQjlOrthogonal; }),
       true},
      {"uniform", "kv4 with a uniform quantiser", both([](SideCodec& c) { c.codes = Codes::kUniform4; }), true},
      {"q4_0-h", "q4_0 after Hadamard (llama.cpp)", {blocks, blocks}, true},
      {"q4_0-hm", "q4_0 after Hadamard and mean (PrismML)", {blocks_mean, blocks}, false},
      {"kivi4", "KIVI, 4 bits", {channels, tokens}, true},
      {"k2v2", "2 bits: must fail", both([](SideCodec& c) { c.codes = Codes::k2; }), false},
  };
}

}  // namespace niwaki::kvbench
