#include "levelkeep/status.h"

#include <cstdio>
#include <cstdlib>

namespace levelkeep {

void EndWithoutValue(const Status& status) {
  std::fprintf(stderr,
               "levelkeep: a Result without a value was used: %s\n"
               "levelkeep: ask ok() before, and print status()\n",
               status.ToString().c_str());
  std::abort();
}

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "ok";
    case StatusCode::kInvalidArgument:
      return "invalid_argument";
    case StatusCode::kNotFound:
      return "not_found";
    case StatusCode::kAlreadyExists:
      return "already_exists";
    case StatusCode::kBusy:
      return "busy";
    case StatusCode::kNoSpace:
      return "no_space";
    case StatusCode::kPermissionDenied:
      return "permission_denied";
    case StatusCode::kCorruption:
      return "corruption";
    case StatusCode::kUnsupported:
      return "unsupported";
    case StatusCode::kRefused:
      return "refused";
    case StatusCode::kIoError:
      return "io_error";
    case StatusCode::kCancelled:
      return "cancelled";
    case StatusCode::kInternal:
      return "internal";
    case StatusCode::kOtherDatabase:
      return "other_database";
    case StatusCode::kDegraded:
      return "degraded";
    case StatusCode::kNotChecked:
      return "not_checked";
  }
  return "internal";
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  std::string message(context);
  message += ": ";
  message += message_;
  return Status(code_, std::move(message), hint_);
}

Status Status::WithHint(std::string_view hint) const {
  if (ok() || !hint_.empty()) return *this;
  return Status(code_, message_, std::string(hint));
}

std::string Status::ToString() const {
  std::string text(StatusCodeName(code_));
  if (ok()) return text;
  text += ": ";
  text += message_;
  if (!hint_.empty()) {
    text += " (hint: ";
    text += hint_;
    text += ')';
  }
  return text;
}

}  // namespace levelkeep
