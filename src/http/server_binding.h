// Between cpp-httplib's requests and responses and those of the Api; shared
// by our own server and Mount().

#ifndef LEVELKEEP_HTTP_SERVER_BINDING_H_
#define LEVELKEEP_HTTP_SERVER_BINDING_H_

#include <httplib.h>

#include <string>

#include "http/api.h"

namespace levelkeep::http {

// Without the body.
Request FromLibrary(const httplib::Request& from);
// `request` is the one that is answered. What a header can't hold is left
// out of it. The connection ends after a stream.
void ToLibrary(Response from, const httplib::Request& request,
               httplib::Response* to);
// Without control characters.
std::string HeaderValue(const std::string& text);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_BINDING_H_
