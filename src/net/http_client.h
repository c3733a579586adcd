// One HTTP request, with limits for everything.

#ifndef LEVELKEEP_NET_HTTP_CLIENT_H_
#define LEVELKEEP_NET_HTTP_CLIENT_H_

#include <chrono>
#include <cstddef>
#include <map>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "levelkeep/status.h"

namespace levelkeep {

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http:// or https://; may have user and password
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::chrono::milliseconds timeout{30'000};  // for everything together
  size_t response_limit_bytes = 64 << 10;     // for head and body, each
  // Certificates of the authorities to trust (PEM); empty: the system's.
  std::string ca_file = {};
};

struct HttpResponse {
  long status = 0;                             // 100 to 599
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  bool truncated = false;  // the body was longer than the limit
};

// Sends the request and receives the whole response; a response with any status
// is a success, and no redirect is followed. A TLS certificate that is not
// trusted is an error. Messages name scheme, host and port, never the rest of
// the URL, which may be a secret. kInvalidArgument: the URL or a header is not
// usable; kCancelled: `stop`, which ends the request within milliseconds;
// kIoError: there was no response.
// Thread safety: any thread.
Result<HttpResponse> SendHttp(const HttpRequest& request, std::stop_token stop);

// "https://host:port" of a URL; "the URL" if it is malformed.
std::string PlaceOfUrl(const std::string& url);

}  // namespace levelkeep

#endif  // LEVELKEEP_NET_HTTP_CLIENT_H_
