// Keys and values as codes. Every vector is moved into a basis in which its elements look Gaussian (kv/basis.cc), and
// kept there: the first tokens and those of the page at hand in half precision, all others as codes of a few bits, in
// pages laid out as attention reads them (quant/kv_codes.h). A page is sealed, turned into codes, when the first token
// of the next one comes. Which tokens are codes for a query depends on the query's position alone, so results do not
// depend on how tokens arrived.
#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/aligned.h"
#include "kv/cache.h"

namespace niwaki {
namespace {

// Attention sinks (Xiao et al. 2023): much of all attention goes to the first tokens, so these stay in half precision.
// As many as lie in one group of keys (kKeyGroup).
constexpr int64_t kSinks = kKeyGroup;
// The last sealed page is also kept in half precision until the page at hand has so many tokens: a rejected draft, or
// another continuation after a suggestion, may take back a few tokens across the border.
constexpr int64_t kRetained = 64;
// Code pages are allocated in slabs, so that huge pages cover small ones too; the system gives memory as it is touched.
constexpr int64_t kSlabBytes = int64_t{32} << 20;

constexpr int64_t kPage = KvCache::kPageTokens;

struct PageLayout {
  std::vector<CodePageLayout> layers;
  std::vector<int64_t> offsets;  // of a layer's first head
  int64_t bytes = 0;
};
PageLayout MakeLayout(const KvShape& shape, const std::vector<KvCodec>& codecs) {
  PageLayout layout;
  for (const KvCodec& codec : codecs) {
    layout.layers.push_back({static_cast<int>(codec.keys), static_cast<int>(codec.values), shape.head_size});
    layout.offsets.push_back(layout.bytes);
    layout.bytes += layout.layers.back().bytes() * shape.kv_heads;
  }
  return layout;
}

class CodedKvCache final : public KvCache {
 public:
  CodedKvCache(const KvShape& shape, int64_t max_tokens, const std::vector<KvCodec>& codecs,
               std::shared_ptr<const KvBasis> basis, const KernelTable& kernels)
      : shape_(shape),
        max_tokens_(max_tokens),
        layout_(MakeLayout(shape, codecs)),
        basis_(std::move(basis)),
        kernels_(kernels) {
    const int64_t most_pages = std::max<int64_t>(1, (max_tokens + kPage - 1) / kPage);
    slab_pages_ = std::clamp<int64_t>(kSlabBytes / layout_.bytes, 1, most_pages);
  }

  Status Prepare(int64_t begin, int64_t end, ThreadPool& pool, const std::atomic<bool>* cancel) override {
    if (end > max_tokens_) {
      return Overflow(end, max_tokens_);
    }
    const int64_t page = begin / kPage;
    if (tail_.bytes() == 0) {
      tail_ = AlignedBuffer(static_cast<size_t>(TailBytes()));
      if (tail_.bytes() == 0) {
        return NoMemory(TailBytes());
      }
      tail_page_ = page;
    }
    if (page > tail_page_) {  // the page at hand is full
      AlignedBuffer next(static_cast<size_t>(TailBytes()));
      if (next.bytes() == 0) {
        return NoMemory(TailBytes());
      }
      NIWAKI_RETURN_IF_ERROR(Seal(pool, cancel));
      retained_ = std::exchange(tail_, std::move(next));
      tail_page_ = page;
    } else {
      tail_page_ = page;  // after a truncation it may be an earlier one
    }
    if (end - page * kPage > kRetained) {
      retained_ = AlignedBuffer();
    }
    return Status();
  }

  void Store(int32_t layer, int32_t kv_head, int64_t position, const float* k, const float* v) override {
    const int64_t size = shape_.head_size;
    const int64_t slot = position % kPage;
    const int64_t head = Head(layer, kv_head);
    float rotated[kMostHeadSize];
    uint16_t half[kMostHeadSize];
    uint16_t* keys = Tail(tail_, head);
    kernels_.rotate(k, &basis_->key_mean[At(head)], &basis_->key_factor[At(head)], size, rotated);
    Limit(rotated, size);
    kernels_.f32_to_f16(rotated, size, half);
    for (int64_t i = 0; i < size; ++i) {
      keys[KeyIndex(i, slot, size)] = half[i];
    }
    kernels_.rotate(v, basis_->zeros.data(), basis_->signs.data(), size, rotated);
    Limit(rotated, size);
    kernels_.f32_to_f16(rotated, size, keys + kPage * size + slot * size);
  }

  void Attend(int32_t layer, int32_t kv_head, const AttendQueries& queries, int64_t length,
              const std::atomic<bool>* cancel) const override {
    const int64_t heads = std::min<int64_t>(queries.group, kMaxRows);
    const int64_t tokens = kMaxRows / heads;
    for (int64_t t = 0; t < queries.tokens; t += tokens) {
      for (int64_t g = 0; g < queries.group; g += heads) {
        AttendQueries part = queries;
        const int64_t head = g * shape_.head_size;
        part.q += t * queries.q_stride + head;
        part.out += t * queries.out_stride + head;
        part.tokens = std::min(tokens, queries.tokens - t);
        part.group = std::min(heads, queries.group - g);
        AttendPart(layer, kv_head, part, length + t, cancel);
      }
    }
  }

  int64_t Truncate(int64_t tokens) override {
    const int64_t begin = tail_page_ * kPage;
    if (tail_.bytes() == 0 || tokens >= begin) {
      return tokens;
    }
    if (retained_.bytes() != 0 && tokens >= begin - kPage) {
      tail_ = std::exchange(retained_, AlignedBuffer());
      --tail_page_;
      return tokens;
    }
    retained_ = AlignedBuffer();
    tail_page_ = tokens / kPage;
    return tail_page_ * kPage;
  }

  int64_t allocated_bytes() const override {
    return used_pages_ * layout_.bytes + static_cast<int64_t>(tail_.bytes() + retained_.bytes() + sinks_.bytes());
  }

 private:
  static constexpr int64_t kMaxRows = 64;  // queries whose state is kept at once

  int64_t Head(int32_t layer, int32_t kv_head) const { return static_cast<int64_t>(layer) * shape_.kv_heads + kv_head; }
  size_t At(int64_t head) const { return static_cast<size_t>(head * shape_.head_size); }
  int64_t TailBytes() const { return BytesPerTokenF16(shape_) * kPage; }
  // Keys of a head in a page of halves, values follow: [layer][kv head][keys, values 128 x head_size].
  uint16_t* Tail(const AlignedBuffer& tail, int64_t head) const {
    return tail.as<uint16_t>() + head * 2 * kPage * shape_.head_size;
  }
  // The same for the first kSinks tokens.
  uint16_t* Sinks(int64_t head) const { return sinks_.as<uint16_t>() + head * 2 * kSinks * shape_.head_size; }
  uint8_t* Codes(int64_t page, int32_t layer, int32_t kv_head) const {
    return slabs_[static_cast<size_t>(page / slab_pages_)].data() + page % slab_pages_ * layout_.bytes +
           layout_.offsets[static_cast<size_t>(layer)] + kv_head * layout_.layers[static_cast<size_t>(layer)].bytes();
  }

  // A rotation may gather a vector in one element, which half precision has no room for, though it had for all before.
  static void Limit(float* x, int64_t n) {
    constexpr float kMost = 65504;
    for (int64_t i = 0; i < n; ++i) {
      x[i] = std::clamp(x[i], -kMost, kMost);
    }
  }

  // Turns the page at hand into codes. What a cancelled call has written is written again by the next one.
  Status Seal(ThreadPool& pool, const std::atomic<bool>* cancel) {
    if (tail_page_ / slab_pages_ >= static_cast<int64_t>(slabs_.size())) {
      AlignedBuffer slab(static_cast<size_t>(slab_pages_ * layout_.bytes));
      if (slab.bytes() == 0) {
        return NoMemory(slab_pages_ * layout_.bytes);
      }
      slabs_.push_back(std::move(slab));
    }
    if (tail_page_ == 0 && sinks_.bytes() == 0) {
      sinks_ = AlignedBuffer(static_cast<size_t>(BytesPerTokenF16(shape_) * kSinks));
      if (sinks_.bytes() == 0) {
        return NoMemory(BytesPerTokenF16(shape_) * kSinks);
      }
    }
    used_pages_ = std::max(used_pages_, tail_page_ + 1);
    const auto cancelled = [cancel] { return cancel != nullptr && cancel->load(std::memory_order_relaxed); };
    pool.ParallelFor(int64_t{shape_.layers} * shape_.kv_heads, [&](int64_t head, int) {
      if (!cancelled()) {
        SealHead(static_cast<int32_t>(head / shape_.kv_heads), static_cast<int32_t>(head % shape_.kv_heads));
      }
    });
    if (cancelled()) {
      return Status(StatusCode::kCancelled, "the request was cancelled");
    }
    return Status();
  }

  void SealHead(int32_t layer, int32_t kv_head) {
    const int64_t size = shape_.head_size;
    const int64_t head = Head(layer, kv_head);
    const CodePageLayout& layout = layout_.layers[static_cast<size_t>(layer)];
    const uint16_t* keys = Tail(tail_, head);
    const uint16_t* values = keys + kPage * size;
    if (tail_page_ == 0) {
      uint16_t* sinks = Sinks(head);
      std::memcpy(sinks, keys, static_cast<size_t>(kSinks * size) * 2);
      std::memcpy(sinks + kSinks * size, values, static_cast<size_t>(kSinks * size) * 2);
    }
    uint8_t key_codes[kPage * kMostHeadSize];
    uint8_t value_codes[kPage * kMostHeadSize];
    uint16_t key_scales[kPage];
    uint16_t value_scales[kPage];
    float group[kKeyGroup * kMostHeadSize];
    float vector[kMostHeadSize];
    for (int64_t j = 0; j < kPage; ++j) {
      const int64_t lane = j % kKeyGroup;
      if (lane == 0) {
        kernels_.f16_to_f32(keys + KeyIndex(0, j, size), size * kKeyGroup, group);
      }
      for (int64_t i = 0; i < size; ++i) {
        vector[i] = group[i * kKeyGroup + lane];
      }
      const float key = kernels_.quantize_code(vector, size, layout.key_bits, true, key_codes + j * size);
      kernels_.f32_to_f16(&key, 1, key_scales + j);
      kernels_.f16_to_f32(values + j * size, size, vector);
      const float value = kernels_.quantize_code(vector, size, layout.value_bits, false, value_codes + j * size);
      kernels_.f32_to_f16(&value, 1, value_scales + j);
    }
    PackCodePage(layout, key_codes, key_scales, value_codes, value_scales, Codes(tail_page_, layer, kv_head));
  }

  void AttendPart(int32_t layer, int32_t kv_head, const AttendQueries& part, int64_t length,
                  const std::atomic<bool>* cancel) const {
    const int64_t size = shape_.head_size;
    const int64_t head = Head(layer, kv_head);
    const int64_t rows = part.tokens * part.group;
    const CodePageLayout& layout = layout_.layers[static_cast<size_t>(layer)];
    const int digits = QueryDigits(layout.key_bits);
    alignas(64) float rotated[kMaxRows * kMostHeadSize];
    alignas(64) float out[kMaxRows * kMostHeadSize];
    alignas(64) int8_t integers[kMaxRows * kMostHeadSize * 2];
    float scale[kMaxRows];
    int32_t total[kMaxRows];
    float max[kMaxRows];
    float sum[kMaxRows];
    for (int64_t row = 0; row < rows; ++row) {
      kernels_.rotate(part.q + row / part.group * part.q_stride + row % part.group * size, basis_->zeros.data(),
                      &basis_->query_factor[At(head)], size, rotated + row * size);
      max[row] = -std::numeric_limits<float>::infinity();
      sum[row] = 0;
    }
    std::fill_n(out, rows * size, 0.0f);
    if (tail_page_ > 0) {
      for (int64_t row = 0; row < rows; ++row) {
        kernels_.quantize_query(rotated + row * size, size, digits, integers + row * size * digits, scale + row,
                                total + row);
      }
      const uint16_t* sinks = Sinks(head);
      kernels_.attend_page_f16({rotated, 0, out, 0, 1, rows, size, max, sum}, sinks, sinks + kSinks * size, kSinks);
      const CodeQueries queries = {rotated, integers, scale, total, out, rows, size, max, sum};
      for (int64_t page = 0; page < tail_page_; ++page) {
        if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
          return;
        }
        const uint8_t* next = page + 1 < tail_page_ ? Codes(page + 1, layer, kv_head) : nullptr;
        kernels_.attend_page_codes(queries, {Codes(page, layer, kv_head), layout, page == 0 ? kSinks : 0, next});
      }
    }
    const int64_t stride = part.group * size;
    const uint16_t* keys = Tail(tail_, head);
    kernels_.attend_page_f16({rotated, stride, out, stride, part.tokens, part.group, size, max, sum}, keys,
                             keys + kPage * size, length - tail_page_ * kPage);
    for (int64_t row = 0; row < rows; ++row) {
      float* from = out + row * size;
      float* to = part.out + row / part.group * part.out_stride + row % part.group * size;
      kernels_.rotate_back(from, basis_->signs.data(), size);
      for (int64_t i = 0; i < size; ++i) {
        to[i] = from[i] / sum[row];
      }
    }
  }

  const KvShape shape_;
  const int64_t max_tokens_;
  const PageLayout layout_;
  const std::shared_ptr<const KvBasis> basis_;
  const KernelTable& kernels_;
  int64_t slab_pages_ = 1;
  std::vector<AlignedBuffer> slabs_;
  int64_t used_pages_ = 0;  // of codes that were ever written
  AlignedBuffer tail_;      // the page at hand
  int64_t tail_page_ = 0;   // its number; all pages before it are codes
  AlignedBuffer retained_;  // the page before it, while that may still be taken back
  AlignedBuffer sinks_;
};

}  // namespace

bool CodesFit(int32_t head_size) {
  return head_size >= 32 && head_size <= kMostHeadSize && (head_size & (head_size - 1)) == 0;
}

int64_t CodedBytes(const KvShape& shape, const std::vector<KvCodec>& codecs, int64_t tokens) {
  const int64_t sealed = tokens > 0 ? (tokens - 1) / kPage : 0;
  const bool retained = sealed > 0 && tokens - sealed * kPage <= kRetained;
  const int64_t halves = tokens > 0 ? kPage + (retained ? kPage : 0) + (sealed > 0 ? kSinks : 0) : 0;
  return sealed * MakeLayout(shape, codecs).bytes + halves * KvCache::BytesPerTokenF16(shape);
}

std::unique_ptr<KvCache> NewCodedKvCache(const KvShape& shape, int64_t max_tokens, std::vector<KvCodec> codecs,
                                         std::shared_ptr<const KvBasis> basis, const KernelTable& kernels) {
  return std::make_unique<CodedKvCache>(shape, max_tokens, codecs, std::move(basis), kernels);
}

}  // namespace niwaki
