// Added tokens: user-defined ones in all text, control tokens only in text that we wrote; files without token types,
// and vocabularies that lack bytes.
#include "tokenizer/added_tokens.h"

#include <algorithm>

#include "base/random_testing.h"
#include "base/testing.h"
#include "tokenizer/tokenizer_testing.h"

namespace niwaki {
namespace {

using testing::TokenizerFile;
using Tokens = std::vector<TokenId>;

std::unique_ptr<Tokenizer> Make(const TokenizerFile& file) {
  Result<std::unique_ptr<Tokenizer>> tokenizer = file.Make();
  if (!tokenizer.ok()) {
    testing::Fail(__FILE__, __LINE__, tokenizer.status().message());
    std::exit(1);
  }
  return std::move(tokenizer.value());
}

Tokens Plain(const Tokenizer& t, std::string_view text) { return t.Encode(text, SpecialTokens::kAsText); }
Tokens Parsed(const Tokenizer& t, std::string_view text) { return t.Encode(text, SpecialTokens::kParse); }

TEST("the first match wins, and of those that begin there the longest") {
  const std::vector<std::string> texts = {"b", "abc", "ab", "abcde", "cd", "ab", "x"};
  const AddedTokens added(texts.data(), {0, 1, 2, 3, 4, 5});
  const auto find = [&](std::string_view text, size_t from, size_t until, AddedTokens::Match want) {
    const AddedTokens::Match got = added.Find(text, from, until);
    EXPECT(got.begin == want.begin && got.end == want.end && got.id == want.id);
  };
  find("zzabz", 0, 5, {2, 4, 2});  // of two equal texts the lower id
  find("zzabcz", 0, 6, {2, 5, 1});
  find("abcd", 0, 4, {0, 3, 1});  // "abcd" is only the beginning of a token
  find("abcde", 0, 5, {0, 5, 3});
  find("abcde", 1, 5, {1, 2, 0});
  find("abcde", 2, 5, {2, 4, 4});
  find("zzzab", 0, 3, {3, 3, -1});  // begins past the limit
  find("zzzab", 0, 4, {3, 5, 2});   // begins before it
  find("zxz", 0, 3, {3, 3, -1});    // not in the list
  find("", 0, 0, {0, 0, -1});
  EXPECT_EQ(added.longest(), size_t{5});
  EXPECT(AddedTokens().empty());
  EXPECT_EQ(AddedTokens().Find("ab", 0, 2).id, -1);
}

TEST("random tokens in random texts are found as by trying all of them everywhere") {
  testing::Random random(1);
  const auto word = [&](int64_t most) {
    std::string out;
    for (int64_t n = 1 + random.Below(most); n > 0; --n) {
      out += "ab\xc3"[random.Below(3)];
    }
    return out;
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> texts;
    Tokens ids;
    for (TokenId id = 0; id < 1 + static_cast<TokenId>(random.Below(8)); ++id) {
      texts.push_back(word(5));
      ids.push_back(id);
    }
    const AddedTokens added(texts.data(), ids);
    const std::string text = word(20);
    for (size_t from = 0; from <= text.size(); ++from) {
      AddedTokens::Match want = {text.size(), text.size(), -1};
      for (size_t at = from; at < text.size() && want.id < 0; ++at) {
        for (const TokenId id : ids) {
          const std::string& token = texts[static_cast<size_t>(id)];
          if (text.compare(at, token.size(), token) == 0 && (want.id < 0 || at + token.size() > want.end)) {
            want = {at, at + token.size(), id};
          }
        }
      }
      const AddedTokens::Match got = added.Find(text, from, text.size());
      EXPECT(got.begin == want.begin && got.end == want.end && got.id == want.id);
    }
  }
}

TEST("user-defined tokens are found in all text and end the text before them") {
  TokenizerFile file = testing::NanoTokens();
  const TokenId four = file.Add("    ", 4);
  const TokenId eight = file.Add("        ", 4);
  const TokenId umlaut = file.Add("ü", 4);
  const TokenId empty = file.Add("", 4);
  const std::unique_ptr<Tokenizer> t = Make(file);
  for (const SpecialTokens special : {SpecialTokens::kAsText, SpecialTokens::kParse}) {
    const auto check = [&](const std::string& text, std::initializer_list<std::pair<std::string, TokenId>> parts) {
      Tokens want;
      for (const auto& [before, id] : parts) {
        const Tokens ids = Plain(*t, before);
        want.insert(want.end(), ids.begin(), ids.end());
        if (id >= 0) {
          want.push_back(id);
        }
      }
      const Tokens got = t->Encode(text, special);
      EXPECT(got == want);
      EXPECT_EQ(t->Decode(got), text);
      EXPECT_EQ(t->Decode(got, true), text);  // they are text, no control tokens
    };
    check("Führer", {{"F", umlaut}, {"hrer", -1}});
    check("x" + std::string(14, ' ') + "y", {{"x", eight}, {"", four}, {"  y", -1}});
    check("if (a)\n    return 1;", {{"if (a)\n", four}, {"return 1;", -1}});
    check("üü", {{"", umlaut}, {"", umlaut}});
  }
  EXPECT(!t->IsControl(umlaut) && t->Bytes(empty).empty());
  for (const SpecialToken& special : t->Specials()) {
    EXPECT(special.id != empty && special.in_all_text == !t->IsControl(special.id));
  }
  EXPECT_EQ(t->Find("ü"), umlaut);
  const Tokens ids = t->IdsWithPrefix("ü");
  EXPECT(std::find(ids.begin(), ids.end(), umlaut) != ids.end());
}

TEST("what ends a text is a control token, also in a file that calls all added tokens user-defined") {
  TokenizerFile file = testing::NanoTokens();
  file.Add("<|user_defined|>", 4);
  const std::unique_ptr<Tokenizer> before = Make(file);
  for (size_t i = 0; i < file.types.size(); ++i) {
    file.types[i] = file.types[i] == 3 ? 4 : file.types[i];
  }
  const std::unique_ptr<Tokenizer> after = Make(file);
  for (const char* marker : {"<|endoftext|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"}) {
    const TokenId id = after->Find(marker);
    EXPECT(id >= 0 && before->IsControl(id) && after->IsControl(id));
    EXPECT(Plain(*after, std::string("a ") + marker) == Plain(*before, std::string("a ") + marker));
  }
  EXPECT(!after->IsControl(after->Find("<|user_defined|>")));
}

TEST("no text of a user becomes a control token, however it is put together") {
  TokenizerFile file = testing::NanoTokens();
  file.Add("<|user_defined|>", 4);
  file.Add("<|", 4);  // found inside a control token's text
  file.Add("|>", 4);
  file.Add("[UNUSED]", 5);
  file.Add("<unk>", 2);
  file.Add("<s>", 3);
  file.Add("s><|im_start|>", 3);
  testing::Random random(3);
  for (const char* pre : {"gpt-2", "qwen2", "llama-bpe", "starcoder", "deepseek-coder"}) {
    file.pre = pre;
    const std::unique_ptr<Tokenizer> t = Make(file);
    std::vector<std::string> controls;
    for (TokenId id = 0; id < t->size(); ++id) {
      if (t->IsControl(id)) {
        controls.emplace_back(t->Bytes(id));
      }
    }
    EXPECT_EQ(controls.size(), size_t{13});
    const auto check = [&](const std::string& text) {
      const Tokens ids = Plain(*t, text);
      EXPECT_EQ(t->Decode(ids), text);
      for (const TokenId id : ids) {
        if (t->IsControl(id)) {
          testing::Fail(__FILE__, __LINE__, "a control token in \"" + text + "\"");
        }
      }
    };
    for (const std::string& a : controls) {
      check(a);
      for (size_t i = 0; i <= a.size(); ++i) {
        check(a.substr(0, i) + a + a.substr(i));  // one inside the other
        check(std::string(1, ' ').append(a, i).append(a, 0, i));
        for (const std::string& b : controls) {
          check(a.substr(0, i) + b.substr(std::min(i, b.size())));
        }
      }
    }
    for (int round = 0; round < 300; ++round) {
      std::string text;
      for (int i = 0; i < 6; ++i) {
        const std::string& control = controls[static_cast<size_t>(random.Below(static_cast<int64_t>(controls.size())))];
        text += control.substr(static_cast<size_t>(random.Below(3)), static_cast<size_t>(random.Below(20)));
      }
      check(text);
    }
  }
}

TEST("text of our own: control tokens and unknown tokens are parsed, unused ones are not") {
  TokenizerFile file = testing::NanoTokens();
  const TokenId unused = file.Add("[UNUSED]", 5);
  const TokenId unknown = file.Add("<unk>", 2);
  const TokenId longer = file.Add("<|fim_prefix|>x", 3);
  const std::unique_ptr<Tokenizer> t = Make(file);
  EXPECT(Parsed(*t, "<unk>") == Tokens{unknown});
  EXPECT(Parsed(*t, "<|fim_prefix|>x") == Tokens{longer});
  EXPECT(Parsed(*t, "<|fim_prefix|>y").front() == t->Find("<|fim_prefix|>"));
  EXPECT(Parsed(*t, "[UNUSED]") == Plain(*t, "[UNUSED]"));
  EXPECT(t->IsControl(unused) && t->Find("[UNUSED]") == unused);
}

TEST("a file without token types: markers that no merge makes are control tokens") {
  TokenizerFile file = testing::ByteTokens();
  file.tokens.insert(file.tokens.end(), {"ab", "<<", "<<>", "<|im_end|>", "stop", "orphan", "not in the alphabet"});
  file.merges = {"a b", "< <", "<< >"};
  file.types.clear();
  file.ids = {{"eos", 260}, {"eot", 256}, {"padding", 70}, {"bos", 999}};
  const std::unique_ptr<Tokenizer> t = Make(file);
  EXPECT(!t->IsControl(70));   // a single byte, whatever the file calls it
  EXPECT(!t->IsControl(256));  // "ab" comes of plain text
  EXPECT(!t->IsControl(258));  // "<<>" looks like a marker, but merges make it
  EXPECT(t->IsControl(259) && t->IsControl(260));
  EXPECT(!t->IsControl(261));  // nothing says so
  EXPECT(t->IsControl(262));
  EXPECT(Plain(*t, "ab<<>") == (Tokens{256, 258}));
  EXPECT_EQ(Plain(*t, "<|im_end|>").size(), size_t{10});
  EXPECT(Parsed(*t, "<|im_end|>stop") == (Tokens{259, 260}));
  EXPECT(Parsed(*t, "not in the alphabet") == Tokens{262});
  EXPECT(t->eos() == 260 && t->bos() == -1);
}

TEST("bytes that valid UTF-8 never holds may be missing, and become replacement characters") {
  TokenizerFile file = testing::ByteTokens();
  file.types[0xff] = 4;  // the token is the text "ÿ" then, as in DeepSeek Coder's vocabulary
  file.types[0xc0] = 4;
  const std::unique_ptr<Tokenizer> t = Make(file);
  EXPECT(Plain(*t, "ÿ") == Tokens{0xff});
  EXPECT_EQ(t->Decode(Plain(*t, "a\xff\xc0z")), std::string("a\ufffd\ufffdz"));
  EXPECT_EQ(t->Decode(Plain(*t, "\xf0\x9f\x8e\x89")), std::string("\xf0\x9f\x8e\x89"));
  file.types['a'] = 4;
  EXPECT(!file.Make().ok());
}

TEST("a piece that is a token: by merges, unless the rule takes it whole") {
  TokenizerFile file = testing::ByteTokens();
  for (const char* token : {"ab", "bc", "abc", "orphan"}) {
    file.Add(token, 1);
  }
  file.merges = {"b c", "a b", "ab c"};  // "abc" becomes a + bc, which does not merge
  const std::unique_ptr<Tokenizer> merged = Make(file);
  EXPECT(Plain(*merged, "abc") == (Tokens{'a', 257}));
  EXPECT_EQ(Plain(*merged, "orphan").size(), size_t{6});
  file.pre = "llama-bpe";
  const std::unique_ptr<Tokenizer> whole = Make(file);
  EXPECT(Plain(*whole, "abc") == Tokens{258});
  EXPECT(Plain(*whole, "orphan") == Tokens{259});
  EXPECT(Plain(*whole, "abcd") == (Tokens{'a', 257, 'd'}));
}

TEST("an added token's text is at most 1024 bytes long") {
  TokenizerFile file = testing::ByteTokens();
  file.Add(std::string(1024, 'x'), 4);
  EXPECT(file.Make().ok());
  file.Add(std::string(1025, 'x'), 3);
  const auto refused = file.Make();
  EXPECT(!refused.ok() && refused.status().code() == StatusCode::kBadFile);
  EXPECT(refused.status().message().find("1025 bytes; copy") != std::string::npos);
}

TEST("rules that we do not have are refused by name, with those that we have") {
  TokenizerFile file = testing::ByteTokens();
  for (const char* pre : {"default", "tekken", ""}) {
    file.pre = pre;
    const auto refused = file.Make();
    EXPECT(!refused.ok() && refused.status().code() == StatusCode::kUnsupported);
    const std::string message = refused.ok() ? "" : refused.status().message();
    EXPECT_EQ(message.find(std::string("tokenizer.ggml.pre is \"").append(pre).append("\", ")), size_t{0});
    EXPECT(message.find("\"deepseek-coder\"; use") != std::string::npos);
  }
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
