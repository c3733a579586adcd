// Untrusted JSON: one strict parser for documents, records and requests, typed
// access to their fields, and output of text from any bytes.

#ifndef LEVELKEEP_BASE_JSON_H_
#define LEVELKEEP_BASE_JSON_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "levelkeep/status.h"

namespace levelkeep {

// --- parsing -------------------------------------------------------------

// Limits for well-formed UTF-8 JSON, which must end with the text.
struct JsonRules {
  size_t max_depth = 32;  // of arrays and objects inside each other
  // The limit of values in the tree. A value takes up to 150 bytes there, fifty
  // times as many as in the text.
  size_t max_values = SIZE_MAX;
  // The limit for all names and strings in the tree, and also for each text
  // between two quotes, because the parser copies strings.
  size_t max_text_bytes = SIZE_MAX;
  // False: the last of several members with one name counts.
  bool unique_names = true;
};

// kCorruption: "SUBJECT is not JSON: see byte 17". The time is linear in the
// size.
Result<nlohmann::json> ParseJson(std::string_view text,
                                 std::string_view subject,
                                 const JsonRules& rules = {});

// As ParseJson, with the members of each object in the order of the text.
Result<nlohmann::ordered_json> ParseJsonInOrder(std::string_view text,
                                                std::string_view subject,
                                                const JsonRules& rules = {});

// The list of a document that is too large for one tree: its elements are
// passed on one by one, each as a tree.
struct JsonList {
  std::vector<std::string_view> path;  // member names, outermost first
  // Called when a list begins. If several members have its name, the last one
  // counts.
  std::function<void()> begin;
  // Called for each element, until it returns a failure.
  std::function<Status(const nlohmann::json& element)> take;
};

// Parses an object with such a list, nested at most 8 deep, and few other
// values beside the list or in one element. The returned tree has the list, but
// empty; `elements` receives the first failure of list.take. kCorruption:
// "SUBJECT is not a well-formed JSON object", "SUBJECT holds too much besides
// its list".
Result<nlohmann::json> ParseJsonList(std::string_view text,
                                     std::string_view subject,
                                     const JsonList& list, Status* elements);

// --- fields --------------------------------------------------------------

// `object` may be any JSON value. All failures are kCorruption: "field \"x\" is
// missing", "field \"x\" has a wrong type".
Result<std::string> RequireText(const nlohmann::json& object, const char* name);
// Missing: "".
Result<std::string> OptionalText(const nlohmann::json& object,
                                 const char* name);
// Lower-case hex with exactly `digits` digits.
Result<std::string> RequireHex(const nlohmann::json& object, const char* name,
                               size_t digits);
Result<uint64_t> RequireUint(const nlohmann::json& object, const char* name);
// Missing: 0.
Result<uint64_t> OptionalUint(const nlohmann::json& object, const char* name);
Result<int64_t> RequireInt(const nlohmann::json& object, const char* name);
Result<bool> RequireBool(const nlohmann::json& object, const char* name);
// The pointer lives as long as `object`.
Result<const nlohmann::json*> RequireObject(const nlohmann::json& object,
                                            const char* name);
Status RequireList(const nlohmann::json& object, const char* name);

// --- text ----------------------------------------------------------------

// The JSON text in one line, or in several if `indent` is not negative. Bytes
// that are not UTF-8 become U+FFFD; no exception is thrown.
std::string DumpJson(const nlohmann::json& json, int indent = -1);
std::string DumpJson(const nlohmann::ordered_json& json, int indent = -1);
// Appends `value` as a JSON string, with the same replacement.
void AppendQuoted(std::string_view value, std::string* text);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_JSON_H_
