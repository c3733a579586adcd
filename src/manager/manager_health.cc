// Health: the report for an operator, a supervisor and a monitoring system.

#include <algorithm>

#include "base/text.h"
#include "catalog/retention.h"
#include "manager/backup_manager_impl.h"

namespace levelkeep {

namespace {

// Health is degraded after this many intervals with writes but without a
// backup.
constexpr int kMissedRunsUntilDegraded = 2;

bool HasVerified(const Listing& listing, const std::string& epoch) {
  return std::any_of(listing.entries().begin(), listing.entries().end(),
                     [&](const Listing::Entry& entry) {
                       return entry->verified() && entry->manifest &&
                              entry->manifest->db_epoch == epoch;
                     });
}

double Seconds(Time::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

// Faults of the application or of the installation.
void BackupManager::Impl::DescribeSetup(const SnapshotEnvStats& stats,
                                        HealthReport* health) const {
  if (std::string missing = engine_.DescribeMissingCheck(); !missing.empty()) {
    health->degraded.push_back(std::move(missing));
  }
  MutexLock lock(&mutex_);
  if (db_ == nullptr) return;
  health->snapshot_method =
      through_env_ ? SnapshotMethod::kHot : SnapshotMethod::kLogical;
  if (!through_env_) health->degraded.emplace_back(kForgottenEnv);
  if (!through_env_ || stats.attached) return;
  health->store_usable = false;
  health->degraded.push_back("database " + options_.storage_path() +
                             " was closed while it was attached: destroy the "
                             "Attachment before the DB");
}

HealthReport BackupManager::Impl::Health() {
  HealthReport health;
  const SnapshotEnvStats stats = Stats();
  std::string epoch, forked;
  double verify_rate = 0;
  {
    MutexLock lock(&mutex_);
    health.store_usable = db_ != nullptr && !stats.poisoned;
    epoch = epoch_;
    forked = forked_;
    verify_rate = verify_rate_;
    health.last_success = last_success_;
    health.last_error = last_error_;
  }
  health.next_run = jobs_.NextRun();
  health.running = jobs_.Running();
  health.undo_available = initialized_ && engine_.restorer()->UndoAvailable();
  if (stats.poisoned) {
    health.degraded.push_back(
        "a write to the database failed: " + stats.poison_reason +
        "; restart the application");
  }
  DescribeSetup(stats, &health);
  DescribeDrops(&health);
  const auto listing = engine_.ListRecentEntries();
  health.available = listing.ok() && initialized_;
  if (!listing.ok()) {
    health.degraded.push_back(listing.status().message());
    return health;
  }
  if (!forked.empty() && !HasVerified(**listing, epoch)) {
    health.degraded.push_back("the database began a new history: " + forked +
                              "; no backup of it is verified yet");
  }
  DescribeBackups(**listing, &health);
  DescribeFuture(**listing, &health);
  DescribeExposure(stats, (*listing)->NewestOfEpoch(epoch), &health);
  if (health.latest && verify_rate > 0) {
    health.predicted_restore_seconds =
        static_cast<double>(health.latest->source_bytes) / verify_rate;
  }
  if (const auto free = fs_->FreeSpace(options_.backup_dir); free.ok()) {
    health.free_bytes = *free;
    if (*free < engine_.options().resources.reserve_bytes) {
      health.degraded.push_back("only " + FormatBytes(*free) + " are free in " +
                                options_.backup_dir);
    }
  }
  DescribeDrills(&health);
  DescribeWork(&health);
  return health;
}

// What did not succeed lately.
void BackupManager::Impl::DescribeWork(HealthReport* health) {
  for (std::string& problem : notifier_.Problems()) {
    health->degraded.push_back(std::move(problem));
  }
  if (const std::string why = engine_.RotationProblem(); !why.empty()) {
    health->degraded.push_back("old backups were not removed: " + why);
  }
  if (std::string cap = engine_.CapProblem(); !cap.empty()) {
    health->degraded.push_back(std::move(cap));
  }
  if (!health->last_error.empty()) {
    health->degraded.push_back("the last backup failed: " + health->last_error);
  }
}

// With AUTO_RESTORE_ENABLED off, files in RESTORE_DIR are not meant for a
// restore.
void BackupManager::Impl::DescribeDrops(HealthReport* health) {
  if (!initialized_ || !options_.restore.at_start) return;
  health->unrestored = engine_.restorer()->LookAtDrops();
  for (const UnrestoredDrop& drop : health->unrestored) {
    health->degraded.push_back(Printable(drop.name) + " in " +
                               options_.restore_dir +
                               " is not restored: " + drop.reason +
                               (drop.hint.empty() ? "" : "; " + drop.hint));
  }
}

void BackupManager::Impl::DescribeBackups(const Listing& listing,
                                          HealthReport* health) {
  health->count = listing.count();
  health->total_bytes = listing.total_bytes();
  if (listing.newest_good() != nullptr) {
    health->latest = ToBackupInfo(*listing.newest_good());
  }
  if (listing.newest_verified() != nullptr) {
    health->last_verified = listing.newest_verified()->verification->at;
  }
  for (const CatalogEntry* entry : listing.bad()) {
    const BackupInfo backup = ToBackupInfo(*entry);
    health->degraded.push_back(backup.name + " is " +
                               std::string(NameOf(backup.status)) + ": " +
                               backup.problem);
  }
  for (const CatalogEntry* entry : listing.waiting()) {
    health->degraded.push_back(
        entry->name + " could not be checked: " + entry->not_checked->reason);
  }
  if (!health->last_success && health->latest) {
    health->last_success = health->latest->created;
  }
}

// Where backups are kept by their dates, one from the future stays for ever and
// stands for no day. MAX_BACKUPS alone goes by the order of backups.
void BackupManager::Impl::DescribeFuture(const Listing& listing,
                                         HealthReport* health) const {
  const Time latest = clock_->Now() + RetentionPolicy::kClockTolerance;
  if (listing.latest_created() <= latest) return;
  const auto policy = engine_.Policy();
  if (!policy.ok() || !GoesByDates(*policy)) return;
  for (const Listing::Entry& entry : listing.entries()) {
    if (!listing.IsOwn(*entry) || entry->created() <= latest) continue;
    health->degraded.push_back(
        entry->name + " is dated in the future (" +
        FormatTime(entry->created()) +
        "): rotation keeps it, and it stands for no day; set the clock right, "
        "or delete it");
  }
}

// The recovery point: how many writes would be lost if the disk died now.
void BackupManager::Impl::DescribeExposure(const SnapshotEnvStats& stats,
                                           const CatalogEntry* newest,
                                           HealthReport* health) {
  if (!stats.attached) return;
  const uint64_t saved =
      newest == nullptr ? 0 : newest->manifest->last_sequence;
  if (stats.last_sequence <= saved) {
    health->unsaved_seconds = 0.0;
    return;
  }
  health->unsaved_writes = stats.last_sequence - saved;
  if (newest == nullptr) return;  // never backed up: no age
  const Time saved_at = newest->CoveredUntil(clock_->Now());
  const Time::duration age = clock_->Now() - saved_at;
  if (age < Time::duration::zero()) return;  // the clock was set back
  health->unsaved_seconds = Seconds(age);
  std::shared_ptr<const Schedule> schedule;
  {
    MutexLock lock(&mutex_);
    schedule = backup_schedule_;
  }
  if (schedule == nullptr) return;
  Time latest = saved_at;  // of the next backup that is not missed
  for (int run = 0; run < kMissedRunsUntilDegraded; ++run) {
    latest = schedule->NextAfter(latest);
  }
  if (clock_->Now() > latest) {
    health->degraded.push_back("unsaved writes are older than " +
                               std::to_string(kMissedRunsUntilDegraded) +
                               " backup intervals");
  }
}

}  // namespace levelkeep
