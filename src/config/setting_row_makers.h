// Makes the rows of the table of settings; private to src/config.

#ifndef LEVELKEEP_CONFIG_SETTING_ROW_MAKERS_H_
#define LEVELKEEP_CONFIG_SETTING_ROW_MAKERS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/setting_rows.h"

namespace levelkeep {

using Field = std::function<SettingField(Settings*)>;

// The member of a Settings for a row.
#define LEVELKEEP_AT(member) [](Settings* s) { return &s->member; }

// The identity of a setting: its verbs, its variable, its JSON key.
struct Id {
  const char* verbs;
  const char* name;
  const char* key;
};

// --- texts that are allowed

bool IsText(std::string_view text);
bool IsPath(std::string_view text);
bool IsHost(std::string_view text);

// --- rows of one kind

SettingRow Text(const Id& id, SettingKind kind,
                bool (*accepts)(std::string_view), const char* allowed,
                Field field, const char* help);
SettingRow Folder(const Id& id, Field field, const char* help);
SettingRow Switch(const Id& id, Field field, const char* help);
SettingRow Number(const Id& id, uint64_t min, uint64_t max, Field field,
                  const char* help);
SettingRow Milliseconds(const Id& id, uint64_t min, uint64_t max, Field field,
                        const char* help);
SettingRow Bytes(const Id& id, Field field, const char* help);
SettingRow Choice(const Id& id, std::vector<std::string> choices, Field field,
                  const char* help);

// --- changes of a row

SettingRow OrNothing(SettingRow row);
SettingRow Also(std::string alias, SettingRow row);
SettingRow Flag(std::string flag, SettingRow row);
SettingRow Secret(SettingRow row);

// --- sections in files of their own (notify_rows.cc)

std::vector<SettingRow> NotificationRows();
std::vector<SettingRow> MailRows();
std::vector<SettingRow> HookRows();

}  // namespace levelkeep

#endif  // LEVELKEEP_CONFIG_SETTING_ROW_MAKERS_H_
