// A create with the operator's hooks around it, for the manager and for
// `levelkeep create`.

#ifndef LEVELKEEP_MANAGER_HOOKED_CREATE_H_
#define LEVELKEEP_MANAGER_HOOKED_CREATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "levelkeep/options.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"
#include "notify/hooks.h"

namespace levelkeep {

// The folder of what is to be told, and that of the hooks' marks. They are in
// STORAGE_DIR: a full or missing BACKUP_DIR is what there is to tell.
std::string NotifyFolder(const BackupOptions& options);
std::string HookFolder(const BackupOptions& options);

// The variables that hold secrets or name their files.
std::vector<std::string> SecretVariables();

// Job::result of a backup that was made.
std::map<std::string, std::string> ResultOfCreate(const BackupInfo& made);

// Engine::Create. The pre hook runs right before the snapshot; if it fails, the
// backup is marked (BackupInfo::warning), or fails with kRefused if the options
// say so. The post hook begins when the create has ended in any way; only a
// create that found another process in its way had no hooks.
Result<BackupInfo> CreateWithHooks(Engine* engine, Hooks* hooks,
                                   const BackupOptions& options,
                                   const std::string& job_id, uint64_t attempt,
                                   BackupRequest request);

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_HOOKED_CREATE_H_
