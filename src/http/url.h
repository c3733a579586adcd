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

// Nullopt if the target is not an absolute path, has an incomplete escape, a
// control character (also escaped), '#', or a repeated query name, or decodes
// to bytes that are not UTF-8. `repeated`, unless null, gets the repeated name.
std::optional<Target> ParseTarget(std::string_view target,
                                  std::string* repeated = nullptr);

// Puts an IPv6 address in brackets, as URLs need it; other hosts, and addresses
// in brackets, stay unchanged.
std::string HostInUrl(const std::string& host);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_URL_H_
