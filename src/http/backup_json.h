// Backups as JSON, keys in the order of the users' manual.

#ifndef LEVELKEEP_HTTP_BACKUP_JSON_H_
#define LEVELKEEP_HTTP_BACKUP_JSON_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "levelkeep/backup_manager.h"

namespace levelkeep::http {

using Json = nlohmann::ordered_json;

// One element of "backups".
Json BackupToJson(const BackupInfo& backup, Time now);
// The same with everything that its manifest says.
Json BackupToDetailedJson(const BackupInfo& backup, Time now);
Json BackupsToJson(const std::vector<BackupInfo>& backups, Time now);
// Appends the text of BackupsToJson, byte for byte, without the tree in
// between: for 10,000 backups that is 4 MB in milliseconds.
void AppendBackups(const std::vector<BackupInfo>& backups, Time now,
                   std::string* text);

// As users' scripts can open it from anywhere.
std::string AbsolutePath(const std::string& path);
// null without value.
Json TimeToJson(const std::optional<Time>& time);
// dump() that can't throw on bytes that are not UTF-8.
std::string DumpOrdered(const Json& json);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_BACKUP_JSON_H_
