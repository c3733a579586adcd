// Request bodies: strict JSON whatever the Content-Type says.

#ifndef LEVELKEEP_HTTP_JSON_BODY_H_
#define LEVELKEEP_HTTP_JSON_BODY_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "levelkeep/status.h"

namespace levelkeep::http {

// Empty is {}. Depth at most 32, duplicate keys refused, UTF-8 only; at most
// `max_values` values, each of which can take 150 bytes of memory.
// kInvalidArgument says what and where. The time is linear in the size.
Result<nlohmann::json> ParseBody(const std::string& body,
                                 size_t max_values = SIZE_MAX);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_JSON_BODY_H_
