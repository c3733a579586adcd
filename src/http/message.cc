#include "http/message.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "http/status_text.h"

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
  auto json = nlohmann::ordered_json::object();
  json["type"] = "about:blank";
  json["title"] = StatusText(http_status);
  json["status"] = http_status;
  json["detail"] = detail;
  json["success"] = false;
  json["code"] = code;
  json["hint"] = hint;
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

}  // namespace levelkeep::http
