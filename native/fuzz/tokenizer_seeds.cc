// Inputs for the tokenizer fuzzer to start from: the form is described there.
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace std::string_literals;

std::string Byte(size_t value) { return std::string(1, static_cast<char>(value)); }
std::string Sized(const std::string& text) { return Byte(text.size()) + text; }
// Edits; places are 0.
std::string Insert(const std::string& text) { return "\0\0\0"s + Sized(text); }
std::string Erase(size_t size) { return "\1\0\1"s + Byte(size); }
std::string Copy(size_t size) { return "\3\0\0"s + Byte(size) + "\0\4"s; }
const std::string kUndo = "\4\0\0"s;

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    return 2;
  }
  const std::vector<std::string> texts = {"const x = 1234567;\r\n\r\n  return  x;\n\t}\n   ",
                                          "it's we'LL don't ''s '",
                                          "日本語 “x” 。\u3000テスト\u2028",
                                          "<|fim_prefix|><|endoftext|>|><|üretreturn x",
                                          "let it be = true; // x              ",
                                          "🎉 👩\u200d💻 e\u0301 \xff\xe6\x97 \xf0\x9f"};
  int count = 0;
  const auto write = [&](const std::string& input) {
    std::ofstream(std::string(argv[1]) + "/" + std::to_string(count++), std::ios::binary) << input;
  };
  for (size_t kind = 0; kind < 10; ++kind) {
    for (const std::string& text : texts) {
      write(Byte(0) + Byte(kind) + Insert(text) + Insert("1") + Erase(2) + Copy(9) + Insert(" \n") + kUndo);
    }
    // 3 tokens: a control token, two user-defined ones; 2 merges that make their tokens; sound, and without types
    for (const size_t how : {8, 24, 10, 9, 40}) {
      write(Byte(1) + Byte(kind) + Byte(how) + Byte(3) + "\3"s + Sized("<|end|>") + "\4"s + Sized("  ") + "\4"s +
            Sized("<|") + Byte(2) + Sized("a") + Sized("b") + Sized("ab") + Sized("c") + "\0\0\0"s +
            Insert("abc <|end|> a  b") + Erase(1) + Copy(5) + kUndo);
    }
  }
  return 0;
}
