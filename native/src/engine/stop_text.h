// Lets generated text through until a stop string is complete, also one that is spread over several tokens. The result
// depends on the text alone, not on how it was cut into tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace niwaki {

class StopText {
 public:
  explicit StopText(std::vector<std::string> stops);
  // Text that may be shown after `text` was generated. What could be the beginning of a stop string is held back.
  std::string Push(std::string_view text);
  // What is still held back, when the stream ended without a stop string.
  std::string Flush();
  // A stop string was seen; nothing comes out any more.
  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace niwaki
