#include "http/response_head.h"

#include <ctime>

#include "http/status_text.h"

namespace levelkeep::http {

namespace {

// Values come from our own code, but some of them from file names and such:
// nothing that could begin another header gets out.
void AppendHeader(std::string_view name, std::string_view value,
                  std::string* head) {
  head->append(name).append(": ");
  for (char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) *head += c;
  }
  head->append("\r\n");
}

// "Fri, 27 Dec 2024 12:00:00 GMT"
std::string HttpDate(std::time_t now) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed",
                                          "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr",
                                            "May", "Jun", "Jul", "Aug",
                                            "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&now, &utc);
  char rest[40];
  std::strftime(rest, sizeof(rest), " %Y %H:%M:%S GMT", &utc);
  char day[8];
  std::strftime(day, sizeof(day), ", %d ", &utc);
  std::string date = kDays[utc.tm_wday];
  return date.append(day).append(kMonths[utc.tm_mon]).append(rest);
}

}  // namespace

bool MayHaveBody(const Response& response) {
  return response.status != 204 && response.status != 304;
}

std::string FormatResponseHead(const Response& response,
                               const ResponseFraming& framing) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head.append(StatusText(response.status)).append("\r\n");
  AppendHeader("Date", HttpDate(std::time(nullptr)), &head);
  for (const auto& [name, value] : response.headers) {
    AppendHeader(name, value, &head);
  }
  if (!response.content_type.empty()) {
    AppendHeader("Content-Type", response.content_type, &head);
  }
  if (response.stream != nullptr) {
    if (!framing.http_1_0) {
      AppendHeader("Transfer-Encoding", "chunked", &head);
    }
  } else if (MayHaveBody(response)) {
    const uint64_t size =
        response.file ? response.file_size : response.body.size();
    AppendHeader("Content-Length", std::to_string(size), &head);
  }
  if (!framing.keep_alive) {
    AppendHeader("Connection", "close", &head);
  } else if (framing.http_1_0) {
    AppendHeader("Connection", "keep-alive", &head);
  }
  return head.append("\r\n");
}

}  // namespace levelkeep::http
