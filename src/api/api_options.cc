#include <algorithm>

#include "base/text.h"
#include "http/request_policy.h"
#include "levelkeep/http.h"

namespace levelkeep::http {

Status ApiOptions::Validate() const {
  std::vector<std::string> problems;
  if (port < 0 || port > 65535) {
    problems.push_back("API_PORT=" + std::to_string(port) +
                       ": must be 0 to 65535");
  }
  if (host.empty() || host.find_first_of(" \t/\r\n") != std::string::npos) {
    problems.push_back("API_HOST=" + Printable(host) +
                       ": must be an address or a name");
  }
  const bool printable = std::all_of(
      token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!printable) {
    problems.push_back(
        "API_TOKEN: must be printable ASCII characters without blanks");
  }
  for (const std::string& allowed : allowed_hosts) {
    if (!HostOfAuthority(allowed)) {
      problems.push_back("API_ALLOWED_HOSTS=" + Printable(allowed) +
                         ": must be host names or addresses");
    }
  }
  if (!problems.empty()) {
    return Status(StatusCode::kInvalidArgument, Join(problems, "\n"));
  }
  if (token.empty() && !allow_anonymous && !IsLoopbackHost(host)) {
    return Status(StatusCode::kRefused,
                  "API_HOST=" + Printable(host) +
                      " is reachable by others, and there is no API_TOKEN",
                  "set API_TOKEN or API_TOKEN_FILE, or listen on 127.0.0.1, "
                  "or set API_ALLOW_ANONYMOUS=true if others are kept out "
                  "in another way");
  }
  return Status::Ok();
}

}  // namespace levelkeep::http
