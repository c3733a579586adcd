#include "api/call.h"

#include <algorithm>
#include <string_view>

#include "base/ascii.h"
#include "base/json.h"
#include "base/text.h"

namespace levelkeep::api {

namespace {

// No route takes more than a handful of fields; 24 dense bodies of 64 KiB at
// once would become 50 MiB of tree.
constexpr size_t kMaxValues = 1000;

std::string Squeezed(std::string_view name) {
  std::string text;
  for (char c : name) {
    if (c != '-' && c != '_') text += Lower(c);
  }
  return text;
}

// The field that is at most two slips away; empty if there is none.
std::string Meant(std::string_view name, const std::vector<Field>& fields) {
  std::string best;
  size_t best_distance = 3;
  for (const Field& field : fields) {
    const size_t distance =
        EditDistance(Squeezed(name).substr(0, 64), Squeezed(field.name));
    // In a short name two slips leave nothing of it.
    if (distance < best_distance && distance * 3 <= field.name.size()) {
      best_distance = distance;
      best = field.name;
    }
  }
  return best;
}

std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

// `"a", "b" and "c"`.
std::string Listed(const std::vector<std::string>& choices) {
  std::string text;
  for (size_t i = 0; i < choices.size(); i++) {
    if (i > 0) text += i + 1 < choices.size() ? ", " : " and ";
    text += Quoted(choices[i]);
  }
  return text;
}

std::string Wanted(const Field& field) {
  if (field.kind == Field::Kind::kText) return "a string";
  if (field.kind == Field::Kind::kFlag) return "true or false";
  return "a number from " + std::to_string(field.min) + " to " +
         std::to_string(field.max);
}

bool IsOfKind(const nlohmann::json& value, const Field& field) {
  if (field.kind == Field::Kind::kText) return value.is_string();
  if (field.kind == Field::Kind::kFlag) return value.is_boolean();
  return value.is_number_unsigned() && value >= field.min && value <= field.max;
}

}  // namespace

Result<nlohmann::json> ParseBody(const std::string& body, size_t max_values) {
  if (Trim(body, " \t\r\n").empty()) return nlohmann::json::object();
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

// 1. body: JSON, types, unknown fields, values   2. query
Call::Call(const Route& route, const http::Request& request)
    : request_(request) {
  if (route.body) ReadBody(*route.body);
  for (const Field& field : route.query) ReadQuery(field);
}

std::string Call::name() const {
  const auto it = request_.parameters.find("name");
  return it == request_.parameters.end() ? "" : it->second;
}

void Call::Fail(const std::string& message, const std::string& hint) {
  if (status_.ok()) {
    status_ = Status(StatusCode::kInvalidArgument, message, hint);
  }
}

const nlohmann::json* Call::Find(const std::string& field) const {
  const auto it = values_.find(field);
  return it == values_.end() || it->is_null() ? nullptr : &*it;
}

std::string Call::Text(const std::string& field,
                       const std::string& fallback) const {
  const nlohmann::json* value = Find(field);
  return value == nullptr ? fallback : value->get<std::string>();
}

bool Call::Flag(const std::string& field) const {
  const nlohmann::json* value = Find(field);
  return value != nullptr && value->get<bool>();
}

std::optional<uint64_t> Call::Number(const std::string& field) const {
  const nlohmann::json* value = Find(field);
  if (value == nullptr) return std::nullopt;
  return value->get<uint64_t>();
}

void Call::ReadQuery(const Field& field) {
  const auto it = request_.query.find(field.name);
  if (it == request_.query.end()) return;
  const std::string& text = it->second;
  if (field.kind == Field::Kind::kText && !text.empty()) {
    values_[field.name] = text;
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

void Call::ReadBody(const Body& body) {
  auto json = ParseBody(request_.body, kMaxValues);
  if (!json.ok()) {
    status_ = json.status();
    return;
  }
  if (!json->is_object()) return Fail("the request body is not a JSON object");
  values_ = std::move(*json);
  for (const Field& field : body.fields) CheckType(field);
  if (body.others != Body::Others::kIgnored) CheckOthers(body);
  if (!status_.ok()) return;
  for (const Field& field : body.fields) CheckText(field);
}

void Call::CheckType(const Field& field) {
  const nlohmann::json* value = Find(field.name);
  if (value == nullptr) return;
  if (!IsOfKind(*value, field))
    Fail(Quoted(field.name) + " is not " + Wanted(field));
}

void Call::CheckOthers(const Body& body) {
  for (const auto& [name, value] : values_.items()) {
    const bool known = std::any_of(
        body.fields.begin(), body.fields.end(),
        [&name = name](const Field& field) { return field.name == name; });
    if (known) continue;
    const std::string meant = Meant(name, body.fields);
    if (meant.empty() && body.others != Body::Others::kRefused) continue;
    Fail("the request body has an unknown field " + Quoted(Printable(name)),
         meant.empty() ? "" : "did you mean " + Quoted(meant) + "?");
  }
}

void Call::CheckText(const Field& field) {
  const nlohmann::json* value = Find(field.name);
  if (field.required && (value == nullptr || *value == "")) {
    return Fail(Quoted(field.name) + " is missing", field.hint);
  }
  if (value == nullptr || field.choices.empty()) return;
  if (field.may_be_empty && *value == "") return;
  const bool known = std::find(field.choices.begin(), field.choices.end(),
                               *value) != field.choices.end();
  if (!known) {
    Fail(Quoted(field.name) + " is not one of " + Listed(field.choices));
  }
}

}  // namespace levelkeep::api
