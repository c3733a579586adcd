#include "http/json_body.h"

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/json.h"
#include "base/text.h"

namespace levelkeep::http {

Result<nlohmann::json> ParseBody(const std::string& body, size_t max_values) {
  if (Trim(body, " \t\r\n").empty()) return nlohmann::json::object();
  JsonRules rules;
  rules.max_values = max_values;
  auto json = ParseJson(body, "the request body", rules);
  if (json.ok()) return json;
  return Status(StatusCode::kInvalidArgument, json.status().message(),
                IsValidUtf8(body)
                    ? ""
                    : "send it as UTF-8; Windows PowerShell does with "
                      "-ContentType \"application/json; charset=utf-8\"");
}

}  // namespace levelkeep::http
