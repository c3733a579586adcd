// Percent-decoding of request targets.

#ifndef LEVELKEEP_HTTP_URL_H_
#define LEVELKEEP_HTTP_URL_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace levelkeep::http {

struct Target {
  std::string path;                          // decoded once
  std::map<std::string, std::string> query;  // decoded; '+' is a blank
};

// Nothing if the target is not an absolute path, holds an incomplete escape,
// a control character (also escaped), '#', a query name twice, or decodes to
// bytes that are not UTF-8. `repeated`, unless it is null, gets such a name.
std::optional<Target> ParseTarget(std::string_view target,
                                  std::string* repeated = nullptr);

// An address of IPv6 in brackets, as a URL has it; others, and one that has
// them already, as they are.
std::string HostInUrl(const std::string& host);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_URL_H_
