// What the manager reports, as JSON: HTTP and `levelkeep --json` use the same
// names.

#ifndef LEVELKEEP_API_REPORT_JSON_H_
#define LEVELKEEP_API_REPORT_JSON_H_

#include <vector>

#include "api/backup_json.h"
#include "levelkeep/backup_manager.h"

namespace levelkeep::api {

// Of a backup that was just made.
Json CreatedToJson(const BackupInfo& backup);
Json ToJson(const VerifyReport& report);
Json ToJson(const RestoreReport& report);
Json ToJson(const RestorePreview& preview);
Json UndoToJson(const RestoreReport& report);
Json ToJson(const KeptDatabase& database);
// What an undo would bring back.
Json UndoPreviewToJson(const KeptDatabase& database);
Json RotationToJson(const std::vector<RotationDecision>& decisions,
                    bool dry_run);
Json ToJson(const HealthReport& health, Time now);

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_REPORT_JSON_H_
