// The Walsh-Hadamard rotation, and vectors as integers. Included by vec_ops.inl.

// x [n] becomes H x / sqrt(n), n a power of two from 8 on; element i of H x is the sum of x[j] (-1)^popcount(i & j).
// Stages in falling order of distance; within a stage every element is one sum or difference of two.
inline void Hadamard(float* x, int64_t n) {
  for (int64_t half = n / 2; half >= 8; half /= 2) {
    for (int64_t begin = 0; begin < n; begin += 2 * half) {
      for (int64_t i = begin; i < begin + half; i += 8) {
        const V8 a = V8::Load(x + i);
        const V8 b = V8::Load(x + i + half);
        (a + b).Store(x + i);
        (a - b).Store(x + i + half);
      }
    }
  }
  const V8 scale = V8::Splat(1.0f) / V8::Sqrt(V8::Splat(static_cast<float>(n)));
  for (int64_t i = 0; i < n; i += 8) {
    (Hadamard8(V8::Load(x + i)) * scale).Store(x + i);
  }
}

void Rotate(const float* x, const float* mean, const float* factor, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += 8) {
    ((V8::Load(x + i) - V8::Load(mean + i)) * V8::Load(factor + i)).Store(y + i);
  }
  Hadamard(y, n);
}

void RotateBack(float* x, const float* factor, int64_t n) {
  Hadamard(x, n);
  for (int64_t i = 0; i < n; i += 8) {
    (V8::Load(x + i) * V8::Load(factor + i)).Store(x + i);
  }
}

inline float Largest(const float* x, int64_t n) {
  V8 most = V8::Splat(0);
  for (int64_t i = 0; i < n; i += 8) {
    const V8 v = V8::Load(x + i);
    most = V8::Max(V8::Max(v, V8::Splat(0) - v), most);
  }
  float lanes[8];
  most.Store(lanes);
  float largest = 0;
  for (float lane : lanes) {
    largest = MaxOf(lane, largest);
  }
  return largest;
}

// Magnitudes are told apart by the middles between them: each that an element reaches adds a step to its magnitude and
// one to its index. All of it is small integers, exact in floats.
template <int kBits>
inline void CodeIndices(const float* y, int64_t n, float rms, uint8_t* indices, float* integers) {
  constexpr int kHalf = 1 << (kBits - 1);
  constexpr const int32_t* kMagnitudes = kBits == 4 ? kCodes4 : kCodes3;
  constexpr float kUnit = kBits == 4 ? kCodeUnit4 : kCodeUnit3;
  const V zero = V::Splat(0);
  for (int64_t i = 0; i < n; i += V::kLanes) {
    const V x = V::Load(y + i);
    const V size = V::Max(x, zero - x);
    V above = V::Splat(0.5f);
    V magnitude = V::Splat(static_cast<float>(kMagnitudes[0]));
    for (int b = 0; b + 1 < kHalf; ++b) {
      const V bound = V::Splat(static_cast<float>(kMagnitudes[b] + kMagnitudes[b + 1]) * 0.5f * kUnit * rms);
      const float step = static_cast<float>(kMagnitudes[b + 1] - kMagnitudes[b]);
      above = above + V::ZeroWhereLess(size, bound, V::Splat(1));
      magnitude = magnitude + V::ZeroWhereLess(size, bound, V::Splat(step));
    }
    // Positive elements count upwards from the middle of the codebook, negative ones downwards.
    (V::ZeroWhereLess(x, zero, magnitude + magnitude) - magnitude).Store(integers + i);
    ToBytes(V::ZeroWhereLess(x, zero, above + above) - above + V::Splat(kHalf - 0.5f), indices + i);
  }
}

float QuantizeCode(const float* y, int64_t n, int bits, bool unbiased, uint8_t* indices) {
  float integers[kMostHeadSize];
  if (bits == 8) {
    const float largest = Largest(y, n);
    const float per_step = largest > 0 ? static_cast<float>(kCodeMost8) / largest : 0;
    for (int64_t i = 0; i < n; i += 8) {
      const V8 most = V8::Splat(static_cast<float>(kCodeMost8));
      const V8 v = V8::Round(V8::Load(y + i) * V8::Splat(per_step));
      V8::Max(V8::Min(v, most), V8::Splat(0) - most).Store(integers + i);
    }
    for (int64_t i = 0; i < n; ++i) {
      indices[i] = static_cast<uint8_t>(static_cast<int32_t>(integers[i]));
    }
    return largest / static_cast<float>(kCodeMost8);
  }
  V8 squares = V8::Splat(0);
  for (int64_t i = 0; i < n; i += 8) {
    squares = squares + V8::Load(y + i) * V8::Load(y + i);
  }
  const float energy = SumLanes(squares);
  float rms[8];
  V8::Sqrt(V8::Splat(energy / static_cast<float>(n))).Store(rms);
  if (bits == 4) {
    CodeIndices<4>(y, n, rms[0], indices, integers);
  } else {
    CodeIndices<3>(y, n, rms[0], indices, integers);
  }
  V8 dot = V8::Splat(0);
  V8 size = V8::Splat(0);
  for (int64_t i = 0; i < n; i += 8) {
    const V8 c = V8::Load(integers + i);
    dot = dot + V8::Load(y + i) * c;
    size = size + c * c;
  }
  const float along = SumLanes(dot);
  if (!(energy > 0) || !(along > 0)) {
    return 0;  // nothing to point at
  }
  return unbiased ? energy / along : along / SumLanes(size);
}

void QuantizeQuery(const float* q, int64_t n, int digits, int8_t* out, float* scale, int32_t* sum) {
  const float most = digits == 2 ? kQuerySteps2 : kQuerySteps1;
  const float largest = Largest(q, n);
  const float per_step = largest > 0 ? most / largest : 0;
  *scale = largest / most;
  int32_t total = 0;
  const V8 limit = V8::Splat(most);
  for (int64_t i = 0; i < n; i += 8) {
    float whole[8];
    V8::Max(V8::Min(V8::Round(V8::Load(q + i) * V8::Splat(per_step)), limit), V8::Splat(0) - limit).Store(whole);
    for (int64_t k = 0; k < 8; ++k) {
      const int32_t v = static_cast<int32_t>(whole[k]);
      total += v;
      if (digits == 2) {
        out[i + k] = static_cast<int8_t>(v >> 6);
        out[n + i + k] = static_cast<int8_t>(v & 63);
      } else {
        out[i + k] = static_cast<int8_t>(v);
      }
    }
  }
  *sum = total;
}
