// Vector operations (with matmul_rows.inl and attention.inl everything but the Q1_0 products), written once over a
// vector of eight floats (V8) and compiled into each table that includes this file: same operations in the same order,
// so the tables agree bit for bit. Includers define, in an anonymous namespace,
//   struct V8 with static Load, Splat, LoadF16, LoadBF16, LoadI8, SplatF16; Store, StoreF16; + - * /; MulAdd (a * b + c
//   with one rounding); Max; Round (to nearest even); Exp2Int (2^n for integral n)
//   a type V with as many lanes as suit the machine (V8 or V16) and V8 AddHalves(V8 sum, V v): sum + each eight lanes
//   of v in order
// before including it. Element i of a sum lives in lane i % 8; lanes are added as ((0+4)+(2+6)) + ((1+5)+(3+7)); a tail
// shorter than eight is padded with zeros.

inline float SumLanes(V8 v) {
  float l[8];
  v.Store(l);
  return ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
}

inline float MaxOf(float a, float b) { return a > b ? a : b; }

// exp(x) after Cephes' expf: x = n ln2 + r, |r| <= ln2 / 2, a polynomial of degree 6 in r, times 2^n. Below -87.3 it is
// 0, above 88.7 it saturates at exp(88.7). Error under 2 units in the last place (kernels_test measures it).
template <typename T>
inline T Exp(T x) {
  const T limited = T::Max(T::Min(x, T::Splat(88.7f)), T::Splat(-88.0f));
  const T n = T::Round(limited * T::Splat(1.44269504088896341f));
  T r = limited - n * T::Splat(0.693359375f);
  r = r - n * T::Splat(-2.12194440e-4f);
  T p = T::Splat(1.9875691500e-4f);
  p = p * r + T::Splat(1.3981999507e-3f);
  p = p * r + T::Splat(8.3334519073e-3f);
  p = p * r + T::Splat(4.1665795894e-2f);
  p = p * r + T::Splat(1.6666665459e-1f);
  p = p * r + T::Splat(5.0000001201e-1f);
  p = p * (r * r) + r + T::Splat(1.0f);
  const T y = p * T::Exp2Int(n);
  return T::ZeroWhereLess(x, T::Splat(-87.3f), y);
}

// The first n (< 8) values, the rest zero.
inline V8 LoadPart(const float* p, int64_t n) {
  float l[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  for (int64_t i = 0; i < n; ++i) {
    l[i] = p[i];
  }
  return V8::Load(l);
}
inline void StorePart(V8 v, float* p, int64_t n) {
  float l[8];
  v.Store(l);
  for (int64_t i = 0; i < n; ++i) {
    p[i] = l[i];
  }
}

void RmsNorm(const float* x, const float* weight, int64_t n, float eps, float* y) {
  V8 sum = V8::Splat(0);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const V8 v = V8::Load(x + i);
    sum = sum + v * v;
  }
  if (i < n) {
    const V8 v = LoadPart(x + i, n - i);
    sum = sum + v * v;
  }
  const V8 scale = V8::Splat(1.0f) / V8::Sqrt(V8::Splat(SumLanes(sum) / static_cast<float>(n) + eps));
  for (i = 0; i + 8 <= n; i += 8) {
    (V8::Load(x + i) * scale * V8::Load(weight + i)).Store(y + i);
  }
  if (i < n) {
    StorePart(LoadPart(x + i, n - i) * scale * LoadPart(weight + i, n - i), y + i, n - i);
  }
}

void RopeNeox(float* x, int64_t head_size, const float* cos, const float* sin) {
  const int64_t half = head_size / 2;
  int64_t i = 0;
  for (; i + 8 <= half; i += 8) {
    const V8 a = V8::Load(x + i);
    const V8 b = V8::Load(x + half + i);
    const V8 c = V8::Load(cos + i);
    const V8 s = V8::Load(sin + i);
    (a * c - b * s).Store(x + i);
    (b * c + a * s).Store(x + half + i);
  }
  for (; i < half; ++i) {
    const float a = x[i];
    const float b = x[half + i];
    x[i] = a * cos[i] - b * sin[i];
    x[half + i] = b * cos[i] + a * sin[i];
  }
}

template <typename T>
inline T SiluMul(T g, T u) {
  return g / (T::Splat(1.0f) + Exp(T::Splat(0) - g)) * u;
}

void SiluMulAll(float* gate, const float* up, int64_t n) {
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) {
    SiluMul(V::Load(gate + i), V::Load(up + i)).Store(gate + i);
  }
  for (; i + 8 <= n; i += 8) {
    SiluMul(V8::Load(gate + i), V8::Load(up + i)).Store(gate + i);
  }
  if (i < n) {
    StorePart(SiluMul(LoadPart(gate + i, n - i), LoadPart(up + i, n - i)), gate + i, n - i);
  }
}

void Add(float* x, const float* y, int64_t n) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    (V8::Load(x + i) + V8::Load(y + i)).Store(x + i);
  }
  for (; i < n; ++i) {
    x[i] += y[i];
  }
}

inline V8 LoadPartF16(const uint16_t* p, int64_t n) {
  uint16_t l[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  for (int64_t i = 0; i < n; ++i) {
    l[i] = p[i];
  }
  return V8::LoadF16(l);
}

void F32ToF16All(const float* x, int64_t n, uint16_t* y) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    V8::Load(x + i).StoreF16(y + i);
  }
  if (i < n) {
    uint16_t l[8];
    LoadPart(x + i, n - i).StoreF16(l);
    for (int64_t k = 0; i + k < n; ++k) {
      y[i + k] = l[k];
    }
  }
}

void F16ToF32All(const uint16_t* x, int64_t n, float* y) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    V8::LoadF16(x + i).Store(y + i);
  }
  if (i < n) {
    StorePart(LoadPartF16(x + i, n - i), y + i, n - i);
  }
}

// Here and not in the tables, because a formatter would sort them before this file.
#include "kernels/attention.inl"
#include "kernels/codes_streams.inl"
// After the streams, of which it is made.
#include "kernels/codes_attention.inl"
#include "kernels/matmul_rows.inl"
#include "kernels/rotation.inl"
