// Errors of the engine: a code and a sentence that says what is wrong and what to do next. No exceptions, no abort.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace niwaki {

enum class StatusCode {
  kOk = 0,
  kInvalidArgument,  // the caller passed something senseless
  kNotFound,         // a file or a tensor is not there
  kBadFile,          // the file is damaged or lies about itself
  kUnsupported,      // the file is sound but asks for something this engine does not do
  kOutOfMemory,      // an allocation would exceed, or did exceed, what there is
  kContextOverflow,  // more tokens than the session may hold
  kCancelled,        // the caller's cancel flag was set
  kInternal,         // a bug of ours
};

// Stable lower_snake name of a code; it crosses the addon boundary as Error.code.
const char* StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}
  static Status Ok() { return Status(); }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

// A value, or the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}         // NOLINT: implicit on purpose, so that `return value;` works
  Result(Status status) : state_(std::move(status)) {}  // NOLINT: likewise for `return Status(...)`

  bool ok() const { return std::holds_alternative<T>(state_); }
  // Only when ok().
  T& value() { return std::get<T>(state_); }
  const T& value() const { return std::get<T>(state_); }
  // Ok when ok().
  Status status() const { return ok() ? Status() : std::get<Status>(state_); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace niwaki

// Leaves the function with the Status of `expr` when that is not ok.
#define NIWAKI_RETURN_IF_ERROR(expr)          \
  do {                                        \
    ::niwaki::Status niwaki_status_ = (expr); \
    if (!niwaki_status_.ok()) {               \
      return niwaki_status_;                  \
    }                                         \
  } while (false)
