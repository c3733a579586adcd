// Converts answers for cpp-httplib; shared by our own server and Mount().

#ifndef LEVELKEEP_HTTP_SERVER_BINDING_H_
#define LEVELKEEP_HTTP_SERVER_BINDING_H_

#include <httplib.h>

#include <string>

#include "http/message.h"

namespace levelkeep::http {

// `version` is the request's: "HTTP/1.0" has no chunks. Characters that a
// header can't hold are left out. The connection ends after a stream.
void ToLibrary(Response from, const std::string& version,
               httplib::Response* to);
// `text` without control characters.
std::string HeaderValue(const std::string& text);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_BINDING_H_
