// The whole Qwen2 vocabulary against published token ids. Needs a folder with
//   qwen.tiktoken          one "base64(bytes) rank" a line, 151,643 lines
//   qwen2.inp, qwen2.out   texts separated by "\n__ggml_vocab_test__\n"; a line of ids for each
// named by NIWAKI_TOKENIZER_DATA, else the place below; without it the test is skipped.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unordered_map>

#include "base/testing.h"
#include "gguf/gguf_testing.h"
#include "tokenizer/tokenizer.h"

namespace niwaki {
namespace {

std::string Folder() {
  const char* folder = std::getenv("NIWAKI_TOKENIZER_DATA");
  return folder != nullptr && *folder != '\0' ? folder : std::string(NIWAKI_SOURCE_DIR) + "/../shared/data/tokenizer";
}

std::string ReadFile(const std::string& name) {
  std::ifstream file(Folder() + "/" + name, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

std::string FromBase64(const std::string& text) {
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    if (value < 0) {
      break;
    }
    bits = (bits << 6) | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>((bits >> held) & 0xff);
    }
  }
  return out;
}

using testing::Written;
using Ranks = std::unordered_map<std::string, int32_t>;

// The parts of `token` when only tokens of lower rank than its own may be built: two, for a token that a merge makes.
std::vector<std::string> PartsOf(const Ranks& ranks, const std::string& token, int32_t rank) {
  std::vector<std::string> parts;
  for (const char c : token) {
    parts.emplace_back(1, c);
  }
  while (parts.size() > 2) {
    size_t best = parts.size();
    int32_t lowest = rank;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = ranks.find(parts[i] + parts[i + 1]);
      if (found != ranks.end() && found->second < lowest) {
        lowest = found->second;
        best = i;
      }
    }
    if (best == parts.size()) {
      break;
    }
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<int64_t>(best) + 1);
  }
  return parts;
}

constexpr int32_t kPlainTokens = 151643;

// The vocabulary as the metadata of a GGUF file.
std::vector<uint8_t> QwenFile() {
  Ranks ranks;
  std::vector<std::string> tokens(static_cast<size_t>(kPlainTokens));
  std::istringstream lines(ReadFile("qwen.tiktoken"));
  std::string encoded;
  for (int32_t rank = 0; lines >> encoded >> rank;) {
    tokens.at(static_cast<size_t>(rank)) = FromBase64(encoded);
    ranks[tokens[static_cast<size_t>(rank)]] = rank;
  }
  EXPECT_EQ(ranks.size(), tokens.size());
  std::vector<std::string> merges;
  std::vector<std::string> written;
  for (int32_t rank = 0; rank < kPlainTokens; ++rank) {
    const std::string& token = tokens[static_cast<size_t>(rank)];
    written.push_back(Written(token));
    if (token.size() > 1) {
      const std::vector<std::string> parts = PartsOf(ranks, token, rank);
      if (parts.size() == 2) {
        merges.push_back(Written(parts[0]) + " " + Written(parts[1]));
      }
    }
  }
  // All but a few tokens (which no merge can make) are pairs.
  EXPECT(merges.size() > static_cast<size_t>(kPlainTokens) - 256 - 400);
  std::vector<int32_t> types(written.size(), 1);
  for (const char* control : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) {
    written.push_back(control);
    types.push_back(3);
  }
  testing::GgufWriter writer;
  writer.String("tokenizer.ggml.model", "gpt2");
  writer.String("tokenizer.ggml.pre", "qwen2");
  writer.Strings("tokenizer.ggml.tokens", written);
  writer.Ints("tokenizer.ggml.token_type", types);
  writer.Strings("tokenizer.ggml.merges", merges);
  writer.U32("tokenizer.ggml.eos_token_id", static_cast<uint32_t>(kPlainTokens) + 2);
  return writer.Write();
}

const Tokenizer* Qwen() {
  static const std::vector<uint8_t> bytes = QwenFile();
  static const Result<std::unique_ptr<GgufFile>> file = GgufFile::Parse(bytes);
  static const auto begin = std::chrono::steady_clock::now();
  static const Result<std::unique_ptr<Tokenizer>> tokenizer =
      file.ok() ? NewTokenizer(*file.value()) : Result<std::unique_ptr<Tokenizer>>(file.status());
  static const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  static const int printed = std::printf("    %.0f ms to load the vocabulary\n", seconds * 1e3);
  EXPECT(printed > 0);
  if (!tokenizer.ok()) {
    testing::Fail(__FILE__, __LINE__, tokenizer.status().message());
    return nullptr;
  }
  return tokenizer.value().get();
}

TEST("all published cases give the published ids, and come back") {
  const Tokenizer* qwen = Qwen();
  if (qwen == nullptr) {
    return;
  }
  const std::string inputs = ReadFile("qwen2.inp");
  std::istringstream outputs(ReadFile("qwen2.out"));
  const std::string separator = "\n__ggml_vocab_test__\n";
  int cases = 0;
  int wrong = 0;
  for (size_t at = 0; at < inputs.size();) {
    const size_t end = std::min(inputs.find(separator, at), inputs.size());
    const std::string text = inputs.substr(at, end - at);
    at = end + separator.size();
    std::string line;
    EXPECT(!std::getline(outputs, line).fail());
    std::istringstream numbers(line);
    std::vector<TokenId> want;
    for (TokenId id = 0; numbers >> id;) {
      want.push_back(id);
    }
    const std::vector<TokenId> got = qwen->Encode(text, SpecialTokens::kAsText);
    if (got != want) {
      testing::Fail(__FILE__, __LINE__, "other ids for \"" + text + "\"");
      ++wrong;
    }
    EXPECT_EQ(qwen->Decode(got), text);
    ++cases;
  }
  std::printf("    %d of %d published cases are equal\n", cases - wrong, cases);
  EXPECT(cases >= 46);
}

TEST("control tokens of the large vocabulary") {
  const Tokenizer* qwen = Qwen();
  if (qwen == nullptr) {
    return;
  }
  EXPECT(qwen->Encode("<|im_start|>user\nhi<|im_end|>\n", SpecialTokens::kParse) ==
         (std::vector<TokenId>{151644, 872, 198, 6023, 151645, 198}));
  EXPECT_EQ(qwen->eos(), 151645);
}

double MegabytesPerSecond(const std::string& text) {
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<TokenId> ids = Qwen()->Encode(text, SpecialTokens::kAsText);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    EXPECT_EQ(Qwen()->Decode(ids), text);
    best = std::max(best, static_cast<double>(text.size()) / 1e6 / seconds);
  }
  return best;
}

TEST("the speed of encoding source code, and a megabyte without a break") {
  if (Qwen() == nullptr) {
    return;
  }
  std::string code;
  std::error_code error;
  const std::filesystem::path root = std::filesystem::path(NIWAKI_SOURCE_DIR);
  for (const char* folder : {"native/src", "server/src", "client/src", "scripts", "docs"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder, error)) {
      if (entry.is_regular_file() && entry.path().filename() != "unicode_table.cc") {
        std::ifstream file(entry.path(), std::ios::binary);
        std::ostringstream text;
        text << file.rdbuf();
        code += text.str();
      }
    }
  }
  if (code.size() < 100000) {
    std::printf("    skipped: the sources are elsewhere\n");
    return;
  }
  std::printf("    %.1f MB/s: %.1f MB of source code and documents\n", MegabytesPerSecond(code),
              static_cast<double>(code.size()) / 1e6);
  std::printf("    %.1f MB/s: 1 MB of one letter\n", MegabytesPerSecond(std::string(1000000, 'a')));
  std::string letters;
  for (uint32_t state = 1; letters.size() < 1000000; state = state * 1664525 + 1013904223) {
    letters += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(state >> 16) % 52];
  }
  std::printf("    %.1f MB/s: 1 MB of random letters\n", MegabytesPerSecond(letters));
}

}  // namespace
}  // namespace niwaki

int main(int argc, char** argv) {
  for (const char* name : {"qwen.tiktoken", "qwen2.inp", "qwen2.out"}) {
    if (!std::ifstream(niwaki::Folder() + "/" + name).good()) {
      std::printf("skipped: the Qwen2 vocabulary is not there (set NIWAKI_TOKENIZER_DATA to its folder)\n");
      return 77;
    }
  }
  return niwaki::testing::RunAll(argc, argv);
}
