#include "base/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

using nlohmann::json;

Status BadField(std::string_view field, const char* problem) {
  return Status(StatusCode::kCorruption,
                "field \"" + std::string(field) + "\" " + problem);
}

Result<const json*> Member(const json& object, const char* name) {
  if (!object.is_object()) return BadField(name, "has no object around it");
  const auto found = object.find(name);
  if (found == object.end()) return BadField(name, "is missing");
  return &*found;
}

// A member of that type, by the pointer that nlohmann::json gives for it.
template <typename Value>
Result<Value> Typed(const json& object, const char* name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const json* member, Member(object, name));
  const Value* const value = member->get_ptr<const Value*>();
  if (value == nullptr) return BadField(name, "has a wrong type");
  return *value;
}

template <typename Json>
std::string Dump(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

JsonElement::JsonElement(const std::vector<std::string_view>& names) {
  for (const std::string_view name : names) fields_.emplace_back().name = name;
}

void JsonElement::Clear(bool is_object) {
  is_object_ = is_object;
  for (Field& field : fields_) field.kind = Kind::kMissing;
}

size_t JsonElement::FieldOf(std::string_view name) const {
  size_t field = 0;
  while (field < fields_.size() && fields_[field].name != name) ++field;
  return field;
}

void JsonElement::SetText(size_t field, std::string_view text) {
  if (field == fields_.size()) return;
  fields_[field].kind = Kind::kText;
  fields_[field].text = text;
}

void JsonElement::SetUint(size_t field, uint64_t number) {
  if (field == fields_.size()) return;
  fields_[field].kind = Kind::kUint;
  fields_[field].number = number;
}

void JsonElement::SetOther(size_t field) {
  if (field < fields_.size()) fields_[field].kind = Kind::kOther;
}

Status JsonElement::Check(size_t field, Kind kind) const {
  const Field& found = fields_[field];
  if (!is_object_) return BadField(found.name, "has no object around it");
  if (found.kind == kind) return Status::Ok();
  return BadField(found.name, found.kind == Kind::kMissing
                                  ? "is missing"
                                  : "has a wrong type");
}

Result<std::string_view> JsonElement::RequireText(size_t field) const {
  LEVELKEEP_RETURN_IF_ERROR(Check(field, Kind::kText));
  return std::string_view(fields_[field].text);
}

Result<uint64_t> JsonElement::RequireUint(size_t field) const {
  LEVELKEEP_RETURN_IF_ERROR(Check(field, Kind::kUint));
  return fields_[field].number;
}

Result<uint64_t> JsonElement::OptionalUint(size_t field) const {
  if (fields_[field].kind == Kind::kMissing) return uint64_t{0};
  return RequireUint(field);
}

Result<std::string> RequireText(const json& object, const char* name) {
  return Typed<std::string>(object, name);
}

Result<std::string> OptionalText(const json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) return std::string();
  return RequireText(object, name);
}

Result<std::string> RequireHex(const json& object, const char* name,
                               size_t digits) {
  LEVELKEEP_ASSIGN_OR_RETURN(std::string text, RequireText(object, name));
  if (IsLowerHex(text, digits)) return text;
  return BadField(name, "is not a hex number of the right length");
}

Result<uint64_t> RequireUint(const json& object, const char* name) {
  return Typed<uint64_t>(object, name);
}

Result<int64_t> RequireInt(const json& object, const char* name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const json* member, Member(object, name));
  const auto* number = member->get_ptr<const int64_t*>();
  // One without a sign may be too large for it.
  if (number != nullptr && (*number >= 0 || !member->is_number_unsigned())) {
    return *number;
  }
  return BadField(name, "has a wrong type");
}

Result<bool> RequireBool(const json& object, const char* name) {
  return Typed<bool>(object, name);
}

Result<const json*> RequireObject(const json& object, const char* name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const json* member, Member(object, name));
  if (!member->is_object()) return BadField(name, "has a wrong type");
  return member;
}

Status RequireList(const json& object, const char* name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const json* member, Member(object, name));
  return member->is_array() ? Status::Ok() : BadField(name, "has a wrong type");
}

std::string DumpJson(const json& value, int indent) {
  return Dump(value, indent);
}

std::string DumpJson(const nlohmann::ordered_json& value, int indent) {
  return Dump(value, indent);
}

void AppendQuoted(std::string_view value, std::string* text) {
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
  });
  if (plain) {
    *text += '"';
    *text += value;
    *text += '"';
  } else {
    *text += Dump(json(value), -1);
  }
}

}  // namespace levelkeep
