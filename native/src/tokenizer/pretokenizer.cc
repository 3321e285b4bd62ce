#include "tokenizer/pretokenizer.h"

#include "tokenizer/char_scan.h"

namespace niwaki {
namespace {

constexpr PreTokenizer kGpt2 = {Gpt2PieceEnd, false};
constexpr PreTokenizer kStarcoder = {StarcoderPieceEnd, false};
constexpr PreTokenizer kQwen2 = {Qwen2PieceEnd, false};
constexpr PreTokenizer kLlama3 = {Llama3PieceEnd, true};
constexpr PreTokenizer kDeepseekCoder = {DeepseekCoderPieceEnd, false};

// Names that writers of GGUF files use for the same rule. "default" is not among them: it has meant several rules.
struct Name {
  std::string_view name;
  const PreTokenizer* rule;
  bool own;  // false: an alias
};
constexpr Name kNames[] = {
    {"qwen2", &kQwen2, true},          {"deepseek-r1-qwen", &kQwen2, false},
    {"stablelm2", &kQwen2, false},     {"llama-bpe", &kLlama3, true},
    {"llama3", &kLlama3, false},       {"llama-v3", &kLlama3, false},
    {"falcon3", &kLlama3, false},      {"gpt-2", &kGpt2, true},
    {"phi-2", &kGpt2, false},          {"olmo", &kGpt2, false},
    {"starcoder", &kStarcoder, true},  {"refact", &kStarcoder, false},
    {"command-r", &kStarcoder, false}, {"smollm", &kStarcoder, false},
    {"codeshell", &kStarcoder, false}, {"deepseek-coder", &kDeepseekCoder, true},
};

}  // namespace

const PreTokenizer* FindPreTokenizer(std::string_view name) {
  for (const Name& known : kNames) {
    if (known.name == name) {
      return known.rule;
    }
  }
  return nullptr;
}

std::string PreTokenizerNames() {
  std::string out;
  for (const Name& known : kNames) {
    if (known.own) {
      out += (out.empty() ? "\"" : ", \"") + std::string(known.name) + "\"";
    }
  }
  return out;
}

void SplitPieces(PieceEnd piece_end, std::string_view text, std::vector<std::string_view>* pieces) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = piece_end(text, at);
    pieces->push_back(text.substr(at, end - at));
    at = end;
  }
}

// How far a rule looks past the end e of a piece:
//   * to tell a contraction from an apostrophe: 2 bytes;
//   * at the character that ends a run (letters, digits, other characters, line breaks): 4 bytes; a run of up to three
//     digits as well, since those that it takes lie before e;
//   * at a space character and the one after it (deepseek-coder; the space before a word elsewhere): 7 bytes;
//   * through a run of white space, which may lie after e (`\s*[\r\n]+` takes it only when a line break follows, and
//     `\s+(?!\S)` leaves its last character), and at the character after it: 4 bytes past the run's end.
// So when a character that is no space begins at s >= e, no run of white space that begins at or before e reaches past
// s, and all of it lies before s + 8. A byte that does not continue a character begins one, wherever the decoding
// started: a valid character holds no such byte but its first, and damaged bytes count one by one.
size_t SettledBytes(std::string_view text) {
  constexpr size_t kLookAhead = 8;
  if (text.size() < kLookAhead) {
    return 0;
  }
  for (size_t at = text.size() - kLookAhead; at > 0; --at) {
    const bool begins = (static_cast<uint8_t>(text[at]) & 0xc0) != 0x80;
    if (begins && !CharAt(text, at).space()) {
      return at;
    }
  }
  return 0;
}

}  // namespace niwaki
