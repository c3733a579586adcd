// The status line and headers of a response.

#ifndef LEVELKEEP_HTTP_RESPONSE_HEAD_H_
#define LEVELKEEP_HTTP_RESPONSE_HEAD_H_

#include <string>

#include "http/api.h"

namespace levelkeep::http {

struct ResponseFraming {
  bool keep_alive = true;
  bool http_1_0 = false;  // of the request
};

// Everything up to and with the empty line. A stream is announced as chunked
// (or, for HTTP/1.0, as ending with the connection); the rest has a
// Content-Length. Bytes that have no place in a header are left out.
std::string FormatResponseHead(const Response& response,
                               const ResponseFraming& framing);

// Whether the status allows a body at all (not 204 and 304).
bool MayHaveBody(const Response& response);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_RESPONSE_HEAD_H_
