#include "restore/restorer.h"

#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "restore/apply.h"
#include "restore/context.h"
#include "restore/drop_folder.h"
#include "restore/journal.h"
#include "restore/layout.h"
#include "restore/recovery.h"
#include "restore/staging.h"
#include "restore/undo.h"

namespace levelkeep {

struct Restorer::Impl {
  RestoreContext context;
  std::unique_ptr<FileLock> instance_lock;

  // Before another one: what is pending ends first. kBusy if that put another
  // database in place than the caller was told.
  Status SettleEarlier(const OpenCheck& open_check) const {
    const auto journal = LoadJournal(context);
    const bool told =
        journal.ok() && journal->state == JournalState::kCommitted;
    RecoveryOutcome earlier;
    LEVELKEEP_RETURN_IF_ERROR(SettleJournal(context, open_check, &earlier));
    if (told || !earlier.finished_restore) return Status::Ok();
    return Status(StatusCode::kBusy,
                  "an interrupted restore was finished first: " +
                      context.db_dir() + " now holds " +
                      (earlier.restored->archive_name.empty()
                           ? "the database of an undo"
                           : earlier.restored->archive_name) +
                      "; nothing else was changed",
                  "look at it, then ask again");
  }

  // While a journal is pending, the undo record is not the last word.
  Status RequireSettled() const {
    const Status pending = LoadJournal(context).status();
    if (pending.code() == StatusCode::kNotFound) return Status::Ok();
    return Status(StatusCode::kBusy,
                  "a restore in " + context.options.storage_dir +
                      " is still to be finished",
                  "restart: the start finishes it or takes it back");
  }
};

Restorer::Restorer(FileSystem* fs, Clock* clock, RestorerOptions options)
    : impl_(std::make_unique<Impl>()) {
  impl_->context.fs = fs;
  impl_->context.clock = clock;
  impl_->context.options = std::move(options);
}

Restorer::~Restorer() = default;

std::string Restorer::work_dir() const { return impl_->context.work_dir(); }

Status Restorer::Prepare() {
  const RestoreContext& context = impl_->context;
  LEVELKEEP_RETURN_IF_ERROR(CreateLayout(context));
  if (impl_->instance_lock == nullptr) {
    auto lock = context.fs->Lock(context.InWork("instance.lock"));
    if (!lock.ok()) {
      return lock.status().WithContext("another LevelKeep manages " +
                                       context.options.storage_dir);
    }
    impl_->instance_lock = std::move(*lock);
  }
  return CheckExchangeable(context);
}

Result<RecoveryOutcome> Restorer::Recover(const OpenCheck& open_check) {
  RecoveryOutcome outcome;
  LEVELKEEP_RETURN_IF_ERROR(
      SettleJournal(impl_->context, open_check, &outcome));
  LEVELKEEP_RETURN_IF_ERROR(Sweep(impl_->context, &outcome));
  return outcome;
}

Result<DropOutcome> Restorer::ApplyDropped(const OpenCheck& open_check,
                                           std::stop_token stop) {
  RecoveryOutcome ignored;
  LEVELKEEP_RETURN_IF_ERROR(
      SettleJournal(impl_->context, open_check, &ignored));
  return ApplyDropFolder(impl_->context, open_check, std::move(stop));
}

Result<Restorer::Staged> Restorer::Stage(
    const RestoreSource& source, std::stop_token stop,
    const std::function<void(double)>& progress) {
  return StageArchive(impl_->context, source, std::move(stop), progress);
}

Result<RestoreOutcome> Restorer::Apply(const Staged& staged,
                                       const OpenCheck& open_check) {
  LEVELKEEP_RETURN_IF_ERROR(impl_->SettleEarlier(open_check));
  auto outcome =
      ApplyStaged(impl_->context, staged, DropIdentity(), open_check);
  if (outcome.ok()) outcome->manifest = staged.outcome.manifest;
  return outcome;
}

void Restorer::Discard(const Staged& staged) {
  // While a journal is pending the directory may hold the old database.
  if (LoadJournal(impl_->context).status().code() != StatusCode::kNotFound) {
    return;
  }
  const Status gone =
      levelkeep::Discard(impl_->context, BaseName(staged.directory));
  if (!gone.ok()) {
    LogWarn(kRestoreLogTag,
            "left for the next start to sweep: " + gone.ToString());
  }
}

Result<RestoreOutcome> Restorer::Undo(const OpenCheck& open_check,
                                      UndoScope scope) {
  LEVELKEEP_RETURN_IF_ERROR(impl_->SettleEarlier(open_check));
  return ApplyUndo(impl_->context, open_check, scope);
}

Result<RestoreOutcome> Restorer::TakeBack(const OpenCheck& open_check) {
  LEVELKEEP_ASSIGN_OR_RETURN(RestoreOutcome outcome, Undo(open_check));
  // If we die here: it is still there, as after any undo.
  Status forgotten = impl_->RequireSettled();
  if (forgotten.ok()) forgotten = ForgetUndone(impl_->context);
  if (!forgotten.ok()) {
    LogWarn(kRestoreLogTag,
            "what was taken back is still kept: " + forgotten.ToString());
  }
  outcome.undo_available = UndoAvailable();
  return outcome;
}

bool Restorer::UndoAvailable() const { return LoadUndo(impl_->context).ok(); }

Result<bool> Restorer::DropUndo(uint64_t verified_sequence) {
  LEVELKEEP_RETURN_IF_ERROR(impl_->RequireSettled());
  const auto undo = LoadUndo(impl_->context);
  if (undo.ok() && verified_sequence < undo->live_sequence) return false;
  LEVELKEEP_RETURN_IF_ERROR(DropAllRollbacks(impl_->context));
  return true;
}

Status Restorer::StageForRestart(const std::string& archive_path) {
  return CopyIntoDropFolder(impl_->context, archive_path);
}

Result<RestoreOutcome> Restorer::ExtractTo(
    const RestoreSource& source, const std::string& target_dir,
    std::stop_token stop, const std::function<void(double)>& progress) {
  return ExtractArchiveTo(impl_->context, source, target_dir, std::move(stop),
                          progress);
}

Result<StoreCheck> Restorer::VerifyFull(
    const std::string& archive_path, const std::string& scratch_parent,
    std::stop_token stop, const std::function<void(double)>& progress) {
  return VerifyArchive(impl_->context, archive_path, scratch_parent,
                       std::move(stop), progress);
}

}  // namespace levelkeep
