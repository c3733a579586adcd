// Finds rows, and shows their values.

#include <algorithm>

#include "config/setting_rows.h"

namespace levelkeep {

bool SettingRow::Has(std::string_view variable) const {
  return info.name == variable ||
         std::ranges::count(info.aliases, variable) > 0;
}

bool SettingInfo::IsFor(const std::string& verb) const {
  return verbs.empty() || std::ranges::count(verbs, verb) > 0;
}

const std::vector<SettingInfo>& AllSettings() {
  static const auto* const kInfos = [] {
    auto* infos = new std::vector<SettingInfo>();
    for (const SettingRow& row : SettingRows()) infos->push_back(row.info);
    return infos;
  }();
  return *kInfos;
}

std::vector<SettingValue> SettingValues(const Settings& settings,
                                        bool embedded_only) {
  Settings copy = settings;
  std::vector<SettingValue> values;
  for (const SettingRow& row : SettingRows()) {
    if (embedded_only && !row.embedded) continue;
    const SettingField field = row.field(&copy);
    SettingValue& value = values.emplace_back();
    value.key = row.info.key;
    value.kind = row.info.kind;
    value.text = FormatSetting(field, row.limits);
    if (row.info.secret && !value.text.empty()) value.text = kMask;
    if (const auto* flag = std::get_if<bool*>(&field)) value.flag = **flag;
  }
  return values;
}

const SettingRow* FindSettingRow(std::string_view variable) {
  for (const SettingRow& row : SettingRows()) {
    if (row.Has(variable)) return &row;
    if (row.info.secret && variable == row.info.name + "_FILE") return &row;
  }
  return nullptr;
}

}  // namespace levelkeep
