#include "engine/stop_text.h"

#include <algorithm>
#include <utility>

namespace niwaki {

StopText::StopText(std::vector<std::string> stops) : stops_(std::move(stops)) {
  stops_.erase(std::remove_if(stops_.begin(), stops_.end(), [](const std::string& stop) { return stop.empty(); }),
               stops_.end());
}

std::string StopText::Push(std::string_view text) {
  if (stopped_) {
    return std::string();
  }
  held_ += text;
  // The stop string that is complete first counts, of several that end there the longest: so the answer does not depend
  // on how the text was cut.
  size_t match = std::string::npos;
  size_t match_end = std::string::npos;
  for (const std::string& stop : stops_) {
    const size_t begin = held_.find(stop);
    if (begin != std::string::npos && std::pair(begin + stop.size(), begin) < std::pair(match_end, match)) {
      match = begin;
      match_end = begin + stop.size();
    }
  }
  if (match != std::string::npos) {
    stopped_ = true;
    std::string out = held_.substr(0, match);
    held_.clear();
    return out;
  }
  size_t keep = 0;  // length of the longest end of the text that begins a stop string
  for (const std::string& stop : stops_) {
    for (size_t n = std::min(stop.size() - 1, held_.size()); n > keep; --n) {
      if (held_.compare(held_.size() - n, n, stop, 0, n) == 0) {
        keep = n;
        break;
      }
    }
  }
  std::string out = held_.substr(0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return out;
}

std::string StopText::Flush() {
  std::string out;
  std::swap(out, held_);
  return out;
}

}  // namespace niwaki
