#include "format/json_fields.h"

#include <algorithm>

#include "base/status_macros.h"

namespace levelkeep {
namespace {

using nlohmann::json;

Status Corrupt(std::string_view field, const char* problem) {
  return Status(StatusCode::kCorruption,
                "field \"" + std::string(field) + "\" " + problem);
}

}  // namespace

FlatObject::FlatObject(std::vector<std::string_view> names) {
  for (const std::string_view name : names) fields_.emplace_back().name = name;
}

void FlatObject::Clear(bool is_object) {
  is_object_ = is_object;
  for (Field& field : fields_) field.kind = Kind::kMissing;
}

size_t FlatObject::FieldOf(std::string_view name) const {
  size_t field = 0;
  while (field < fields_.size() && fields_[field].name != name) ++field;
  return field;
}

void FlatObject::SetText(size_t field, std::string_view text) {
  if (field == fields_.size()) return;
  fields_[field].kind = Kind::kText;
  fields_[field].text = text;
}

void FlatObject::SetUint(size_t field, uint64_t number) {
  if (field == fields_.size()) return;
  fields_[field].kind = Kind::kUint;
  fields_[field].number = number;
}

void FlatObject::SetOther(size_t field) {
  if (field < fields_.size()) fields_[field].kind = Kind::kOther;
}

Status FlatObject::Check(size_t field, Kind kind) const {
  const Field& found = fields_[field];
  if (!is_object_) return Corrupt(found.name, "has no object around it");
  if (found.kind == kind) return Status::Ok();
  return Corrupt(found.name, found.kind == Kind::kMissing ? "is missing"
                                                          : "has a wrong type");
}

Result<std::string_view> FlatObject::RequireText(size_t field) const {
  LEVELKEEP_RETURN_IF_ERROR(Check(field, Kind::kText));
  return std::string_view(fields_[field].text);
}

Result<uint64_t> FlatObject::RequireUint(size_t field) const {
  LEVELKEEP_RETURN_IF_ERROR(Check(field, Kind::kUint));
  return fields_[field].number;
}

Result<uint64_t> FlatObject::OptionalUint(size_t field) const {
  if (fields_[field].kind == Kind::kMissing) return uint64_t{0};
  return RequireUint(field);
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

bool IsLowerHex(std::string_view text, size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsFlatName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
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
    *text += json(value).dump(-1, ' ', false, json::error_handler_t::replace);
  }
}

}  // namespace levelkeep
