// The names of HTTP statuses.

#ifndef LEVELKEEP_HTTP_STATUS_TEXT_H_
#define LEVELKEEP_HTTP_STATUS_TEXT_H_

#include <string_view>

namespace levelkeep::http {

// "Not Found" for 404; "Status" for statuses that LevelKeep never sends.
// Source: RFC 9110, section 15; RFC 6585; RFC 4918.
std::string_view StatusText(int status);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_STATUS_TEXT_H_
