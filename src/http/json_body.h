// Request bodies: strict JSON whatever the Content-Type says.

#ifndef LEVELKEEP_HTTP_JSON_BODY_H_
#define LEVELKEEP_HTTP_JSON_BODY_H_

#include <nlohmann/json.hpp>
#include <string>

#include "levelkeep/status.h"

namespace levelkeep::http {

// Empty is {}. Depth at most 32, duplicate keys refused, UTF-8 only.
// kInvalidArgument says what and where.
Result<nlohmann::json> ParseBody(const std::string& body);
// dump() that can't throw on bytes that are not UTF-8.
std::string Dump(const nlohmann::json& json);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_JSON_BODY_H_
