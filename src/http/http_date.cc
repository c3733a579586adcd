#include "http/http_date.h"

namespace levelkeep::http {

std::string HttpDate(std::time_t time) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed",
                                          "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr",
                                            "May", "Jun", "Jul", "Aug",
                                            "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&time, &utc);
  char rest[40];
  std::strftime(rest, sizeof(rest), " %Y %H:%M:%S GMT", &utc);
  char day[8];
  std::strftime(day, sizeof(day), ", %d ", &utc);
  std::string date = kDays[utc.tm_wday];
  return date.append(day).append(kMonths[utc.tm_mon]).append(rest);
}

}  // namespace levelkeep::http
