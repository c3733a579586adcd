// Reports as JSON, with the names that the HTTP API uses.

#ifndef LEVELKEEP_CLI_REPORT_JSON_H_
#define LEVELKEEP_CLI_REPORT_JSON_H_

#include <nlohmann/json.hpp>
#include <vector>

#include "format/manifest.h"
#include "levelkeep/backup_manager.h"

namespace levelkeep::cli {

nlohmann::ordered_json ToJson(const BackupInfo& backup, Time now);
nlohmann::ordered_json ToJson(const VerifyReport& report);
nlohmann::ordered_json ToJson(const RestoreReport& report);
nlohmann::ordered_json ToJson(const RestorePreview& preview);
nlohmann::ordered_json ToJson(const std::vector<RotationDecision>& decisions);
nlohmann::ordered_json ToJson(const std::vector<ManifestFile>& files);

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_REPORT_JSON_H_
