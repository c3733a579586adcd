#include "http/message.h"

#include <iomanip>
#include <locale>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "base/json.h"

namespace levelkeep::http {

namespace {

int HttpStatus(StatusCode code) {
  constexpr std::pair<StatusCode, int> kStatuses[] = {
      {StatusCode::kOk, 200},
      {StatusCode::kInvalidArgument, 400},
      {StatusCode::kNotFound, 404},
      {StatusCode::kAlreadyExists, 409},
      {StatusCode::kBusy, 409},
      {StatusCode::kRefused, 409},
      {StatusCode::kOtherDatabase, 409},
      {StatusCode::kCorruption, 422},
      {StatusCode::kUnsupported, 422},
      {StatusCode::kCancelled, 503},
      {StatusCode::kNotChecked, 503},
      {StatusCode::kDegraded, 503},
      {StatusCode::kNoSpace, 507}};
  for (const auto& [known, status] : kStatuses) {
    if (known == code) return status;
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
  if (status.code() == StatusCode::kBusy) {
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
  if (http_status == 503) response.headers["Retry-After"] = "5";
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
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text << std::put_time(&utc, "%a, %d %b %Y %H:%M:%S GMT");
  return text.str();
}

}  // namespace levelkeep::http
