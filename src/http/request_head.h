// Reads the request line and header lines of HTTP/1.1 strictly: targets with
// percent-encoding, one range, lists of ETags. Source: RFC 9110, RFC 9112.

#ifndef LEVELKEEP_HTTP_REQUEST_HEAD_H_
#define LEVELKEEP_HTTP_REQUEST_HEAD_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "http/message.h"

namespace levelkeep::http {

inline constexpr size_t kMaxRequestLineBytes = 8 << 10;
inline constexpr size_t kMaxHeadBytes = 32 << 10;
inline constexpr size_t kMaxHeaderLines = 100;

// The reason why a request is refused before a handler sees it.
struct Refusal {
  int status = 400;
  const char* code = "bad_request";
  std::string detail;
};

struct RequestHead {
  Request request;  // without body and parameters
  bool http_1_0 = false;
  bool keep_alive = true;
  bool chunked = false;
  bool expects_continue = false;
  uint64_t content_length = 0;
};

// `text` ends with the empty line. Refuses, among others: bare line feeds,
// folded lines, blanks before a colon, control characters, a repeated header
// that must be single, Content-Length together with Transfer-Encoding, lengths
// that are not plain numbers, encodings other than chunked, and a missing Host
// in HTTP/1.1.
std::variant<RequestHead, Refusal> ParseRequestHead(std::string_view text);

// Whether `line`, which is not empty, is a valid header line; also used for the
// trailer of a chunked body.
bool IsHeaderLine(std::string_view line);

struct Target {
  std::string path;                          // decoded once
  std::map<std::string, std::string> query;  // decoded; '+' is a blank
};

// Nullopt if the target is not an absolute path, has an incomplete escape, a
// control character (also escaped), '#', or a repeated query name, or decodes
// to bytes that are not UTF-8. `repeated`, unless null, gets the repeated name.
std::optional<Target> ParseTarget(std::string_view target,
                                  std::string* repeated = nullptr);

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

#endif  // LEVELKEEP_HTTP_REQUEST_HEAD_H_
