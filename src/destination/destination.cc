#include "destination/destination.h"

#include <algorithm>

#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

namespace {

constexpr size_t kLongestName = 200;
constexpr uint64_t kComparedBytes = 1u << 20;

}  // namespace

Status RequireObjectName(const std::string& name) {
  const bool ok = !name.empty() && name.size() <= kLongestName &&
                  name.front() != '.' && name.front() != '-' &&
                  IsMadeOf(name, "._-");
  if (ok) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                "'" + Printable(name) + "' can't be the name of an object",
                "use at most " + std::to_string(kLongestName) +
                    " of the characters A-Z a-z 0-9 . _ -, and begin with a "
                    "letter or digit");
}

Status RequirePutSource(const PutSource& source) {
  if (source.bytes == nullptr || source.size_bytes == 0) {
    return Status(StatusCode::kInvalidArgument, "an object can't be empty");
  }
  uint64_t end = 0;
  for (const SharedRange& range : source.shared) {
    const bool inside = range.size_bytes > 0 && range.offset >= end &&
                        range.offset < source.size_bytes &&
                        range.size_bytes <= source.size_bytes - range.offset;
    if (!inside) {
      return Status(StatusCode::kInvalidArgument,
                    "the shared range at " + std::to_string(range.offset) +
                        " overlaps another range or ends behind the object");
    }
    end = range.offset + range.size_bytes;
  }
  return Status::Ok();
}

Result<uint64_t> CountEqualBytes(const ByteSource& a, const ByteSource& b,
                                 uint64_t size_bytes, const Work& work) {
  std::string left(static_cast<size_t>(std::min(size_bytes, kComparedBytes)),
                   '\0');
  std::string right(left.size(), '\0');
  uint64_t equal = 0;
  while (equal < size_bytes) {
    if (work.stop.stop_requested()) {
      return Status(StatusCode::kCancelled, "stopped on request");
    }
    const auto step = static_cast<size_t>(
        std::min<uint64_t>(size_bytes - equal, kComparedBytes));
    LEVELKEEP_RETURN_IF_ERROR(ReadExactly(a, equal, left.data(), step));
    LEVELKEEP_RETURN_IF_ERROR(ReadExactly(b, equal, right.data(), step));
    if (left.compare(0, step, right, 0, step) != 0) break;
    equal += step;
  }
  return equal;
}

}  // namespace levelkeep
