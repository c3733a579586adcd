// Databases that lack files: refused, or made anew of what is left.

#include "base/log.h"
#include "base/status_macros.h"
#include "dbfiles/db_lock.h"
#include "dbfiles/look.h"
#include "engine/engine.h"
#include "restore/staging.h"

namespace levelkeep {

namespace {

// Also of verified ones: a backup that is not damaged loses less than this.
std::string NewestBackup(Catalog* catalog) {
  const auto listing = catalog->List();
  if (!listing.ok()) return "";
  const CatalogEntry* newest = (*listing)->newest_verified();
  if (newest == nullptr) newest = (*listing)->newest_usable();
  return newest == nullptr ? "" : newest->name;
}

}  // namespace

// Who writes to it now has opened it: nothing was lacking then.
Status Engine::RequireWhole() {
  const std::string db_dir = options_.storage_path();
  const Status whole = levelkeep::RequireWhole(fs_, db_dir);
  if (whole.code() != StatusCode::kCorruption) return whole;
  std::string holder;
  const auto state = DbLock::Probe(fs_, db_dir, &holder);
  if (state.ok() && *state != DbLock::State::kFree) return Status::Ok();
  const std::string newest = NewestBackup(&catalog_);
  if (newest.empty()) return whole;
  return Status(whole.code(), whole.message(),
                whole.hint() + "; the newest backup is " + newest);
}

Status Engine::RequireUsable() {
  LEVELKEEP_RETURN_IF_ERROR(RequireAccess(fs_, options_.storage_path()));
  return RequireWhole();
}

Result<LossPreview> Engine::PreviewLoss() {
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage(kStopIt, Walk::Judge()));
  Restorer* const restorer = OpenRestorer();
  LEVELKEEP_ASSIGN_OR_RETURN(const Remains remains,
                             FindRemains(restorer->context()));
  LEVELKEEP_RETURN_IF_ERROR(CheckRepairable(restorer->context(), remains));
  LossPreview preview;
  preview.fault = remains.fault;
  preview.tables = remains.tables.size();
  preview.logs = remains.logs.size();
  preview.rebuilt = remains.manifest.empty();
  preview.newest_backup = NewestBackup(&catalog_);
  return preview;
}

// 1. the storage is ours   2. stage what is left   3. put it in place
// 4. remember why the history changed
Result<LossReport> Engine::AcceptLoss(const Work& work) {
  LEVELKEEP_RETURN_IF_ERROR(RequireStorage(kStopIt));
  LEVELKEEP_ASSIGN_OR_RETURN(const Remains remains,
                             FindRemains(restorer_->context()));
  LEVELKEEP_ASSIGN_OR_RETURN(const Restorer::Staged staged,
                             StageRemains(restorer_->context(), remains, work));
  auto outcome = restorer_->Apply(staged);
  if (!outcome.ok()) {
    restorer_->Discard(staged);
    return outcome.status();
  }
  RememberLoss(remains.fault);
  LogWarn(kEngineLogTag, "a loss was accepted: " + remains.fault +
                             "; the database goes on with what was left, "
                             "write number " +
                             std::to_string(outcome->last_sequence));
  LossReport report{remains.fault, outcome->last_sequence,
                    outcome->content_bytes, outcome->epoch, ""};
  const auto kept = restorer_->ListKept();
  if (kept.ok() && !kept->empty()) report.kept = kept->front().path;
  return report;
}

// Where nobody remembers the database, the log has said it.
void Engine::RememberLoss(const std::string& fault) {
  const auto adoption = Adopt(false);
  if (!adoption.ok()) return;
  auto record = records_.Load(adoption->identity.id);
  if (!record.ok()) return;
  record->forked = "levelkeep accept-loss went on with what was left: " + fault;
  StoreDatabase(*record);
}

}  // namespace levelkeep
