#include "http/message.h"

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace levelkeep::http {

namespace {

int HttpStatus(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return 200;
    case StatusCode::kInvalidArgument:
      return 400;
    case StatusCode::kNotFound:
      return 404;
    case StatusCode::kAlreadyExists:
    case StatusCode::kBusy:
    case StatusCode::kRefused:
    case StatusCode::kOtherDatabase:
      return 409;
    case StatusCode::kCorruption:
    case StatusCode::kUnsupported:
      return 422;
    case StatusCode::kCancelled:
    case StatusCode::kNotChecked:
    case StatusCode::kDegraded:
      return 503;
    case StatusCode::kNoSpace:
      return 507;
    case StatusCode::kPermissionDenied:
    case StatusCode::kIoError:
    case StatusCode::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace

const std::string* Request::FindHeader(const std::string& name) const {
  const auto it = headers.find(name);
  return it == headers.end() ? nullptr : &it->second;
}

Response ErrorResponse(const Status& status) {
  Response response =
      ErrorResponse(HttpStatus(status.code()), StatusCodeName(status.code()),
                    status.message(), status.hint());
  if (status.code() == StatusCode::kBusy ||
      status.code() == StatusCode::kCancelled) {
    response.headers["Retry-After"] = "5";
  } else if (status.code() == StatusCode::kNotChecked) {
    response.headers["Retry-After"] = "60";
  }
  return response;
}

Response ErrorResponse(int http_status, std::string_view code,
                       std::string_view detail, std::string_view hint) {
  const nlohmann::ordered_json json = {
      {"type", "about:blank"}, {"title", StatusText(http_status)},
      {"status", http_status}, {"detail", detail},
      {"success", false},      {"code", code},
      {"hint", hint}};
  Response response = JsonResponse(DumpJson(json), http_status);
  response.content_type = "application/problem+json";
  return response;
}

Response JsonResponse(std::string json_text, int status) {
  Response response;
  response.status = status;
  response.body = std::move(json_text);
  return response;
}

std::string_view StatusText(int status) {
  static constexpr std::pair<int, std::string_view> kNames[] = {
      {200, "OK"},
      {201, "Created"},
      {204, "No Content"},
      {206, "Partial Content"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"}};
  for (const auto& [known, name] : kNames) {
    if (known == status) return name;
  }
  return "Status";
}

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
