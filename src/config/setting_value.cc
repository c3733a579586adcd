#include "config/setting_value.h"

#include <algorithm>
#include <concepts>
#include <limits>

#include "base/text.h"

namespace levelkeep {
namespace {

constexpr std::string_view kBlanksAndNewlines = " \t\r\n";

std::optional<uint64_t> InRange(std::optional<uint64_t> number,
                                const SettingLimits& limits) {
  if (!number.has_value() || *number < limits.min || *number > limits.max) {
    return std::nullopt;
  }
  return number;
}

std::optional<size_t> IndexOf(std::string_view word,
                              const std::vector<std::string>& choices) {
  const auto found = std::ranges::find(choices, Lower(word));
  if (found == choices.end()) return std::nullopt;
  return static_cast<size_t>(found - choices.begin());
}

// One overload for each kind of field; the template is for enums.
struct FieldParser {
  std::string_view text;
  std::string_view word;  // the text without blanks around it
  const SettingLimits& limits;

  bool operator()(std::string* field) const {
    if (limits.accepts != nullptr && !limits.accepts(text)) return false;
    *field = text;
    return true;
  }
  bool operator()(bool* field) const {
    if (limits.choices.empty()) return Store(ParseBool(word), field);
    return Store(IndexOf(word, limits.choices), field);
  }
  bool operator()(int* field) const {
    if (!limits.minus_one.empty() && Lower(word) == limits.minus_one) {
      *field = -1;
      return true;
    }
    return Store(InRange(ParseUint64(word), limits), field);
  }
  bool operator()(std::optional<int>* field) const {
    int number = 0;
    const bool stored = (*this)(&number);
    if (stored) *field = number;
    return stored;
  }
  bool operator()(uint64_t* field) const {
    return Store(InRange(ParseBytes(word), limits), field);
  }
  bool operator()(std::chrono::milliseconds* field) const {
    return Store(InRange(ParseUint64(word), limits), field);
  }
  bool operator()(std::vector<std::string>* field) const {
    std::vector<std::string> parts;
    auto listed = Split(text, ',');
    // Allows an empty list, or a comma after the last value.
    if (IsBlank(listed.back())) listed.pop_back();
    for (std::string_view part : listed) {
      part = Trim(part, kBlanksAndNewlines);
      if (part.empty() ||
          (limits.accepts != nullptr && !limits.accepts(part))) {
        return false;
      }
      parts.emplace_back(part);
    }
    *field = std::move(parts);
    return true;
  }
  template <typename Enum>
  bool operator()(Enum* field) const {
    return Store(IndexOf(word, limits.choices), field);
  }

  template <typename Value, typename Field>
  static bool Store(const std::optional<Value>& value, Field* field) {
    if (value) *field = static_cast<Field>(*value);
    return value.has_value();
  }
};

struct Formatter {
  const SettingLimits& limits;

  std::string operator()(const std::string* field) const { return *field; }
  std::string operator()(const bool* field) const {
    if (!limits.choices.empty()) return limits.choices.at(*field ? 1 : 0);
    return *field ? "true" : "false";
  }
  template <std::integral Number>
  std::string operator()(const Number* field) const {
    if (!limits.minus_one.empty() && *field == static_cast<Number>(-1)) {
      return limits.minus_one;
    }
    return std::to_string(*field);
  }
  std::string operator()(const std::optional<int>* field) const {
    return *field ? std::to_string(**field) : "";
  }
  std::string operator()(const std::chrono::milliseconds* field) const {
    return std::to_string(field->count());
  }
  std::string operator()(const std::vector<std::string>* field) const {
    return Join(*field, ",");
  }
  template <typename Enum>
  std::string operator()(const Enum* field) const {
    const auto index = static_cast<size_t>(*field);
    // An application can cast any number to the enum; Validate reports it.
    if (index >= limits.choices.size()) return std::to_string(index);
    return limits.choices[index];
  }
};

}  // namespace

bool ParseSetting(std::string_view text, const SettingLimits& limits,
                  SettingField field) {
  if (IsBlank(text) && !limits.may_be_empty) return false;
  return std::visit(FieldParser{text, Trim(text, kBlanksAndNewlines), limits},
                    field);
}

std::string FormatSetting(SettingField field, const SettingLimits& limits) {
  return std::visit(Formatter{limits}, field);
}

std::optional<bool> ParseBool(std::string_view text) {
  const std::string word = Lower(text);
  if (word == "true" || word == "1" || word == "yes" || word == "on") {
    return true;
  }
  if (word == "false" || word == "0" || word == "no" || word == "off") {
    return false;
  }
  return std::nullopt;
}

std::optional<uint64_t> ParseBytes(std::string_view text) {
  const size_t digits =
      std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = ParseUint64(text.substr(0, digits));
  const std::string unit = Lower(text.substr(digits));
  if (!number.has_value()) return std::nullopt;
  if (unit.empty()) return number;
  constexpr std::string_view kUnits = "kmgt";
  const size_t power = kUnits.find(unit[0]);
  if (power == std::string_view::npos ||
      (unit.size() > 1 && unit.substr(1) != "ib")) {
    return std::nullopt;
  }
  const auto shift = 10 * (power + 1);
  if (*number > std::numeric_limits<uint64_t>::max() >> shift) {
    return std::nullopt;
  }
  return *number << shift;
}

}  // namespace levelkeep
