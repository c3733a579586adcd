#include "manager/hooked_create.h"

#include <utility>

#include "config/settings.h"
#include "restore/context.h"

namespace levelkeep {

namespace {

HookFacts FactsOf(const BackupOptions& options, const std::string& job_id,
                  uint64_t attempt, const BackupRequest& request) {
  return {{"LEVELKEEP_JOB_ID", job_id},
          {"LEVELKEEP_JOB_TYPE", "create"},
          {"LEVELKEEP_ATTEMPT", std::to_string(attempt)},
          {"LEVELKEEP_TRIGGER", request.trigger},
          {"LEVELKEEP_LABEL", request.label},
          {"LEVELKEEP_DATABASE", options.db_name},
          {"LEVELKEEP_DATABASE_PATH", options.storage_path()},
          {"LEVELKEEP_BACKUP_DIR", options.backup_dir},
          {"LEVELKEEP_STATUS", "started"}};
}

void AddOutcome(const Result<BackupInfo>& made, HookFacts* facts) {
  if (made.ok()) {
    (*facts)["LEVELKEEP_STATUS"] = "success";
    (*facts)["LEVELKEEP_BACKUP_NAME"] = made->name;
    (*facts)["LEVELKEEP_BACKUP_PATH"] = made->path;
    (*facts)["LEVELKEEP_SIZE"] = std::to_string(made->size_bytes);
    (*facts)["LEVELKEEP_MESSAGE"] = made->warning;
    return;
  }
  const bool cancelled = made.status().code() == StatusCode::kCancelled;
  (*facts)["LEVELKEEP_STATUS"] = cancelled ? "cancelled" : "failure";
  (*facts)["LEVELKEEP_MESSAGE"] = made.status().message();
}

}  // namespace

std::string NotifyFolder(const BackupOptions& options) {
  return JoinPath(WorkDirOf(options.storage_dir, options.db_name), "notify");
}

std::string HookFolder(const BackupOptions& options) {
  return JoinPath(NotifyFolder(options), "hooks");
}

std::vector<std::string> SecretVariables() {
  std::vector<std::string> names;
  for (const SettingInfo& setting : AllSettings()) {
    if (!setting.secret) continue;
    names.push_back(setting.name);
    names.push_back(setting.name + "_FILE");
  }
  return names;
}

std::map<std::string, std::string> ResultOfCreate(const BackupInfo& made) {
  std::map<std::string, std::string> result = {
      {"backup", made.name},
      {"sequence", std::to_string(made.last_sequence)},
      {"size", std::to_string(made.size_bytes)}};
  if (!made.warning.empty()) result["warning"] = made.warning;
  return result;
}

Result<BackupInfo> CreateWithHooks(Engine* engine, Hooks* hooks,
                                   const BackupOptions& options,
                                   const std::string& job_id, uint64_t attempt,
                                   BackupRequest request) {
  HookFacts facts = FactsOf(options, job_id, attempt, request);
  bool begun = false;
  request.before_snapshot =
      [&, stop = request.work.stop](std::string* warning) -> Status {
    begun = true;
    const Status before = hooks->Before(job_id, facts, stop);
    if (before.ok() || before.code() == StatusCode::kCancelled) return before;
    if (options.notify.hooks.pre_required) {
      return Status(
          StatusCode::kRefused,
          before.message() + ", and HOOK_PRE_REQUIRED=true: there is no backup",
          before.hint());
    }
    *warning = before.message();
    return Status::Ok();
  };
  auto made = engine->Create(std::move(request));
  AddOutcome(made, &facts);
  if (begun || made.status().code() != StatusCode::kBusy) {
    hooks->After(job_id, facts);
  }
  return made;
}

}  // namespace levelkeep
