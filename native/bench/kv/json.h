// The little JSON that this program writes for bench/kv.mjs.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace niwaki::kvbench {

inline std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + '"';
}

inline std::string Number(double value) {
  if (!std::isfinite(value)) {
    return "null";
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

class JsonObject {
 public:
  JsonObject& Raw(std::string_view key, std::string_view json) {
    text_ += text_.size() > 1 ? "," : "";
    text_ += Quoted(key) + ":" + std::string(json);
    return *this;
  }
  JsonObject& Text(std::string_view key, std::string_view value) { return Raw(key, Quoted(value)); }
  JsonObject& Set(std::string_view key, double value) { return Raw(key, Number(value)); }
  JsonObject& Set(std::string_view key, int64_t value) { return Raw(key, std::to_string(value)); }
  std::string str() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

class JsonArray {
 public:
  JsonArray& Add(std::string_view json) {
    text_ += text_.size() > 1 ? "," : "";
    text_ += json;
    return *this;
  }
  std::string str() const { return text_ + "]"; }

 private:
  std::string text_ = "[";
};

}  // namespace niwaki::kvbench
