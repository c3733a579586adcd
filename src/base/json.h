// Untrusted JSON: one strict parser for documents, records and requests, typed
// access to their fields, and text that any bytes can be made into.

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

// What is taken besides well-formed UTF-8 JSON with nothing behind it.
struct JsonRules {
  size_t max_depth = 32;  // of arrays and objects inside each other
  // Of the tree that is built, in which a value takes up to 150 bytes: fifty
  // times as many as its text.
  size_t max_values = SIZE_MAX;
  // Of all names and strings in the tree. Also of what is between two quotes
  // in the text, since the parser copies strings.
  size_t max_text_bytes = SIZE_MAX;
  // Else of members of one name the last counts.
  bool unique_names = true;
};

// kCorruption: "SUBJECT is not JSON: see byte 17". The time is linear in the
// size.
Result<nlohmann::json> ParseJson(std::string_view text,
                                 std::string_view subject,
                                 const JsonRules& rules = {});

// The same, with the members of each object in the order of the text.
Result<nlohmann::ordered_json> ParseJsonInOrder(std::string_view text,
                                                std::string_view subject,
                                                const JsonRules& rules = {});

// The list of a document that is too long to be one tree: its elements are
// handed out one by one, each of them a tree.
struct JsonList {
  std::vector<std::string_view> path;  // names of members, outermost first
  // A list begins: of members of one name, the last counts.
  std::function<void()> begin;
  // After a failure no more elements come.
  std::function<Status(const nlohmann::json& element)> take;
};

// An object with such a list, nested at most 8 deep, and little besides it or
// in one element. The list is there in the tree that is returned, and empty;
// `elements` gets the first failure of list.take. kCorruption: "SUBJECT is not
// a well-formed JSON object", "SUBJECT holds too much besides its list".
Result<nlohmann::json> ParseJsonList(std::string_view text,
                                     std::string_view subject,
                                     const JsonList& list, Status* elements);

// --- fields --------------------------------------------------------------

// `object` may be anything. All failures are kCorruption: "field \"x\" is
// missing", "field \"x\" has a wrong type".
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
Result<int64_t> RequireInt(const nlohmann::json& object, const char* name);
Result<bool> RequireBool(const nlohmann::json& object, const char* name);
// The pointer lives as long as `object`.
Result<const nlohmann::json*> RequireObject(const nlohmann::json& object,
                                            const char* name);
Status RequireList(const nlohmann::json& object, const char* name);

// --- text ----------------------------------------------------------------

// In one line, or in several if `indent` is not negative. Bytes that are not
// UTF-8 become U+FFFD instead of throwing.
std::string DumpJson(const nlohmann::json& json, int indent = -1);
std::string DumpJson(const nlohmann::ordered_json& json, int indent = -1);
// Appends a JSON string, likewise.
void AppendQuoted(std::string_view value, std::string* text);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_JSON_H_
