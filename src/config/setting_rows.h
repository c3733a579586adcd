// The table that drives all of the configuration; private to src/config.

#ifndef LEVELKEEP_CONFIG_SETTING_ROWS_H_
#define LEVELKEEP_CONFIG_SETTING_ROWS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/setting_value.h"
#include "config/settings.h"

namespace levelkeep {

// Shown for a secret that is set.
inline constexpr char kMask[] = "********";

struct SettingRow {
  SettingInfo info;
  SettingLimits limits;
  // The row's place in a Settings.
  std::function<SettingField(Settings* settings)> field;
  // In BackupOptions: matters to applications too, not only to `levelkeep`.
  bool embedded = false;

  // "BACKUP_DIR" and its aliases, but not NAME_FILE.
  bool Has(std::string_view variable) const;
};

const std::vector<SettingRow>& SettingRows();

// The row that owns the variable, an alias or a secret's NAME_FILE; or null.
const SettingRow* FindSettingRow(std::string_view variable);

// What a later version knows. Asking for it must not be silently ignored.
struct LaterFeature {
  enum class Rule {
    kRefuseTrue,   // a switch that is off by default
    kRefuseFalse,  // a switch that is on by default
    kRefuseValue,  // security: what was asked for can't be honoured
    kNote,         // a value that is of no use without the feature
  };
  const char* name;
  Rule rule;
};

const std::vector<LaterFeature>& LaterFeatures();
const LaterFeature* FindLaterFeature(std::string_view variable);

// Does a path begin or hold what a shell would have replaced? docker's
// --env-file passes quotes on, and our files know ${NAME} alone.
bool IsLeftToAShell(std::string_view path);
// Does its prefix say that it means us?
bool LooksLikeOurs(std::string_view variable);
// The known variable that is nearest, at most `distance` edits away; or "".
std::string NearestVariable(std::string_view variable, size_t distance);

// `MAX_BACKUPS is "0" (environment MAX_BACKUPS): allowed is 1 to 100000`.
// No "(…)" for an empty origin.
std::string DescribeBadValue(const SettingRow& row, std::string_view value,
                             std::string_view origin);
// Checks that concern several settings of BackupOptions; one line each.
std::vector<std::string> FindConflicts(const BackupOptions& options);

}  // namespace levelkeep

#endif  // LEVELKEEP_CONFIG_SETTING_ROWS_H_
