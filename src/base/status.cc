#include "levelkeep/status.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace levelkeep {

void EndWithoutValue(const Status& status) {
  std::fprintf(stderr,
               "levelkeep: a Result without a value was used: %s\n"
               "levelkeep: ask ok() before, and print status()\n",
               status.ToString().c_str());
  std::abort();
}

std::string_view StatusCodeName(StatusCode code) {
  // In the order of the enum.
  constexpr std::string_view kNames[] = {
      "ok",          "invalid_argument", "not_found",         "already_exists",
      "busy",        "no_space",         "permission_denied", "corruption",
      "unsupported", "refused",          "io_error",          "cancelled",
      "internal",    "other_database",   "not_checked",       "degraded"};
  const auto index = static_cast<size_t>(code);
  return index < std::size(kNames) ? kNames[index] : "internal";
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
