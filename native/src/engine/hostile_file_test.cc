// Files whose data are spoilt, files that change while they are loaded, and models in several files.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/temp_file_testing.h"
#include "engine/engine_testing.h"
#include "engine/tiny_model_testing.h"
#include "gguf/gguf.h"

namespace niwaki {
namespace {

namespace fs = std::filesystem;
using testing::GgufWriter;
using testing::TempFile;
using testing::TinyModel;
using testing::TinyShape;

Result<std::unique_ptr<Engine>> Load(const std::string& path) {
  return Engine::Load({.path = path, .threads = 1, .kernels = ""});
}

std::vector<float> LogitsOf(Engine& engine) {
  Result<std::unique_ptr<Session>> session = engine.NewSession(0);
  const std::vector<TokenId> tokens = {5, 77, 200, 9};
  EXPECT(session.ok() && session.value()->Sync(tokens, nullptr, nullptr).ok());
  return testing::Copy(session.value()->logits());
}

void WriteFile(const fs::path& path, const std::vector<uint8_t>& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// ---- Values that no sound model holds.

TEST("values that are infinite or no numbers are found in every tensor, first and last element alike") {
  TinyShape shape;
  shape.tied = false;
  for (const uint32_t type :
       {testing::kTypeQ1, testing::kTypeQ8, testing::kTypeBF16, testing::kTypeF16, testing::kTypeF32}) {
    shape.type = type;
    shape.norm_type = type == testing::kTypeF16 || type == testing::kTypeBF16 ? type : testing::kTypeF32;
    const TinyModel sound(shape);
    for (size_t i = 0; i < sound.writer.tensors.size(); ++i) {
      for (const bool last : {false, true}) {
        for (const uint32_t bits : {0x7f800000u, 0xff800000u, 0x7fc00001u}) {  // both infinities and a NaN
          GgufWriter writer = sound.writer;
          testing::TensorEntry& tensor = writer.tensors[i];
          const size_t unit = static_cast<size_t>(TensorLayoutOf(tensor.type).bytes);
          uint8_t* at = tensor.data.data() + (last ? tensor.data.size() - unit : 0);
          if (tensor.type == testing::kTypeF32) {
            std::memcpy(at, &bits, 4);
          } else {
            const uint32_t exponent = tensor.type == testing::kTypeBF16 ? 0x7f80 : 0x7c00;
            const uint16_t half = static_cast<uint16_t>((bits >> 16 & 0x8000) | exponent | (bits & 1));
            std::memcpy(at, &half, 2);
          }
          const TempFile file(writer.Write());
          const Status status = Load(file.path()).status();
          EXPECT(status.code() == StatusCode::kBadFile);
          EXPECT(status.message().find("\"" + tensor.name + "\" holds a value that is infinite") != std::string::npos);
          const size_t named = status.message().find(file.path());
          EXPECT(named != std::string::npos);
          EXPECT(status.message().find(file.path(), named + 1) == std::string::npos);  // and not twice
        }
      }
    }
  }
}

TEST("the largest finite values are none of them") {
  const TinyModel model(TinyShape{});
  GgufWriter writer = model.writer;
  for (testing::TensorEntry& tensor : writer.tensors) {
    const uint16_t half = 0x7bff;
    const uint32_t single = 0x7f7fffff;
    std::memcpy(tensor.data.data(), tensor.type == testing::kTypeF32 ? static_cast<const void*>(&single) : &half,
                tensor.type == testing::kTypeF32 ? 4 : 2);
  }
  const TempFile file(writer.Write());
  ASSERT_OK(Load(file.path()));
}

// ---- Files that change.

TEST("a file that is truncated by another thread while it loads: an error or a sound model, 200 times") {
  TinyShape shape;  // a megabyte, so that a load takes a while
  shape.type = testing::kTypeF32;
  shape.ff = 512;
  const std::vector<uint8_t> bytes = TinyModel(shape).writer.Write();
  const TempFile file(bytes);
  const fs::path path = file.path();
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto start = now();
  Result<std::unique_ptr<Engine>> first = Load(file.path());
  ASSERT_OK(first);
  const auto whole_load = std::chrono::duration_cast<std::chrono::microseconds>(now() - start).count();
  const std::vector<float> wanted = LogitsOf(*first.value());

  constexpr int kRounds = 200;
  constexpr int kMostRounds = 10 * kRounds;  // a busy system may never run both at once for a while
  std::atomic<int> begun{0};
  std::atomic<int> truncated{0};
  std::atomic<bool> ended{false};
  std::thread vandal([&] {
    testing::Random random(7);
    for (int round = 1; !ended; ++round) {
      while (begun < round && !ended) {
        std::this_thread::yield();
      }
      if (ended) {
        return;
      }
      const auto until = now() + std::chrono::microseconds(random.Next() % static_cast<uint64_t>(whole_load * 3 / 2));
      while (now() < until) {
        std::this_thread::yield();
      }
      fs::resize_file(path, random.Next() % bytes.size());
      truncated = round;
    }
  });
  int good = 0;
  int changed = 0;
  int incomplete = 0;
  int rounds = 0;
  while (rounds < kRounds || (changed == 0 && rounds < kMostRounds)) {
    ++rounds;
    WriteFile(path, bytes);
    begun = rounds;
    const Result<std::unique_ptr<Engine>> engine = Load(file.path());
    if (engine.ok()) {
      ++good;
      EXPECT(testing::SameBits(LogitsOf(*engine.value()), wanted));
    } else {
      EXPECT(engine.status().code() == StatusCode::kBadFile);
      const bool says_so = engine.status().message().find("changed while it was being read") != std::string::npos;
      ++(says_so ? changed : incomplete);  // one that was short already when it was opened is incomplete
    }
    while (truncated < rounds) {
      std::this_thread::yield();
    }
  }
  ended = true;
  vandal.join();
  std::printf("    %d loaded, %d changed while they were read, %d incomplete\n", good, changed, incomplete);
  EXPECT_EQ(good + changed + incomplete, rounds);
  EXPECT(changed > 0);
}

TEST("a file that is truncated, grows or is overwritten half way through the load is reported as changed") {
  const std::vector<uint8_t> bytes = TinyModel(TinyShape{}).writer.Write();
  const auto load = [&](auto meddle) {
    const TempFile file(bytes);
    bool meddled = false;
    // Called between tensors, from the loading thread.
    const auto progress = [&](float part) {
      if (part > 0.3f && !meddled) {
        meddled = true;
        meddle(file.path());
      }
    };
    const Status status = Engine::Load({.path = file.path(), .threads = 1, .kernels = ""}, nullptr, progress).status();
    EXPECT(meddled);
    return status;
  };
  const auto changed = [&](auto meddle) {
    const Status status = load(meddle);
    EXPECT(status.code() == StatusCode::kBadFile);
    EXPECT(status.message().find("changed while it was being read") != std::string::npos);
    EXPECT_EQ(std::count(status.message().begin(), status.message().end(), '"'), 2);  // the path, once
  };
  changed([](const std::string& path) { fs::resize_file(path, 0); });
  changed([&](const std::string& path) { fs::resize_file(path, bytes.size() / 2); });
  changed([&](const std::string& path) { fs::resize_file(path, bytes.size() + 1); });
  changed([&](const std::string& path) {
    WriteFile(path, std::vector<uint8_t>(bytes.size(), 0xff));
    fs::last_write_time(path, fs::last_write_time(path) + std::chrono::seconds(2));  // clocks tick slowly
  });
#if !defined(_WIN32)
  // The open file is still there: the model that was asked for.
  ASSERT_OK(load([&](const std::string& path) { fs::remove(path); }));
  ASSERT_OK(load([&](const std::string& path) {
    WriteFile(path + ".new", {1, 2, 3});
    fs::rename(path + ".new", path);
  }));
#endif
}

// ---- Models in several files.

// A folder that is removed at the end.
struct Folder {
  Folder() {
    static int counter = 0;
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    path = fs::temp_directory_path() / ("niwaki-split-" + std::to_string(now) + "-" + std::to_string(counter++));
    fs::create_directories(path);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string Part(int number, int count) const {
    char name[64];
    std::snprintf(name, sizeof name, "tiny é-%05d-of-%05d.gguf", number, count);
    const std::string text = name;
    const auto full = (path / std::u8string(text.begin(), text.end())).u8string();
    return {full.begin(), full.end()};
  }
  fs::path path;
};

fs::path PathOf(const std::string& utf8) { return std::u8string(utf8.begin(), utf8.end()); }

// As llama.cpp's gguf-split: all metadata in the first part, which may hold no tensors.
std::vector<GgufWriter> Split(const GgufWriter& whole, int count, bool tensors_in_first) {
  std::vector<GgufWriter> parts(static_cast<size_t>(count));
  parts[0] = whole;
  parts[0].tensors.clear();
  for (size_t i = 0; i < whole.tensors.size(); ++i) {
    const int other = static_cast<int>(i) % (count - 1) + 1;
    parts[tensors_in_first ? i * parts.size() / whole.tensors.size() : static_cast<size_t>(other)].tensors.push_back(
        whole.tensors[i]);
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    parts[i].Raw("split.no", testing::kValueU16, testing::Bytes().Put(static_cast<uint16_t>(i)));
    parts[i].Raw("split.count", testing::kValueU16, testing::Bytes().Put(static_cast<uint16_t>(count)));
    parts[i].Raw("split.tensors.count", testing::kValueI32,
                 testing::Bytes().Put(static_cast<int32_t>(whole.tensors.size())));
  }
  return parts;
}

int64_t WriteParts(const Folder& folder, const std::vector<GgufWriter>& parts) {
  const int count = static_cast<int>(parts.size());
  int64_t size = 0;
  for (int i = 0; i < count; ++i) {
    const std::vector<uint8_t> bytes = parts[static_cast<size_t>(i)].Write();
    WriteFile(PathOf(folder.Part(i + 1, count)), bytes);
    size += static_cast<int64_t>(bytes.size());
  }
  return size;
}

TEST("a split model computes what the whole one does, whichever part is named") {
  const TinyModel model(TinyShape{});
  const TempFile whole(model.writer.Write());
  const Result<std::unique_ptr<Engine>> one = Load(whole.path());
  ASSERT_OK(one);
  for (const int count : {2, 3, 7}) {
    for (const bool tensors_in_first : {false, true}) {
      const Folder folder;
      const int64_t size = WriteParts(folder, Split(model.writer, count, tensors_in_first));
      for (const int part : {1, 2, count}) {
        const std::string path = folder.Part(part, count);
        const Result<std::unique_ptr<Engine>> engine = Load(path);
        ASSERT_OK(engine);
        EXPECT(testing::SameBits(LogitsOf(*engine.value()), LogitsOf(*one.value())));
        EXPECT_EQ(engine.value()->info().file_bytes, size);
        EXPECT_EQ(engine.value()->info().parameters, one.value()->info().parameters);
        const Result<FileSummary> summary = Inspect(path);
        ASSERT_OK(summary);
        EXPECT_EQ(summary.value().problem, std::string());
        EXPECT_EQ(summary.value().tensors.size(), model.writer.tensors.size());
        EXPECT_EQ(summary.value().file_bytes, size);
      }
    }
  }
}

TEST("parts that are missing, damaged, misnamed or of another model are named") {
  const TinyModel model(TinyShape{});
  // Writes a model of four parts, spoils it, and loads the third.
  const auto refused = [&](StatusCode code, const std::vector<std::string>& named, auto spoil) {
    const Folder folder;
    std::vector<GgufWriter> parts = Split(model.writer, 4, true);
    WriteParts(folder, parts);
    spoil(folder, parts);
    const Status status = Load(folder.Part(3, 4)).status();
    EXPECT(status.code() == code);
    for (const std::string& name : named) {
      if (status.message().find(name) == std::string::npos) {
        testing::Fail(__FILE__, __LINE__, "\"" + name + "\" is not in: " + status.message());
      }
    }
    EXPECT(!Inspect(folder.Part(3, 4)).ok() || !Inspect(folder.Part(3, 4)).value().problem.empty());
  };
  refused(StatusCode::kNotFound, {"2 of them are missing", "-00001-of-00004.gguf", "-00004-of-00004.gguf"},
          [](const Folder& folder, auto&) {
            fs::remove(PathOf(folder.Part(1, 4)));
            fs::remove(PathOf(folder.Part(4, 4)));
          });
  const auto rewrite = [](const Folder& folder, const std::vector<GgufWriter>& parts, int part) {
    WriteFile(PathOf(folder.Part(part, 4)), parts[static_cast<size_t>(part - 1)].Write());
  };
  refused(StatusCode::kBadFile, {"-00002-of-00004.gguf", "ends in the middle"}, [](const Folder& folder, auto&) {
    const fs::path path = PathOf(folder.Part(2, 4));
    fs::resize_file(path, fs::file_size(path) - 40);
  });
  refused(StatusCode::kBadFile, {"-00002-of-00004.gguf", "split.no"}, [&](const Folder& folder, auto&) {
    fs::copy_file(PathOf(folder.Part(4, 4)), PathOf(folder.Part(2, 4)), fs::copy_options::overwrite_existing);
  });
  refused(StatusCode::kBadFile, {"-00001-of-00004.gguf", "another model"}, [&](const Folder& folder, auto& parts) {
    parts[0].Erase("split.count");
    rewrite(folder, parts, 1);
  });
  refused(StatusCode::kBadFile, {"split.tensors.count is 24", "have 23 tensors"},
          [&](const Folder& folder, auto& parts) {
            parts[1].tensors.pop_back();
            rewrite(folder, parts, 2);
          });
  refused(StatusCode::kBadFile, {"in two parts"}, [&](const Folder& folder, auto& parts) {
    parts[3].tensors.push_back(parts[0].tensors[0]);
    rewrite(folder, parts, 4);
  });
  for (const uint16_t number : {uint16_t{4}, uint16_t{65535}}) {
    refused(StatusCode::kBadFile, {"split.no", "between 0 and 3"}, [&](const Folder& folder, auto& parts) {
      parts[2].Raw("split.no", testing::kValueU16, testing::Bytes().Put(number));
      rewrite(folder, parts, 3);
    });
  }
  refused(StatusCode::kBadFile, {"split.count", "65535"}, [&](const Folder& folder, auto& parts) {
    parts[2].Raw("split.count", testing::kValueU16, testing::Bytes().Put(uint16_t{65535}));
    rewrite(folder, parts, 3);
  });
  refused(StatusCode::kBadFile, {"no metadata value \"split.no\""}, [&](const Folder& folder, auto& parts) {
    parts[2].Erase("split.no");
    rewrite(folder, parts, 3);
  });
  const Folder folder;
  WriteParts(folder, Split(model.writer, 2, true));
  fs::rename(PathOf(folder.Part(1, 2)), folder.path / "model.gguf");
  const Status status = Load((folder.path / "model.gguf").string()).status();
  EXPECT(status.code() == StatusCode::kBadFile);
  EXPECT(status.message().find("must end with \"-00001-of-00002.gguf\"") != std::string::npos);
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
