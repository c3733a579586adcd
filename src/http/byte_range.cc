#include "http/byte_range.h"

#include <algorithm>

#include "base/text.h"

namespace levelkeep::http {

namespace {

// Digits that do not fit 64 bits mean "as far as there is".
bool ParsePosition(std::string_view text, uint64_t* position) {
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(),
                                   [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return false;
  *position = ParseUint64(text).value_or(UINT64_MAX);
  return true;
}

}  // namespace

ByteRange ParseRange(std::string_view header, uint64_t total_size) {
  constexpr std::string_view kUnit = "bytes=";
  const ByteRange whole{RangeKind::kWhole, 0, total_size};
  if (header.substr(0, kUnit.size()) != kUnit) return whole;
  const std::string_view text = Trim(header.substr(kUnit.size()));
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos ||
      text.find(',') != std::string_view::npos) {
    return whole;
  }
  const std::string_view first_text = Trim(text.substr(0, dash));
  const std::string_view last_text = Trim(text.substr(dash + 1));
  uint64_t first = 0;
  uint64_t last = UINT64_MAX;
  if (first_text.empty()) {  // the last so many bytes
    uint64_t suffix = 0;
    if (!ParsePosition(last_text, &suffix)) return whole;
    if (suffix == 0 || total_size == 0) {
      return {RangeKind::kUnsatisfiable, 0, 0};
    }
    const uint64_t size = std::min(suffix, total_size);
    return {RangeKind::kPart, total_size - size, size};
  }
  if (!ParsePosition(first_text, &first)) return whole;
  if (!last_text.empty() && !ParsePosition(last_text, &last)) return whole;
  if (last < first) return whole;
  if (first >= total_size) return {RangeKind::kUnsatisfiable, 0, 0};
  return {RangeKind::kPart, first, std::min(last, total_size - 1) - first + 1};
}

bool EtagListed(std::string_view list, std::string_view etag,
                EtagComparison comparison) {
  if (Trim(list) == "*") return true;
  for (std::string_view item : Split(list, ',')) {
    item = Trim(item);
    const bool weak = item.starts_with("W/");
    if (weak && comparison == EtagComparison::kWeak) item.remove_prefix(2);
    if (item == etag) return true;
  }
  return false;
}

}  // namespace levelkeep::http
