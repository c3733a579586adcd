// Requests and responses, without sockets; names of statuses, and HTTP's dates.

#ifndef LEVELKEEP_HTTP_MESSAGE_H_
#define LEVELKEEP_HTTP_MESSAGE_H_

#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep::http {

struct Route;  // http/router.h

struct Request {
  std::string method;                          // upper case
  std::string path;                            // decoded once, without query
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // lower-case names
  std::string body;
  // Set once by Router::Resolve, after the head was read.
  bool resolved = false;
  const Route* route = nullptr;                   // null: no route matches
  std::map<std::string, std::string> parameters;  // "{name}" in its pattern
  // For 405; empty if no route has that path.
  std::vector<std::string> allowed_methods;

  // Null if the request has no such header. `name` is in lower case.
  const std::string* FindHeader(const std::string& name) const;
};

// A body that is generated while it is sent (server-sent events).
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // Appends the next part to `chunk`. May wait up to a second and then append
  // nothing. False at the end.
  virtual bool Next(std::string* chunk) = 0;
};

struct Response {
  int status = 200;
  std::map<std::string, std::string> headers;
  std::string content_type = "application/json; charset=utf-8";
  std::string body;
  // Held until the answer was sent; see TransferLimits.
  std::shared_ptr<void> place;
  // If set, this range of an open file replaces `body`.
  std::shared_ptr<const ByteSource> file;
  uint64_t file_offset = 0;
  uint64_t file_size = 0;
  // If set, this stream replaces both.
  std::shared_ptr<BodyStream> stream;
};

using Handler = std::function<Response(const Request&)>;

// RFC 9457 problem+json with success:false, code and hint; one table maps
// StatusCode to HTTP status. 503 has the header Retry-After.
Response ErrorResponse(const Status& status);
Response ErrorResponse(int http_status, std::string_view code,
                       std::string_view detail, std::string_view hint = "");
// A response with `json_text` as its body.
Response JsonResponse(std::string json_text, int status = 200);

// "Not Found" for 404; "Status" for statuses that LevelKeep never sends.
// Source: RFC 9110, section 15; RFC 6585; RFC 4918.
std::string_view StatusText(int status);

// "Fri, 27 Dec 2024 12:00:00 GMT", independent of the locale.
std::string HttpDate(std::time_t time);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_MESSAGE_H_
