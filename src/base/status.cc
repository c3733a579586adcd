#include "levelkeep/status.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace levelkeep {

namespace {

// In the order of the enum.
constexpr std::string_view kCodeNames[] = {
    "ok",          "invalid_argument", "not_found",         "already_exists",
    "busy",        "no_space",         "permission_denied", "corruption",
    "unsupported", "refused",          "io_error",          "cancelled",
    "internal",    "other_database",   "not_checked",       "degraded"};

}  // namespace

void EndWithoutValue(const Status& status) {
  std::fprintf(stderr,
               "levelkeep: a Result without a value was used: %s\n"
               "levelkeep: ask ok() before, and print status()\n",
               status.ToString().c_str());
  std::abort();
}

std::string_view StatusCodeName(StatusCode code) {
  const auto index = static_cast<size_t>(code);
  return index < std::size(kCodeNames) ? kCodeNames[index] : "internal";
}

StatusCode StatusCodeNamed(std::string_view name) {
  for (size_t i = 0; i < std::size(kCodeNames); ++i) {
    if (kCodeNames[i] == name) return static_cast<StatusCode>(i);
  }
  return StatusCode::kInternal;
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
