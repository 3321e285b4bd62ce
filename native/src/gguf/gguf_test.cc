// The GGUF reader: what sound files hold, and that every lie of a header is a Status that names the field.
#include "gguf/gguf.h"

#include <algorithm>
#include <limits>

#include "base/random_testing.h"
#include "base/temp_file_testing.h"
#include "base/testing.h"
#include "gguf/gguf_testing.h"

namespace niwaki {
namespace {

using testing::Bytes;
using testing::GgufWriter;
using testing::TempFile;

GgufWriter Sample() {
  GgufWriter w;
  w.String("general.architecture", "qwen3");
  w.U32("a.u32", 7);
  w.F32("a.f32", 0.5f);
  w.Bool("a.bool", true);
  w.Strings("a.strings", {"one", "", "drei"});
  w.Ints("a.ints", {1, -2, 3});
  w.tensors.push_back({"x.weight", {4, 3}, 0, std::vector<uint8_t>(48, 1)});
  w.tensors.push_back({"y.weight", {128, 2}, 41, std::vector<uint8_t>(36, 2)});
  w.tensors.push_back({"z.weight", {5}, 1, std::vector<uint8_t>(10, 3)});
  return w;
}

// Parses a copy that ends exactly where the bytes end, so that a sanitizer notices any read beyond.
Result<std::unique_ptr<GgufFile>> Parse(const std::vector<uint8_t>& bytes) {
  static std::vector<std::unique_ptr<uint8_t[]>> kept;
  kept.push_back(std::make_unique<uint8_t[]>(bytes.size()));
  std::copy(bytes.begin(), bytes.end(), kept.back().get());
  return GgufFile::Parse({kept.back().get(), bytes.size()});
}

void Refused(const std::vector<uint8_t>& bytes, StatusCode code, const std::string& named) {
  const Result<std::unique_ptr<GgufFile>> file = Parse(bytes);
  if (file.ok() || file.status().code() != code || file.status().message().find(named) == std::string::npos) {
    testing::Fail(
        __FILE__, __LINE__,
        "wanted a refusal that names \"" + named + "\", got: " + (file.ok() ? "success" : file.status().message()));
  }
}
void Bad(const std::vector<uint8_t>& bytes, const std::string& named) { Refused(bytes, StatusCode::kBadFile, named); }

TEST("a sound file, versions 2 and 3, from memory and from disk") {
  for (const uint32_t version : {2u, 3u}) {
    GgufWriter w = Sample();
    w.version = version;
    const std::vector<uint8_t> bytes = w.Write();
    const TempFile on_disk(bytes);
    for (const bool disk : {false, true}) {
      const Result<std::unique_ptr<GgufFile>> parsed = disk ? GgufFile::Open(on_disk.path()) : Parse(bytes);
      ASSERT_OK(parsed);
      const GgufFile& file = *parsed.value();
      EXPECT_EQ(file.version(), version);
      EXPECT_EQ(file.bytes().size(), bytes.size());
      EXPECT_EQ(file.metadata().size(), size_t{6});
      EXPECT_EQ(file.String("general.architecture").value(), std::string_view("qwen3"));
      EXPECT_EQ(file.Int("a.u32").value(), int64_t{7});
      EXPECT_EQ(file.Float("a.f32").value(), 0.5);
      EXPECT_EQ(file.Bool("a.bool").value(), true);
      const auto strings = GgufStrings(*file.Array("a.strings").value());
      EXPECT(strings.ok() && strings.value() == (std::vector<std::string_view>{"one", "", "drei"}));
      const auto ints = GgufInts(*file.Array("a.ints").value());
      EXPECT(ints.ok() && ints.value() == (std::vector<int32_t>{1, -2, 3}));
      EXPECT_EQ(file.tensors().size(), size_t{3});
      const GgufTensor& y = *file.FindTensor("y.weight");
      EXPECT(y.type == 41 && y.elements() == 256 && y.data.size() == 36 && y.data[0] == 2 && y.data[35] == 2);
      EXPECT(y.shape == (std::vector<int64_t>{128, 2}));
      EXPECT(file.FindTensor("z.weight")->data.size() == 10);
      EXPECT(file.FindTensor("none") == nullptr && file.Find("none") == nullptr);
    }
  }
}

TEST("every kind of value, at the ends of its range") {
  GgufWriter w;
  w.Raw("u8", testing::kValueU8, Bytes().Put(uint8_t{255}));
  w.Raw("i8", testing::kValueI8, Bytes().Put(int8_t{-128}));
  w.Raw("u16", testing::kValueU16, Bytes().Put(uint16_t{65535}));
  w.Raw("i16", testing::kValueI16, Bytes().Put(int16_t{-32768}));
  w.Raw("i32", testing::kValueI32, Bytes().Put(std::numeric_limits<int32_t>::min()));
  w.Raw("u64", testing::kValueU64, Bytes().Put(~uint64_t{0}));
  w.Raw("i64", testing::kValueI64, Bytes().Put(std::numeric_limits<int64_t>::min()));
  w.Raw("f64", testing::kValueF64, Bytes().Put(1e300));
  w.Raw("array.u16", testing::kValueArray, Bytes().U32(testing::kValueU16).U64(2).Put(uint16_t{1}).Put(uint16_t{2}));
  w.Raw("array.long", testing::kValueArray, Bytes().U32(testing::kValueU8).U64(16).U64(0).U64(0));
  const std::vector<uint8_t> bytes = w.Write();
  const auto parsed = Parse(bytes);
  ASSERT_OK(parsed);
  const GgufFile& file = *parsed.value();
  EXPECT_EQ(file.Int("u8").value(), int64_t{255});
  EXPECT_EQ(file.Int("i8").value(), int64_t{-128});
  EXPECT_EQ(file.Int("u16").value(), int64_t{65535});
  EXPECT_EQ(file.Int("i16").value(), int64_t{-32768});
  EXPECT_EQ(file.Int("i32").value(), int64_t{std::numeric_limits<int32_t>::min()});
  EXPECT_EQ(file.Int("i64").value(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(file.Float("f64").value(), 1e300);
  EXPECT(file.Int("u64").status().code() == StatusCode::kBadFile);  // does not fit
  EXPECT_EQ(GgufValueText(*file.Find("u64")), std::string("18446744073709551615"));
  EXPECT_EQ(GgufValueText(*file.Find("array.u16")), std::string("[1, 2]"));
  EXPECT_EQ(GgufValueText(*file.Find("array.long")), std::string("[16 u8]"));
}

TEST("look-ups of a wrong type or an absent key name the key") {
  const std::vector<uint8_t> bytes = Sample().Write();
  const auto parsed = Parse(bytes);
  ASSERT_OK(parsed);
  const GgufFile& file = *parsed.value();
  for (const Status& status : {file.Int("a.f32").status(), file.Float("a.u32").status(), file.Bool("a.u32").status(),
                               file.String("a.u32").status(), file.Array("a.u32").status()}) {
    EXPECT(status.code() == StatusCode::kBadFile && status.message().find("a.") != std::string::npos);
  }
  EXPECT(file.Int("absent").status().code() == StatusCode::kNotFound);
  EXPECT(file.Int("absent").status().message().find("absent") != std::string::npos);
  EXPECT(!GgufInts(*file.Array("a.strings").value()).ok());
  EXPECT(!GgufStrings(*file.Array("a.ints").value()).ok());
  EXPECT(!GgufFloats(*file.Array("a.ints").value()).ok());
}

TEST("what is no GGUF file, or of a version that we do not read") {
  Bad({}, "not a GGUF file");
  Bad({'G', 'G', 'U'}, "not a GGUF file");
  std::vector<uint8_t> bytes = Sample().Write();
  bytes[0] = 'g';
  Bad(bytes, "not a GGUF file");
  for (const uint32_t version : {0u, 1u, 4u, 99u}) {
    GgufWriter w = Sample();
    w.version = version;
    Refused(w.Write(), StatusCode::kUnsupported, "version " + std::to_string(version));
  }
  GgufWriter big = Sample();
  big.version = 0x03000000;
  Refused(big.Write(), StatusCode::kUnsupported, "big-endian");
}

TEST("a file cut off at any byte is refused") {
  const std::vector<uint8_t> bytes = Sample().Write();
  size_t accepted = 0;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto parsed = Parse({bytes.begin(), bytes.begin() + static_cast<int64_t>(size)});
    accepted += parsed.ok() ? 1 : 0;
    EXPECT(parsed.ok() || !parsed.status().message().empty());
  }
  EXPECT_EQ(accepted, size_t{0});
  EXPECT(Parse(bytes).ok());
}

TEST("impossible counts are refused before anything is allocated") {
  const std::vector<uint8_t> bytes = Sample().Write();
  for (const uint64_t count : {~uint64_t{0}, uint64_t{1} << 63, uint64_t{1} << 40, uint64_t{10000}}) {
    std::vector<uint8_t> tensors = bytes;
    std::memcpy(&tensors[8], &count, 8);
    Bad(tensors, std::to_string(count) + " tensors");
    std::vector<uint8_t> metadata = bytes;
    std::memcpy(&metadata[16], &count, 8);
    Bad(metadata, std::to_string(count) + " metadata pairs");
  }
}

TEST("strings and arrays that claim more than the file holds") {
  for (const uint64_t length : {~uint64_t{0}, uint64_t{1} << 63, uint64_t{100000}}) {
    GgufWriter text;
    text.Raw("liar", testing::kValueString, Bytes().U64(length).U64(0));
    Bad(text.Write(), "liar");
    for (const uint32_t element : {testing::kValueU8, testing::kValueF64, testing::kValueString}) {
      GgufWriter array;
      array.Raw("liar", testing::kValueArray, Bytes().U32(element).U64(length).U64(0));
      Bad(array.Write(), "liar");
    }
    GgufWriter element;
    element.Raw("liar", testing::kValueArray, Bytes().U32(testing::kValueString).U64(2).Text("fine").U64(length));
    Bad(element.Write(), "element 1");
    Bytes key;  // the key itself
    key.data = {'G', 'G', 'U', 'F'};
    key.U32(3).U64(0).U64(1).U64(length).U64(0).U64(0);
    Bad(key.data, "key of metadata pair 0");
  }
}

TEST("values that cannot be") {
  GgufWriter nested;
  nested.Raw("liar", testing::kValueArray, Bytes().U32(testing::kValueArray).U64(1).U32(0).U64(0));
  Bad(nested.Write(), "liar");
  for (const uint32_t type : {13u, 99u, 0xffffffffu}) {
    GgufWriter unknown;
    unknown.Raw("liar", type, Bytes().U64(0));
    Bad(unknown.Write(), "unknown value type " + std::to_string(type));
    GgufWriter element;
    element.Raw("liar", testing::kValueArray, Bytes().U32(type).U64(1).U64(0));
    Bad(element.Write(), "liar");
  }
  GgufWriter truth;
  truth.Raw("liar", testing::kValueBool, Bytes().Put(uint8_t{2}));
  Bad(truth.Write(), "liar");
}

TEST("keys and names that are empty or occur twice") {
  Bytes twice;
  twice.data = {'G', 'G', 'U', 'F'};
  twice.U32(3).U64(0).U64(2).Text("same").U32(4).U32(1).Text("same").U32(4).U32(2);
  Bad(twice.data, "\"same\" occurs twice");
  Bytes empty;
  empty.data = {'G', 'G', 'U', 'F'};
  empty.U32(3).U64(0).U64(1).Text("").U32(4).U32(1);
  Bad(empty.data, "metadata pair 0");
  GgufWriter tensors = Sample();
  tensors.tensors[1].name = "x.weight";
  Bad(tensors.Write(), "\"x.weight\" occurs twice");
  tensors.tensors[1].name = "";
  Bad(tensors.Write(), "tensor 1");
}

TEST("tensors of impossible shapes") {
  const auto with_shape = [](std::vector<uint64_t> shape, uint32_t type) {
    GgufWriter w = Sample();
    w.tensors[0].shape = std::move(shape);
    w.tensors[0].type = type;
    return w.Write();
  };
  const uint64_t huge = uint64_t{1} << 62;
  for (const std::vector<uint64_t>& shape : {std::vector<uint64_t>{},
                                             {0},
                                             {4, 0},
                                             {1, 1, 1, 1, 1},
                                             {~uint64_t{0}},
                                             {huge, 4},
                                             {huge, huge, huge, huge},
                                             {uint64_t{1} << 32, uint64_t{1} << 32},
                                             {uint64_t{1} << 40, 3},
                                             {4, 3000}}) {
    for (const uint32_t type : {0u, 1u}) {
      Bad(with_shape(shape, type), "x.weight");
    }
  }
  Bad(with_shape({100}, 41), "x.weight");  // rows of Q1_0 are multiples of 128
  Bad(with_shape({64, 2}, 41), "x.weight");
  Bad(with_shape({huge}, 41), "x.weight");
}

TEST("tensors that lie elsewhere than they can") {
  // The offset is the last field of an entry.
  GgufWriter sample = Sample();
  sample.tensors[0] = {"x.weight", {17}, 1, std::vector<uint8_t>(34, 1)};  // two bytes beyond a border
  const std::vector<uint8_t> bytes = sample.Write();
  const auto with_offset = [&](const std::string& name, uint64_t offset) {
    std::vector<uint8_t> changed = bytes;
    const auto at = std::search(changed.begin(), changed.end(), name.begin(), name.end());
    const int64_t dims = *(at + static_cast<int64_t>(name.size()));
    const auto field = at + static_cast<int64_t>(name.size()) + 4 + dims * 8 + 4;
    std::memcpy(&*field, &offset, 8);
    return changed;
  };
  Bad(with_offset("y.weight", 1), "y.weight");              // misaligned
  Bad(with_offset("y.weight", 16), "y.weight");             // misaligned
  Bad(with_offset("y.weight", 0), "overlap");               // on x
  Bad(with_offset("y.weight", 32), "overlap");              // on the end of x
  Bad(with_offset("y.weight", 1 << 20), "y.weight");        // past the end
  Bad(with_offset("y.weight", ~uint64_t{31}), "y.weight");  // far past: must not wrap round
  Bad(with_offset("y.weight", uint64_t{1} << 63), "y.weight");
  Bad(with_offset("z.weight", 128 + 32), "z.weight");  // its end is past the file's
}

TEST("the alignment is read and checked") {
  GgufWriter w = Sample();
  w.alignment = 128;
  w.U32("general.alignment", 128);
  const std::vector<uint8_t> bytes = w.Write();
  const auto parsed = Parse(bytes);
  ASSERT_OK(parsed);
  EXPECT_EQ(parsed.value()->FindTensor("y.weight")->data[0], uint8_t{2});
  for (const uint32_t alignment : {0u, 1u, 7u, 24u, 33u, 1u << 21, 0xffffffffu}) {
    w.U32("general.alignment", alignment);
    Bad(w.Write(), "general.alignment");
  }
  w.String("general.alignment", "32");
  Bad(w.Write(), "general.alignment");
}

TEST("blocks of a tensor are read one by one and looked at, those in memory where they lie") {
  GgufWriter w = Sample();
  w.tensors[1].data[17] = 9;  // the last byte of the first block
  const std::vector<uint8_t> bytes = w.Write();
  w.tensors[1].data[19] = 0x7c;  // the second block's scale: infinite
  const std::vector<uint8_t> spoilt = w.Write();
  const TempFile sound_file(bytes);
  const TempFile spoilt_file(spoilt);
  for (const bool disk : {false, true}) {
    const auto sound = disk ? GgufFile::Open(sound_file.path()) : Parse(bytes);
    const auto bad = disk ? GgufFile::Open(spoilt_file.path()) : Parse(spoilt);
    ASSERT_OK(sound);
    ASSERT_OK(bad);
    std::vector<uint8_t> into(18, 0xee);
    const GgufTensor& y = *sound.value()->FindInfo("y.weight");
    Result<const uint8_t*> read = sound.value()->ReadBlocks(y, 0, into);
    ASSERT_OK(read);
    EXPECT(read.value()[0] == 2 && read.value()[17] == 9);
    EXPECT_EQ(read.value() == into.data(), disk);
    EXPECT_EQ(into[17], disk ? uint8_t{9} : uint8_t{0xee});
    ASSERT_OK(sound.value()->ReadBlocks(y, 18, into));
    const GgufTensor& worse = *bad.value()->FindInfo("y.weight");
    ASSERT_OK(bad.value()->ReadBlocks(worse, 0, into));
    const Status status = bad.value()->ReadBlocks(worse, 18, into).status();
    EXPECT(status.code() == StatusCode::kBadFile);
    EXPECT(status.message().find("\"y.weight\" holds a value that is infinite") != std::string::npos);
    EXPECT(!disk || status.message().find(spoilt_file.path()) == 1);
  }
}

TEST("tensors of unknown types are listed without data") {
  GgufWriter w = Sample();
  w.tensors[1].type = 142;
  const std::vector<uint8_t> bytes = w.Write();
  const auto parsed = Parse(bytes);
  ASSERT_OK(parsed);
  EXPECT(parsed.value()->FindTensor("y.weight")->data.empty());
  EXPECT_EQ(TensorTypeName(142), std::string("type 142"));
  EXPECT_EQ(TensorTypeName(41), std::string("Q1_0"));
}

TEST("changed bytes anywhere never do harm") {
  const std::vector<uint8_t> bytes = Sample().Write();
  testing::Random random(1);
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const uint8_t value : {uint8_t{0}, uint8_t{0x7f}, uint8_t{0xff}, static_cast<uint8_t>(random.Next() >> 20)}) {
      std::vector<uint8_t> changed = bytes;
      changed[at] = value;
      const auto parsed = GgufFile::Parse(changed);
      if (parsed.ok()) {  // read all that is claimed to be there
        for (const auto& [key, metadata] : parsed.value()->metadata()) {
          EXPECT(!key.empty() && GgufValueText(metadata).size() < 10000);
        }
        size_t sum = 0;
        for (const GgufTensor& tensor : parsed.value()->tensors()) {
          for (const uint8_t byte : tensor.data) {
            sum += byte;
          }
        }
        EXPECT(sum < 100000);
      } else {
        EXPECT(!parsed.status().message().empty());
      }
    }
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
