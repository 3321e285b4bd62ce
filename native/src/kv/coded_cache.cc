// Keys and values as codes. Every vector is moved into a basis in which its elements look Gaussian (kv/basis.cc), and
// kept there: the first tokens and those of the page at hand in half precision, all others as codes of a few bits, in
// pages laid out as attention reads them (quant/kv_codes.h). A page is sealed, turned into codes, when the first token
// of the next one comes. Which tokens are codes for a query depends on the query's position alone, so results do not
// depend on how tokens arrived.
#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "kv/paged_cache.h"

namespace niwaki {
namespace {

// Attention sinks (Xiao et al. 2023): much of all attention goes to the first tokens, so these stay in half precision.
// As many as lie in one group of keys (kKeyGroup).
constexpr int64_t kSinks = kKeyGroup;
// The last sealed page is also kept in half precision until the page at hand has so many tokens: a rejected draft, or
// another continuation after a suggestion, may take back a few tokens across the border.
constexpr int64_t kRetained = 64;

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

std::string KindOf(const std::vector<KvCodec>& codecs, const KvBasis& basis) {
  std::string kind = basis.digest;
  for (const KvCodec& codec : codecs) {
    kind += ' ' + KvCodecText(codec);
  }
  return kind;
}

class CodedKvCache final : public PagedCache {
 public:
  CodedKvCache(const KvShape& kv_shape, const KvCachePlace& place, const std::vector<KvCodec>& codecs,
               std::shared_ptr<const KvBasis> basis, const KernelTable& kernels)
      : PagedCache(kv_shape, place, KindOf(codecs, *basis), MakeLayout(kv_shape, codecs).bytes),
        codecs_(codecs),
        layout_(MakeLayout(kv_shape, codecs)),
        basis_(std::move(basis)),
        kernels_(kernels) {}

  void Store(int32_t layer, int32_t kv_head, int64_t position, const float* k, const float* v) override {
    const int64_t size = shape().head_size;
    const int64_t slot = position - tail_begin();
    const int64_t head = Head(layer, kv_head);
    float rotated[kMostHeadSize];
    uint16_t half[kMostHeadSize];
    uint16_t* keys = Halves(*tail(), head);
    kernels_.rotate(k, &basis_->key_mean[At(head)], &basis_->key_factor[At(head)], size, rotated);
    Limit(rotated, size);
    kernels_.f32_to_f16(rotated, size, half);
    for (int64_t i = 0; i < size; ++i) {
      keys[KeyIndex(i, slot, size)] = half[i];
    }
    kernels_.rotate(v, basis_->zeros.data(), basis_->signs.data(), size, rotated);
    Limit(rotated, size);
    kernels_.f32_to_f16(rotated, size, keys + kPageTokens * size + slot * size);
  }

  void Attend(int32_t layer, int32_t kv_head, const AttendQueries& queries, int64_t length,
              const std::atomic<bool>* cancel) const override {
    ForParts(queries, length, [&](const AttendQueries& part, int64_t seen) {
      AttendPart(layer, Head(layer, kv_head), part, seen, cancel);
    });
  }

 private:
  std::unique_ptr<PagedCache> NewLike() const override {
    return std::make_unique<CodedKvCache>(shape(), place(), codecs_, basis_, kernels_);
  }
  int64_t retained_until() const override { return kRetained; }
  int64_t sinks() const override { return kSinks; }

  int64_t Head(int32_t layer, int32_t kv_head) const {
    return static_cast<int64_t>(layer) * shape().kv_heads + kv_head;
  }
  size_t At(int64_t head) const { return static_cast<size_t>(head * shape().head_size); }
  uint8_t* Codes(const KvPage& page, int64_t head) const {
    const size_t layer = static_cast<size_t>(head / shape().kv_heads);
    return page.codes + layout_.offsets[layer] + head % shape().kv_heads * layout_.layers[layer].bytes();
  }

  // A rotation may gather a vector in one element, which half precision has no room for, though it had for all before.
  static void Limit(float* x, int64_t n) {
    constexpr float kMost = 65504;
    for (int64_t i = 0; i < n; ++i) {
      x[i] = std::clamp(x[i], -kMost, kMost);
    }
  }

  Status Seal(const std::shared_ptr<HalfPage>& full, int64_t tokens, bool first_page, KvPage& page, ThreadPool& threads,
              const std::atomic<bool>* cancel) override {
    const int64_t sink_bytes = BytesPerTokenF16(shape()) * kSinks;
    if (first_page) {
      page.halves = HalfPage::New(sink_bytes, pool().count());
      if (page.halves == nullptr) {
        return NoMemory(sink_bytes);
      }
    }
    const auto cancelled = [cancel] { return cancel != nullptr && cancel->load(std::memory_order_relaxed); };
    threads.ParallelFor(int64_t{shape().layers} * shape().kv_heads, [&](int64_t head, int) {
      if (!cancelled()) {
        SealHead(head, *full, tokens, page);
      }
    });
    return cancelled() ? Cancelled() : Status();
  }

  void SealHead(int64_t head, const HalfPage& full, int64_t tokens, KvPage& page) {
    const int64_t size = shape().head_size;
    const CodePageLayout& layout = layout_.layers[static_cast<size_t>(head / shape().kv_heads)];
    const uint16_t* keys = Halves(full, head);
    const uint16_t* values = keys + kPageTokens * size;
    if (page.halves != nullptr) {
      uint16_t* sinks = Halves(*page.halves, head, kSinks);
      std::memcpy(sinks, keys, static_cast<size_t>(kSinks * size) * 2);
      std::memcpy(sinks + kSinks * size, values, static_cast<size_t>(kSinks * size) * 2);
    }
    uint8_t key_codes[kPageTokens * kMostHeadSize];
    uint8_t value_codes[kPageTokens * kMostHeadSize];
    uint16_t key_scales[kPageTokens];
    uint16_t value_scales[kPageTokens];
    float group[kKeyGroup * kMostHeadSize];
    float vector[kMostHeadSize];
    if (tokens < kPageTokens) {  // what nobody sees must be numbers all the same
      std::fill_n(key_codes, kPageTokens * size, uint8_t{0});
      std::fill_n(value_codes, kPageTokens * size, uint8_t{0});
      std::fill_n(key_scales, kPageTokens, uint16_t{0});
      std::fill_n(value_scales, kPageTokens, uint16_t{0});
    }
    for (int64_t j = 0; j < tokens; ++j) {
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
    PackCodePage(layout, key_codes, key_scales, value_codes, value_scales, Codes(page, head));
  }

  void AttendPart(int32_t layer, int64_t head, const AttendQueries& part, int64_t length,
                  const std::atomic<bool>* cancel) const {
    const int64_t size = shape().head_size;
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
    std::fill_n(max, rows, -std::numeric_limits<float>::infinity());
    std::fill_n(sum, rows, 0.0f);
    std::fill_n(out, rows * size, 0.0f);
    int64_t shift = 0;  // that `rotated` is made for
    Rotate(part, head, shift, rotated);
    if (!blocks().empty()) {
      const auto quantize = [&] {
        for (int64_t row = 0; row < rows; ++row) {
          kernels_.quantize_query(rotated + row * size, size, digits, integers + row * size * digits, scale + row,
                                  total + row);
        }
      };
      quantize();
      const uint16_t* sinks = Halves(*blocks().front().page->halves, head, kSinks);
      kernels_.attend_page_f16({rotated, 0, out, 0, 1, rows, size, max, sum}, sinks, sinks + kSinks * size, kSinks);
      const CodeQueries queries = {rotated, integers, scale, total, out, rows, size, max, sum};
      for (size_t i = 0; i < blocks().size(); ++i) {
        if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
          return;
        }
        const Block& block = blocks()[i];
        if (block.shift != shift) {
          shift = block.shift;
          Rotate(part, head, shift, rotated);
          quantize();
        }
        const uint8_t* next = i + 1 < blocks().size() ? Codes(*blocks()[i + 1].page, head) : nullptr;
        const int64_t first = i == 0 ? kSinks : block.first;
        kernels_.attend_page_codes(queries, {Codes(*block.page, head), layout, first, next, block.last});
      }
    }
    if (shift != 0) {
      Rotate(part, head, 0, rotated);
    }
    const int64_t stride = part.group * size;
    const uint16_t* keys = Halves(*tail(), head);
    kernels_.attend_page_f16({rotated, stride, out, stride, part.tokens, part.group, size, max, sum}, keys,
                             keys + kPageTokens * size, length - tail_begin());
    for (int64_t row = 0; row < rows; ++row) {
      float* from = out + row * size;
      float* to = part.out + row / part.group * part.out_stride + row % part.group * size;
      kernels_.rotate_back(from, basis_->signs.data(), size);
      for (int64_t i = 0; i < size; ++i) {
        to[i] = from[i] / sum[row];
      }
    }
  }

  // Queries in the basis of the keys, as they look at keys that are `shift` positions from where they were turned.
  void Rotate(const AttendQueries& part, int64_t head, int64_t shift, float* rotated) const {
    const int64_t size = shape().head_size;
    for (int64_t row = 0; row < part.tokens * part.group; ++row) {
      const float* q = part.q + row / part.group * part.q_stride + row % part.group * size;
      float turned[kMostHeadSize];
      if (shift != 0) {
        std::copy_n(q, size, turned);
        const Turn& turn = TurnOf(shift);
        kernels_.rope_neox(turned, size, turn.cos.data(), turn.sin.data());
        q = turned;
      }
      kernels_.rotate(q, basis_->zeros.data(), &basis_->query_factor[At(head)], size, rotated + row * size);
    }
  }

  const std::vector<KvCodec> codecs_;
  const PageLayout layout_;
  const std::shared_ptr<const KvBasis> basis_;
  const KernelTable& kernels_;
};

}  // namespace

bool CodesFit(int32_t head_size) {
  return head_size >= 32 && head_size <= kMostHeadSize && (head_size & (head_size - 1)) == 0;
}

int64_t CodedBytes(const KvShape& shape, const std::vector<KvCodec>& codecs, int64_t tokens) {
  const int64_t sealed = tokens > 0 ? (tokens - 1) / KvCache::kPageTokens : 0;
  const bool retained = sealed > 0 && tokens - sealed * KvCache::kPageTokens <= kRetained;
  const int64_t halves =
      tokens > 0 ? KvCache::kPageTokens + (retained ? KvCache::kPageTokens : 0) + (sealed > 0 ? kSinks : 0) : 0;
  return sealed * MakeLayout(shape, codecs).bytes + halves * KvCache::BytesPerTokenF16(shape);
}

std::unique_ptr<KvCache> NewCodedKvCache(const KvShape& shape, KvCachePlace place, std::vector<KvCodec> codecs,
                                         std::shared_ptr<const KvBasis> basis, const KernelTable& kernels) {
  return std::make_unique<CodedKvCache>(shape, OwnPlace(std::move(place)), codecs, std::move(basis), kernels);
}

}  // namespace niwaki
