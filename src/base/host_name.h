// Names and addresses of hosts in URLs and HTTP.

#ifndef LEVELKEEP_BASE_HOST_NAME_H_
#define LEVELKEEP_BASE_HOST_NAME_H_

#include <optional>
#include <string>
#include <string_view>

namespace levelkeep {

// "localhost", 127.0.0.0/8 or ::1, with or without brackets.
bool IsLoopbackHost(std::string_view host);

// The lower-case host of "Host: name:port" without port and brackets; no value
// if the text is malformed.
std::optional<std::string> HostOfAuthority(std::string_view authority);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_HOST_NAME_H_
