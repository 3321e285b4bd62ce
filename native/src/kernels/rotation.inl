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

// Magnitudes are told apart by the middles between them. Comparisons are summed as integers, so any way of doing it
// gives the same indices.
template <int kHalf>
inline void CodeIndices(const float* y, int64_t n, const int32_t* magnitudes, float unit, float rms, uint8_t* indices) {
  float bounds[kHalf - 1];
  for (int i = 0; i + 1 < kHalf; ++i) {
    bounds[i] = static_cast<float>(magnitudes[i] + magnitudes[i + 1]) * 0.5f * unit * rms;
  }
  for (int64_t i = 0; i < n; ++i) {
    const float size = y[i] < 0 ? -y[i] : y[i];
    int32_t above = 0;
    for (int b = 0; b + 1 < kHalf; ++b) {
      above += size > bounds[b] ? 1 : 0;
    }
    indices[i] = static_cast<uint8_t>(y[i] < 0 ? kHalf - 1 - above : kHalf + above);
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
    CodeIndices<8>(y, n, kCodes4, kCodeUnit4, rms[0], indices);
  } else {
    CodeIndices<4>(y, n, kCodes3, kCodeUnit3, rms[0], indices);
  }
  const int half = 1 << (bits - 1);
  const int32_t* magnitudes = bits == 4 ? kCodes4 : kCodes3;
  for (int64_t i = 0; i < n; ++i) {
    const int index = indices[i];
    integers[i] = static_cast<float>(index >= half ? magnitudes[index - half] : -magnitudes[half - 1 - index]);
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
