// Range requests (RFC 9110, section 14), one range only.

#ifndef LEVELKEEP_HTTP_BYTE_RANGE_H_
#define LEVELKEEP_HTTP_BYTE_RANGE_H_

#include <cstdint>
#include <string_view>

namespace levelkeep::http {

enum class RangeKind {
  kWhole,          // no range, several ranges, or one that is not understood
  kPart,           // offset and size are set
  kUnsatisfiable,  // the range begins behind the end: 416
};

struct ByteRange {
  RangeKind kind = RangeKind::kWhole;
  uint64_t offset = 0;
  uint64_t size = 0;
};

// `header` is "bytes=0-99", "bytes=100-" or "bytes=-100". Headers that RFC 9110
// permits a server to ignore are ignored.
ByteRange ParseRange(std::string_view header, uint64_t total_size);

enum class EtagComparison {
  kWeak,    // for If-None-Match
  kStrong,  // for If-Match: a weak one never matches
};

// Whether the strong `etag` is in `list`, the value of such a header.
bool EtagListed(std::string_view list, std::string_view etag,
                EtagComparison comparison = EtagComparison::kWeak);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_BYTE_RANGE_H_
