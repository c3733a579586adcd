#ifndef LEVELKEEP_HTTP_HTTP_DATE_H_
#define LEVELKEEP_HTTP_HTTP_DATE_H_

#include <ctime>
#include <string>

namespace levelkeep::http {

// "Fri, 27 Dec 2024 12:00:00 GMT", independent of the locale.
std::string HttpDate(std::time_t time);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_HTTP_DATE_H_
