// The request line and header lines of HTTP/1.1, read strictly.
// Source: RFC 9112.

#ifndef LEVELKEEP_HTTP_REQUEST_HEAD_H_
#define LEVELKEEP_HTTP_REQUEST_HEAD_H_

#include <cstdint>
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

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_REQUEST_HEAD_H_
