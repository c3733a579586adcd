#include "archive/json_fields.h"

#include <algorithm>

#include "base/status_macros.h"

namespace levelkeep {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 8;

Status Corrupt(const char* field, const char* problem) {
  return Status(StatusCode::kCorruption,
                std::string("field \"") + field + "\" " + problem);
}

// How deep brackets nest, as far as the text is JSON.
int Nesting(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<json> ParseJsonObject(std::string_view text, std::string_view what) {
  // Looked at before parsing: the parser's own hook for it is quadratic.
  const bool too_deep = Nesting(text) > kMaxDepth;
  json root = too_deep ? json(json::value_t::discarded)
                       : json::parse(text, nullptr,
                                     /*allow_exceptions=*/false);
  if (root.is_discarded() || !root.is_object()) {
    return Status(StatusCode::kCorruption,
                  std::string(what) + " is not a well-formed JSON object");
  }
  return root;
}

Result<const json*> RequireMember(const json& object, const char* name,
                                  json::value_t type) {
  if (!object.is_object()) return Corrupt(name, "has no object around it");
  const auto found = object.find(name);
  if (found == object.end()) return Corrupt(name, "is missing");
  if (found->type() != type) return Corrupt(name, "has a wrong type");
  return &*found;
}

Result<std::string> RequireText(const json& object, const char* name) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const json* value, RequireMember(object, name, json::value_t::string));
  return *value->get_ptr<const std::string*>();
}

Result<std::string> OptionalText(const json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) return std::string();
  return RequireText(object, name);
}

Result<std::string> RequireHex(const json& object, const char* name,
                               size_t digits) {
  LEVELKEEP_ASSIGN_OR_RETURN(std::string text, RequireText(object, name));
  if (!IsLowerHex(text, digits)) {
    return Corrupt(name, "is not a hex number of the right length");
  }
  return text;
}

Result<uint64_t> RequireUint(const json& object, const char* name) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const json* value,
      RequireMember(object, name, json::value_t::number_unsigned));
  return value->get<uint64_t>();
}

Result<uint64_t> OptionalUint(const json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) return uint64_t{0};
  return RequireUint(object, name);
}

bool IsLowerHex(std::string_view text, size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsFlatName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

}  // namespace levelkeep
