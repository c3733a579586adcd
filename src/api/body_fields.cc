#include "api/body_fields.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/text.h"
#include "http/json_body.h"

namespace levelkeep::api {

namespace {

// No route takes more than a handful of fields; 24 dense bodies of 64 KiB at
// once would become 50 MiB of tree.
constexpr size_t kMaxValues = 1000;

std::string Squeezed(std::string_view name) {
  std::string text;
  for (char c : name) {
    if (c == '-' || c == '_') continue;
    text += Lower(c);
  }
  return text;
}

// The known name that is at most two slips away; empty if there is none.
std::string_view Meant(std::string_view name,
                       std::initializer_list<std::string_view> known) {
  std::string_view best;
  size_t best_distance = 3;
  for (std::string_view candidate : known) {
    const size_t distance =
        EditDistance(Squeezed(name).substr(0, 64), Squeezed(candidate));
    // In a short name two slips leave nothing of it.
    if (distance < best_distance && distance * 3 <= candidate.size()) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

bool Contains(std::initializer_list<std::string_view> names,
              const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

BodyFields::BodyFields(const http::Request& request) {
  auto json = http::ParseBody(request.body, kMaxValues);
  if (!json.ok()) {
    status_ = json.status();
  } else if (!json->is_object()) {
    Fail("the request body is not a JSON object");
  } else {
    json_ = std::move(*json);
  }
}

void BodyFields::Fail(const std::string& message, const std::string& hint) {
  if (status_.ok()) {
    status_ = Status(StatusCode::kInvalidArgument, message, hint);
  }
}

const nlohmann::json* BodyFields::Find(const std::string& name) const {
  if (!json_.is_object()) return nullptr;
  const auto it = json_.find(name);
  return it == json_.end() || it->is_null() ? nullptr : &*it;
}

bool BodyFields::Has(const std::string& name) const {
  return Find(name) != nullptr;
}

std::string BodyFields::String(const std::string& name, std::string fallback) {
  const nlohmann::json* value = Find(name);
  if (value == nullptr) return fallback;
  if (!value->is_string()) {
    Fail("\"" + name + "\" is not a string");
    return fallback;
  }
  return value->get<std::string>();
}

bool BodyFields::Bool(const std::string& name, bool fallback) {
  const nlohmann::json* value = Find(name);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) {
    Fail("\"" + name + "\" is not true or false");
    return fallback;
  }
  return value->get<bool>();
}

void BodyFields::AllowOnly(std::initializer_list<std::string_view> names) {
  if (!json_.is_object()) return;
  for (const auto& [name, value] : json_.items()) {
    if (Contains(names, name)) continue;
    const std::string shown = Printable(name);
    const std::string meant(Meant(name, names));
    Fail("the request body has an unknown field \"" + shown + "\"",
         meant.empty() ? "" : "did you mean \"" + meant + "\"?");
  }
}

void BodyFields::RefuseMisspelled(
    std::initializer_list<std::string_view> names) {
  if (!json_.is_object()) return;
  for (const auto& [name, value] : json_.items()) {
    if (Contains(names, name)) continue;
    const std::string meant(Meant(name, names));
    if (meant.empty()) continue;
    const std::string shown = Printable(name);
    Fail("the request body has an unknown field \"" + shown + "\"",
         "did you mean \"" + meant + "\"?");
  }
}

}  // namespace levelkeep::api
