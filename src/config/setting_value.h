// Converts text to typed values and back; private to src/config.

#ifndef LEVELKEEP_CONFIG_SETTING_VALUE_H_
#define LEVELKEEP_CONFIG_SETTING_VALUE_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "levelkeep/log.h"
#include "levelkeep/options.h"

namespace levelkeep {

// The member that has a value. A bool with choices is true for the second
// choice; an enum has its choices in the order of its values. An optional
// number without a value is a setting that is not set; its text is empty.
using SettingField =
    std::variant<std::string*, bool*, int*, std::optional<int>*, uint64_t*,
                 std::chrono::milliseconds*, std::vector<std::string>*,
                 LogLevel*, ThreadPriority*, SmtpTls*>;

struct SettingLimits {
  uint64_t min = 0;
  uint64_t max = 0;
  std::vector<std::string> choices;
  std::string minus_one = {};  // a word that means -1; for an int
  // For texts: false if the text is not allowed.
  bool (*accepts)(std::string_view text) = nullptr;
  // True if an empty value is allowed. Otherwise an empty value counts as a
  // variable that is not set.
  bool may_be_empty = false;
};

// Stores the value. False if the text is not allowed; then the field is
// unchanged.
bool ParseSetting(std::string_view text, const SettingLimits& limits,
                  SettingField field);
// The text from which ParseSetting makes this value.
std::string FormatSetting(SettingField field, const SettingLimits& limits);

// Accepts true/false, 1/0, yes/no, on/off in any case.
std::optional<bool> ParseBool(std::string_view text);
// Accepts digits with an optional K, M, G, T or KiB … TiB: powers of 1024.
std::optional<uint64_t> ParseBytes(std::string_view text);

}  // namespace levelkeep

#endif  // LEVELKEEP_CONFIG_SETTING_VALUE_H_
