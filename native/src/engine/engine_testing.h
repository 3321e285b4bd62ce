// What the engine's tests share: the embedded model and its golden vectors. Only *_test.cc files include it.
#pragma once

#include <cstring>
#include <fstream>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "base/testing.h"
#include "niwaki/engine.h"

namespace niwaki::testing {

inline std::string NanoPath() { return std::string(NIWAKI_SOURCE_DIR) + "/models/nano.gguf"; }

// The embedded model, or null and a failure of the running case.
inline std::unique_ptr<Engine> LoadNano(const std::string& kernels = "", int threads = 2) {
  Result<std::unique_ptr<Engine>> engine = Engine::Load({.path = NanoPath(), .threads = threads, .kernels = kernels});
  if (!engine.ok()) {
    Fail(__FILE__, __LINE__, engine.status().message());
    return nullptr;
  }
  return std::move(engine.value());
}

// Names of the tables that this machine can run, the oracle left out.
inline std::vector<std::string> FastTables() {
  std::vector<std::string> names;
  for (const KernelTableInfo& table : KernelTables()) {
    // Under ThreadSanitizer not the plain loops, where a better table is: they take minutes there, and have the same threads.
    const bool too_slow = kStride > 1 && table.name == "generic" && !names.empty();
    if (table.supported && table.allowed && table.name != "oracle" && !too_slow) {
      names.push_back(table.name);
    }
  }
  return names;
}

inline bool SameBits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}
inline std::vector<float> Copy(std::span<const float> values) { return {values.begin(), values.end()}; }

struct GoldenPrompt {
  std::string name;
  std::string text;
  std::vector<TokenId> ids;
  std::vector<TokenId> top_ids;
  std::vector<float> top_logits;
  std::vector<TokenId> greedy_ids;
  std::vector<float> greedy_margins;
  std::string greedy_text;
};

inline std::string Unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    ++i;
    out += text[i] == 'n' ? '\n' : text[i] == 'r' ? '\r' : text[i] == 't' ? '\t' : text[i];
  }
  return out;
}

template <typename T>
std::vector<T> Numbers(const std::string& line) {
  std::vector<T> out;
  std::istringstream in(line);
  for (T value; in >> value;) {
    out.push_back(value);
  }
  return out;
}

// test/golden/nano-logits.txt; empty when it cannot be read.
inline std::vector<GoldenPrompt> GoldenPrompts() {
  std::vector<GoldenPrompt> prompts;
  std::ifstream file(std::string(NIWAKI_SOURCE_DIR) + "/test/golden/nano-logits.txt", std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    const size_t space = line.find(' ');
    if (line.empty() || line[0] == '#' || space == std::string::npos) {
      continue;
    }
    const std::string key = line.substr(0, space);
    const std::string rest = line.substr(space + 1);
    if (key == "prompt") {
      prompts.emplace_back();
      prompts.back().name = rest;
    } else if (!prompts.empty()) {
      GoldenPrompt& p = prompts.back();
      if (key == "text") {
        p.text = Unescape(rest);
      } else if (key == "ids") {
        p.ids = Numbers<TokenId>(rest);
      } else if (key == "top20_ids") {
        p.top_ids = Numbers<TokenId>(rest);
      } else if (key == "top20_logits") {
        p.top_logits = Numbers<float>(rest);
      } else if (key == "greedy_ids") {
        p.greedy_ids = Numbers<TokenId>(rest);
      } else if (key == "greedy_margins") {
        p.greedy_margins = Numbers<float>(rest);
      } else if (key == "greedy_text") {
        p.greedy_text = Unescape(rest);
      }
    }
  }
  return prompts;
}

}  // namespace niwaki::testing
