#include "cli/reload.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"

namespace levelkeep::cli {

namespace {

constexpr char kReloadTag[] = "Config";

void LogChanges(const std::vector<SettingChange>& changes) {
  for (const SettingChange& change : changes) {
    if (change.reloadable) {
      LogInfo(kReloadTag, change.ToString());
    } else {
      LogWarn(kReloadTag, change.ToString());
    }
  }
  if (changes.empty()) LogInfo(kReloadTag, "no setting has changed");
}

}  // namespace

Reloader::Reloader(const Session* session, Supervision* supervision,
                   Steps steps)
    : session_(session),
      supervision_(supervision),
      steps_(std::move(steps)),
      sources_(*session->sources),
      present_(session->settings()) {}

void Reloader::Reload() {
  supervision_->Reloading();
  ReopenLogs();
  LogInfo(kReloadTag, "reading the settings again");
  if (!sources_.environment_file_status().ok()) {
    LogWarn(kReloadTag,
            "changes in the file of the service's settings need a restart, "
            "because this user could not read the file at the start: " +
                sources_.environment_file_status().ToString());
  }
  const Status reloaded = TryReload();
  if (!reloaded.ok()) {
    LogError(kReloadTag,
             "nothing was reloaded, all settings stay as they were: " +
                 reloaded.ToString());
  }
  supervision_->Reloaded();
}

Status Reloader::TryReload() {
  LEVELKEEP_ASSIGN_OR_RETURN(const LoadedSettings loaded, sources_.Load());
  ReloadPlan plan =
      PlanReload(present_, loaded.settings, session_->line.verb->name);
  LEVELKEEP_RETURN_IF_ERROR(Check(loaded.settings, plan.settings));
  return PutInForce(std::move(plan));
}

// Both must be usable: a host that needs a restart would still listen for
// everybody when the token is gone already.
Status Reloader::Check(const Settings& loaded, const Settings& next) const {
  if (!steps_.check) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(steps_.check(loaded));
  return steps_.check(next).WithContext(
      "with the settings that need a restart");
}

// The changes are told with the lower one of the old and the new log level.
Status Reloader::PutInForce(ReloadPlan plan) {
  LogOptions log = LogOptionsFor(plan.settings, session_->line);
  const LogLevel level = log.level;
  log.level = std::min(level, LogOptionsFor(present_, session_->line).level);
  LEVELKEEP_RETURN_IF_ERROR(ConfigureLogging(log));
  present_ = std::move(plan.settings);
  steps_.apply(present_);
  LogChanges(plan.changes);
  SetLogLevel(level);
  return Status::Ok();
}

}  // namespace levelkeep::cli
