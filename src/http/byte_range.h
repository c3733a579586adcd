// Range requests (RFC 9110, section 14), one range only.

#ifndef LEVELKEEP_HTTP_BYTE_RANGE_H_
#define LEVELKEEP_HTTP_BYTE_RANGE_H_

#include <cstdint>
#include <string_view>

namespace levelkeep::http {

enum class RangeKind {
  kWhole,          // no range, one that is not understood, or several
  kPart,           // offset and size say which
  kUnsatisfiable,  // begins beyond the end: 416
};

struct ByteRange {
  RangeKind kind = RangeKind::kWhole;
  uint64_t offset = 0;
  uint64_t size = 0;
};

// `header` as in "bytes=0-99", "bytes=100-" or "bytes=-100". A header that
// RFC 9110 lets a server ignore is ignored.
ByteRange ParseRange(std::string_view header, uint64_t total_size);

enum class EtagComparison {
  kWeak,    // for If-None-Match
  kStrong,  // for If-Match: a weak one never matches
};

// Whether `etag`, a strong one, is in a list as those headers have it.
bool EtagListed(std::string_view list, std::string_view etag,
                EtagComparison comparison = EtagComparison::kWeak);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_BYTE_RANGE_H_
