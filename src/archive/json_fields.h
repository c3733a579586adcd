// Typed access to the fields of untrusted JSON. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_JSON_FIELDS_H_
#define LEVELKEEP_ARCHIVE_JSON_FIELDS_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "levelkeep/status.h"

namespace levelkeep {

// All failures here are kCorruption and name the field.

// A JSON object, nested at most 8 deep, without anything behind it. `what`
// names the document in messages.
Result<nlohmann::json> ParseJsonObject(std::string_view text,
                                       std::string_view what);

// `object` may be anything; the returned pointer lives as long as it.
Result<const nlohmann::json*> RequireMember(const nlohmann::json& object,
                                            const char* name,
                                            nlohmann::json::value_t type);
Result<std::string> RequireText(const nlohmann::json& object, const char* name);
// Missing: "".
Result<std::string> OptionalText(const nlohmann::json& object,
                                 const char* name);
// Lower-case hex of exactly `digits`.
Result<std::string> RequireHex(const nlohmann::json& object, const char* name,
                               size_t digits);
Result<uint64_t> RequireUint(const nlohmann::json& object, const char* name);
// Missing: 0.
Result<uint64_t> OptionalUint(const nlohmann::json& object, const char* name);

bool IsLowerHex(std::string_view text, size_t digits);
// One component of a path that names something: not empty, "." or "..", no
// slash, no NUL, at most 255 bytes.
bool IsFlatName(std::string_view name);

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_JSON_FIELDS_H_
