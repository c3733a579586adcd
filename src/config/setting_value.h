// Text to typed values and back; private to src/config.

#ifndef LEVELKEEP_CONFIG_SETTING_VALUE_H_
#define LEVELKEEP_CONFIG_SETTING_VALUE_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/log.h"
#include "levelkeep/options.h"

namespace levelkeep {

// Where a value lives. A bool with choices is "the second one of the two", an
// enum has its choices in the order of its values.
using SettingField =
    std::variant<std::string*, bool*, int*, uint64_t*,
                 std::chrono::milliseconds*, std::vector<std::string>*,
                 LogLevel*, ThreadPriority*>;

struct SettingLimits {
  uint64_t min = 0;
  uint64_t max = 0;
  std::vector<std::string> choices;
  // For texts: false if it can't be one.
  bool (*accepts)(std::string_view text) = nullptr;
  // Nothing is a value, too. Else it is what a variable leaves that is not set,
  // and no value of any setting.
  bool may_be_empty = false;
};

// Stores the value. False if the text is none that is allowed; the field is
// unchanged then.
bool ParseSetting(std::string_view text, const SettingLimits& limits,
                  SettingField field);
// What ParseSetting takes.
std::string FormatSetting(SettingField field, const SettingLimits& limits);

// true/false, 1/0, yes/no, on/off in any case.
std::optional<bool> ParseBool(std::string_view text);
// Digits, and maybe K, M, G, T or KiB … TiB: powers of 1024.
std::optional<uint64_t> ParseBytes(std::string_view text);

}  // namespace levelkeep

#endif  // LEVELKEEP_CONFIG_SETTING_VALUE_H_
