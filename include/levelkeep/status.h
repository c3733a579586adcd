// How every operation reports failure. No exception crosses the interface.

#ifndef LEVELKEEP_STATUS_H_
#define LEVELKEEP_STATUS_H_

#include <optional>
#include <string>
#include <utility>

namespace levelkeep {

// Stable across releases; CLI exit codes and HTTP statuses derive from it.
enum class StatusCode {
  kOk = 0,
  kInvalidArgument,   // the caller's input is wrong; retrying can't help
  kNotFound,          // the named backup, file or folder does not exist
  kAlreadyExists,     // it would overwrite something
  kBusy,              // another job or process is in the way now
  kNoSpace,           // the disk (or memory) is, or would become, too full
  kPermissionDenied,  // mode, owner or read-only file system
  kCorruption,        // bytes are damaged: a digest, CRC or structure is wrong
  kUnsupported,       // well-formed, but this version or host can't do it
  kRefused,           // a safety rule forbids it
  kIoError,           // the operating system failed
  kCancelled,         // a stop was requested
  kInternal,          // a bug in LevelKeep, or code of the host threw
  kOtherDatabase,     // a backup of another database, without other_database
  kNotChecked,        // a check could not be done: it says nothing
  kDegraded,          // it works, and something needs a person
};
std::string_view StatusCodeName(StatusCode code);   // a stable word: "no_space"
StatusCode StatusCodeNamed(std::string_view name);  // kInternal for other words

// Success, or a failure: what went wrong, where, and what a person can do.
// Value type. Thread safety: as std::string.
class [[nodiscard]] Status {
 public:
  Status() = default;  // success
  Status(StatusCode code, std::string message, std::string hint = "")
      : code_(code), message_(std::move(message)), hint_(std::move(hint)) {}
  static Status Ok() { return Status(); }
  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  // Lower case, names the file or setting concerned; empty if ok().
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }  // what to do, or empty
  // The failure with "context: " in front, or with `hint` if it has no hint.
  Status WithContext(std::string_view context) const;
  Status WithHint(std::string_view hint) const;
  std::string ToString() const;  // "busy: the message (hint: …)", or "ok"

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_, hint_;
};

[[noreturn]] void EndWithoutValue(const Status& status);

// A T, or the Status that says why there is none. Thread safety: as T.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT
  Result(Status status) : status_(std::move(status)) {  // NOLINT
    if (status_.ok()) status_ = Status(StatusCode::kInternal, "no value");
  }
  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  // REQUIRES: ok(). Else the process prints status() and ends. A temporary
  // moves its value out, so that `for (auto& x : List().value())` is safe.
  T& value() & { return Held(value_); }
  const T& value() const& { return Held(value_); }
  T value() && { return std::move(Held(value_)); }
  T& operator*() & { return Held(value_); }
  const T& operator*() const& { return Held(value_); }
  T operator*() && { return std::move(Held(value_)); }
  T* operator->() { return &Held(value_); }
  const T* operator->() const { return &Held(value_); }

 private:
  template <typename Optional>
  auto& Held(Optional& value) const {
    if (!value.has_value()) EndWithoutValue(status_);
    return *value;
  }

  std::optional<T> value_;
  Status status_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_STATUS_H_
