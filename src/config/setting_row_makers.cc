#include "config/setting_row_makers.h"

#include <algorithm>

#include "base/text.h"

namespace levelkeep {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 60;

std::string FlagOf(std::string_view variable) {
  std::string flag = "--" + Lower(variable);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

SettingRow Row(const Id& id, SettingKind kind, Field field, std::string allowed,
               const char* help) {
  SettingRow row;
  row.info.kind = kind;
  row.info.name = id.name;
  row.info.key = id.key;
  row.info.flag = FlagOf(id.name);
  row.info.allowed = std::move(allowed);
  row.info.help = help;
  row.field = std::move(field);
  const std::string_view verbs = id.verbs;
  if (verbs.empty()) return row;
  for (const auto verb : Split(verbs, ' ')) row.info.verbs.emplace_back(verb);
  row.info.verbs.emplace_back("config");
  return row;
}

}  // namespace

bool IsText(std::string_view text) {
  return text.size() <= 4096 &&
         std::none_of(text.begin(), text.end(), IsAsciiControl);
}

bool IsPath(std::string_view text) {
  return !text.empty() && IsText(text) && !IsLeftToAShell(text);
}

bool IsHost(std::string_view text) {
  return !text.empty() && text.size() <= 255 && IsMadeOf(text, ".-_:%[]");
}

SettingRow Text(const Id& id, SettingKind kind,
                bool (*accepts)(std::string_view), const char* allowed,
                Field field, const char* help) {
  SettingRow row = Row(id, kind, std::move(field), allowed, help);
  row.limits.accepts = accepts;
  return row;
}

SettingRow OrNothing(SettingRow row) {
  row.limits.may_be_empty = true;
  row.info.allowed += ", or nothing";
  return row;
}

SettingRow Folder(const Id& id, Field field, const char* help) {
  return Text(id, SettingKind::kPath, IsPath, "a folder", std::move(field),
              help);
}

SettingRow Switch(const Id& id, Field field, const char* help) {
  return Row(id, SettingKind::kBool, std::move(field), "true or false", help);
}

SettingRow Number(const Id& id, uint64_t min, uint64_t max, Field field,
                  const char* help) {
  SettingRow row =
      Row(id, SettingKind::kInteger, std::move(field),
          std::to_string(min) + " to " + std::to_string(max), help);
  row.limits.min = min;
  row.limits.max = max;
  return row;
}

SettingRow Milliseconds(const Id& id, uint64_t min, uint64_t max, Field field,
                        const char* help) {
  SettingRow row = Number(id, min, max, std::move(field), help);
  row.info.kind = SettingKind::kMilliseconds;
  row.info.allowed += " ms";
  return row;
}

SettingRow Bytes(const Id& id, Field field, const char* help) {
  SettingRow row = Row(id, SettingKind::kBytes, std::move(field),
                       "bytes, or a number with K, M, G or T", help);
  row.limits.max = kMostBytes;
  return row;
}

SettingRow Choice(const Id& id, std::vector<std::string> choices, Field field,
                  const char* help) {
  SettingRow row = Row(id, SettingKind::kChoice, std::move(field),
                       Join(choices, ", "), help);
  row.limits.choices = std::move(choices);
  return row;
}

SettingRow Also(std::string alias, SettingRow row) {
  row.info.aliases = {std::move(alias)};
  return row;
}

SettingRow Flag(std::string flag, SettingRow row) {
  row.info.flag = std::move(flag);
  return row;
}

SettingRow Secret(SettingRow row) {
  row.info.flag.clear();
  row.info.secret = true;
  return row;
}

}  // namespace levelkeep
