// Typed access to the fields of untrusted JSON. Private to format.

#ifndef LEVELKEEP_FORMAT_JSON_FIELDS_H_
#define LEVELKEEP_FORMAT_JSON_FIELDS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "format/text_pieces.h"
#include "levelkeep/status.h"

namespace levelkeep {

// All failures here are kCorruption and name the field.

// What an element of an array holds in the fields that somebody asked for.
// Fields are named by their index in the list given to the constructor.
// Thread safety: one thread at a time.
class FlatObject {
 public:
  explicit FlatObject(std::vector<std::string_view> names);

  // Live until the next element.
  Result<std::string_view> RequireText(size_t field) const;
  Result<uint64_t> RequireUint(size_t field) const;
  // Missing: 0.
  Result<uint64_t> OptionalUint(size_t field) const;

  // For the parser.
  void Clear(bool is_object);
  // Where in the list `name` is; its end if it is not.
  size_t FieldOf(std::string_view name) const;
  void SetText(size_t field, std::string_view text);
  void SetUint(size_t field, uint64_t number);
  void SetOther(size_t field);

 private:
  enum class Kind { kMissing, kText, kUint, kOther };
  struct Field {
    std::string_view name;
    Kind kind = Kind::kMissing;
    uint64_t number = 0;
    std::string text;
  };
  Status Check(size_t field, Kind kind) const;

  std::vector<Field> fields_;
  bool is_object_ = false;
};

// The array of a document that is too long to be kept: its elements are
// handed out one by one.
struct ElementwiseArray {
  std::vector<std::string_view> path;    // names of members, outermost first
  std::vector<std::string_view> fields;  // of its elements, for FlatObject
  // A new array begins: of members of one name, the last counts.
  std::function<void()> begin;
  // After a failure no more elements come.
  std::function<Status(const FlatObject& element)> take;
};

struct ParsedObject {
  nlohmann::json root;  // the array is there, and empty
  Status elements;      // the first failure of `take`
};

// A JSON object, nested at most 8 deep, without anything behind it. `what`
// names the document in messages.
Result<ParsedObject> ParseJsonObject(TextPieces* text, std::string_view what,
                                     const ElementwiseArray& array);

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

bool IsLowerHex(std::string_view text, size_t digits);
// One component of a path that names something: not empty, "." or "..", no
// slash, no NUL, at most 255 bytes.
bool IsFlatName(std::string_view name);

// A JSON string; bytes that are not UTF-8 become U+FFFD instead of throwing.
void AppendQuoted(std::string_view value, std::string* text);

}  // namespace levelkeep

#endif  // LEVELKEEP_FORMAT_JSON_FIELDS_H_
