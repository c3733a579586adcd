#include "api/call.h"

#include <algorithm>
#include <string_view>

#include "base/json.h"
#include "base/text.h"

namespace levelkeep::api {

namespace {

// No route takes more than a few fields; 24 dense bodies of 64 KiB at the same
// time would need 50 MiB as trees.
constexpr size_t kMaxValues = 1000;

std::string Squeezed(std::string_view name) {
  std::string text;
  for (char c : name) {
    if (c != '-' && c != '_') text += Lower(c);
  }
  return text;
}

// The field that is at most two edits away; empty if there is none.
std::string Meant(std::string_view name, const std::vector<Field>& fields) {
  std::string best;
  size_t best_distance = 3;
  for (const Field& field : fields) {
    const size_t distance =
        EditDistance(Squeezed(name).substr(0, 64), Squeezed(field.name));
    // In a short name, two edits change everything.
    if (distance < best_distance && distance * 3 <= field.name.size()) {
      best_distance = distance;
      best = field.name;
    }
  }
  return best;
}

std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

// `"a", "b" and "c"`.
std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); i++) {
    if (i > 0) text += i + 1 < names.size() ? ", " : " and ";
    text += Quoted(names[i]);
  }
  return text;
}

const Field* FindField(const std::vector<Field>& fields,
                       const std::string& name) {
  const auto it =
      std::find_if(fields.begin(), fields.end(),
                   [&](const Field& field) { return field.name == name; });
  return it == fields.end() ? nullptr : &*it;
}

// Hints at the known fields when `name` is not one of `fields`.
std::string KnownHint(const std::string& name,
                      const std::vector<Field>& fields) {
  const std::string meant = Meant(name, fields);
  if (!meant.empty()) return "did you mean " + Quoted(meant) + "?";
  if (fields.empty()) return "this route takes none";
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const Field& field : fields) names.push_back(field.name);
  return "this route takes " + Listed(names);
}

std::string Wanted(const Field& field) {
  if (field.kind == Field::Kind::kText) return "a string";
  if (field.kind == Field::Kind::kFlag) return "true or false";
  return "a number from " + std::to_string(field.min) + " to " +
         std::to_string(field.max);
}

// No choices: any text will do.
bool IsAmong(const std::vector<std::string>& choices, const std::string& text) {
  return choices.empty() ||
         std::find(choices.begin(), choices.end(), text) != choices.end();
}

bool IsOfKind(const nlohmann::json& value, const Field& field) {
  if (field.kind == Field::Kind::kText) return value.is_string();
  if (field.kind == Field::Kind::kFlag) return value.is_boolean();
  return value.is_number_unsigned() && value >= field.min && value <= field.max;
}

}  // namespace

Result<nlohmann::json> ParseBody(const std::string& body, size_t max_values) {
  if (IsBlank(body)) return nlohmann::json::object();
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

// 1. unknown query parameters   2. body: JSON, unknown fields, types, values
// 3. values of the query
Call::Call(const Route& route, const http::Request& request)
    : route_(route), request_(request) {
  if (Changes(route)) RefuseUnknownParameters();
  if (route.body && status_.ok()) ReadBody(*route.body);
  for (const Field& field : route.query) ReadParameter(field);
}

std::string Call::name() const {
  const auto& parameters = request_.parameters;
  return parameters.empty() ? "" : parameters.begin()->second;
}

void Call::Fail(const std::string& message, const std::string& hint) {
  if (status_.ok()) {
    status_ = Status(StatusCode::kInvalidArgument, message, hint);
  }
}

const nlohmann::json* Call::Find(const std::string& field) const {
  const auto it = values_.find(field);
  return it == values_.end() ? nullptr : &*it;
}

std::string Call::Text(const std::string& field) const {
  return values_.value(field, "");
}

bool Call::Flag(const std::string& field) const {
  return values_.value(field, false);
}

std::optional<uint64_t> Call::Number(const std::string& field) const {
  const nlohmann::json* value = Find(field);
  if (value == nullptr) return std::nullopt;
  return value->get<uint64_t>();
}

void Call::ReadBody(const Body& body) {
  auto json = ParseBody(request_.body, kMaxValues);
  if (!json.ok()) {
    status_ = json.status();
    return;
  }
  if (!json->is_object()) return Fail("the request body is not a JSON object");
  values_ = std::move(*json);
  RefuseUnknownFields(body);
  for (const Field& field : body.fields) CheckType(field);
  if (!status_.ok()) return;
  for (const Field& field : body.fields) CheckText(field);
}

void Call::RefuseUnknownFields(const Body& body) {
  for (const auto& [name, value] : values_.items()) {
    if (FindField(body.fields, name) != nullptr) continue;
    const std::string shown = Quoted(Printable(name));
    if (FindField(route_.query, name) != nullptr) {
      return Fail(shown + " is in the request body",
                  "it is a query parameter: add ?" + name +
                      "=… to the address, and nothing to the body");
    }
    return Fail("the request body has an unknown field " + shown,
                KnownHint(name, body.fields));
  }
}

void Call::CheckType(const Field& field) {
  const nlohmann::json* value = Find(field.name);
  if (value == nullptr) return;
  if (!IsOfKind(*value, field))
    Fail(Quoted(field.name) + " is not " + Wanted(field));
}

void Call::CheckText(const Field& field) {
  const nlohmann::json* value = Find(field.name);
  if (value == nullptr) {
    if (field.required) Fail(Quoted(field.name) + " is missing", field.hint);
    return;
  }
  if (field.kind != Field::Kind::kText) return;
  const auto& text = value->get_ref<const std::string&>();
  if (IsBlank(text)) {
    return Fail(
        Quoted(field.name) + " is empty",
        field.hint.empty() ? "leave it out, or give a value" : field.hint);
  }
  if (!IsAmong(field.choices, text)) {
    Fail(Quoted(field.name) + " is not one of " + Listed(field.choices));
  }
}

void Call::RefuseUnknownParameters() {
  for (const auto& [name, value] : request_.query) {
    if (FindField(route_.query, name) != nullptr) continue;
    const std::string shown = Quoted(Printable(name));
    const Field* const field =
        route_.body ? FindField(route_.body->fields, name) : nullptr;
    if (field != nullptr) {
      return Fail(shown + " is in the address of the request",
                  "it is a field of the body: {" + shown + ":" +
                      (field->kind == Field::Kind::kText ? "\"…\"" : "true") +
                      "}");
    }
    const std::string meant =
        route_.body ? Meant(name, route_.body->fields) : "";
    return Fail("the request has an unknown query parameter " + shown,
                meant.empty() ? KnownHint(name, route_.query)
                              : "did you mean the field " + Quoted(meant) +
                                    " of the body?");
  }
}

void Call::ReadParameter(const Field& field) {
  const auto it = request_.query.find(field.name);
  if (it == request_.query.end()) return;
  const std::string& text = it->second;
  if (field.kind == Field::Kind::kText && !text.empty()) {
    values_[field.name] = text;
    if (!IsAmong(field.choices, text)) {
      Fail("the query parameter " + Quoted(field.name) + " is not one of " +
               Listed(field.choices),
           field.hint);
    }
    return;
  }
  if (field.kind == Field::Kind::kFlag && (text == "true" || text == "false")) {
    values_[field.name] = text == "true";
    return;
  }
  const auto number =
      field.kind == Field::Kind::kNumber ? ParseUint64(text) : std::nullopt;
  if (number && *number >= field.min && *number <= field.max) {
    values_[field.name] = *number;
    return;
  }
  Fail(field.wrong.empty() ? "the query parameter " + Quoted(field.name) +
                                 " is not " + Wanted(field)
                           : field.wrong,
       field.hint);
}

}  // namespace levelkeep::api
