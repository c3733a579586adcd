// The table that defines all settings; private to src/config.

#ifndef LEVELKEEP_CONFIG_SETTING_ROWS_H_
#define LEVELKEEP_CONFIG_SETTING_ROWS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/setting_value.h"
#include "config/settings.h"

namespace levelkeep {

// Shown in place of a secret's value.
inline constexpr char kMask[] = "********";

struct SettingRow {
  SettingInfo info;
  SettingLimits limits;
  // Returns the row's member of a Settings.
  std::function<SettingField(Settings* settings)> field;
  // In BackupOptions: applications have the setting too, not only `levelkeep`.
  bool embedded = false;

  // True for the variable and its aliases, but not for NAME_FILE.
  bool Has(std::string_view variable) const;
};

const std::vector<SettingRow>& SettingRows();

// The settings as they act, for people: MAX_BACKUPS has its default while no
// other rule of retention is set.
Settings AsTheyAct(Settings settings);

// The row of a variable, of an alias or of a secret's NAME_FILE; or null.
const SettingRow* FindSettingRow(std::string_view variable);

// A setting of a later version. Its use must not be silently ignored.
struct LaterFeature {
  enum Rule {
    kRefuseTrue,   // a switch that is off by default
    kRefuseFalse,  // a switch that is on by default
    kRefuseValue,  // security: the value can't be obeyed
    kNote,         // a value that has no effect without the feature
  };
  std::string_view name;
  Rule rule;
};

inline constexpr LaterFeature kLaterFeatures[] = {
    {"BACKUP_LOCAL", LaterFeature::kRefuseFalse},
    {"BACKUP_REMOTE", LaterFeature::kRefuseTrue},
    {"BACKUP_MINIO", LaterFeature::kRefuseTrue},
    {"BACKUP_S3", LaterFeature::kRefuseTrue},
    {"BACKUP_ENCRYPT", LaterFeature::kRefuseTrue},
    {"BACKUP_GPG_RECIPIENT", LaterFeature::kRefuseValue},
    {"BACKUP_AGE_RECIPIENT", LaterFeature::kRefuseValue},
    {"BACKUP_REMOTE_HOST", LaterFeature::kNote},
    {"BACKUP_REMOTE_USER", LaterFeature::kNote},
    {"BACKUP_REMOTE_PATH", LaterFeature::kNote},
    {"BACKUP_REMOTE_SSH_KEY", LaterFeature::kNote},
    {"BACKUP_S3_BUCKET", LaterFeature::kNote},
};

// Null if there is none.
const LaterFeature* FindLaterFeature(std::string_view variable);

// True if a path begins with or contains text that a shell would have replaced.
// docker's --env-file passes quotes on, and our files know ${NAME} alone.
bool IsLeftToAShell(std::string_view path);
// True if the variable's prefix is one of ours.
bool LooksLikeOurs(std::string_view variable);
// The most similar known variable, at most `distance` edits away; or "".
std::string NearestVariable(std::string_view variable, size_t distance);

// `MAX_BACKUPS is "0" (environment MAX_BACKUPS): allowed is 1 to 100000`. An
// empty origin leaves out the "(…)".
std::string DescribeBadValue(const SettingRow& row, std::string_view value,
                             std::string_view origin);
// Checks settings of BackupOptions against each other; one line per problem.
std::vector<std::string> FindConflicts(const BackupOptions& options);

}  // namespace levelkeep

#endif  // LEVELKEEP_CONFIG_SETTING_ROWS_H_
