// Health: the report for an operator, a supervisor and a monitoring system.

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.h"
#include "catalog/growth.h"
#include "catalog/retention.h"
#include "manager/backup_manager_impl.h"

namespace levelkeep {

namespace {

// Health is degraded after this many intervals with writes but without a
// backup.
constexpr int kMissedRunsUntilDegraded = 2;
// Health is degraded if the disk is expected to be full within that time.
constexpr double kFewDays = 7;

bool HasVerified(const Listing& listing, const std::string& epoch) {
  return std::any_of(listing.entries().begin(), listing.entries().end(),
                     [&](const Listing::Entry& entry) {
                       return entry->verified() && entry->manifest &&
                              entry->manifest->db_epoch == epoch;
                     });
}

// "3.5 days"
std::string FormatDays(double days) {
  std::array<char, 32> text = {};
  std::snprintf(text.data(), text.size(), "%.1f days", days);
  return text.data();
}

double Seconds(Time::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

void Add(HealthCode code, std::string text, HealthReport* health) {
  health->reasons.push_back({code, std::move(text)});
}

}  // namespace

// Faults of the application or of the installation.
void BackupManager::Impl::DescribeSetup(const SnapshotEnvStats& stats,
                                        HealthReport* health) const {
  if (std::string missing = engine_.DescribeMissingCheck(); !missing.empty()) {
    Add(HealthCode::kCheckMissing, std::move(missing), health);
  }
  MutexLock lock(&mutex_);
  if (db_ == nullptr) return;
  health->snapshot_method =
      through_env_ ? SnapshotMethod::kHot : SnapshotMethod::kLogical;
  if (!through_env_) Add(HealthCode::kEnvNotUsed, kForgottenEnv, health);
  if (!through_env_ || stats.attached) return;
  health->store_usable = false;
  Add(HealthCode::kStoreClosed,
      "database " + options_.storage_path() +
          " was closed while it was attached: destroy the Attachment before "
          "the DB",
      health);
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
    health.last_error = last_error_;
  }
  health.next_run = jobs_.NextRun();
  health.running = jobs_.Running();
  health.undo_available = initialized_ && engine_.restorer()->UndoAvailable();
  if (stats.poisoned) {
    Add(HealthCode::kStoreFailed,
        "a write to the database failed: " + stats.poison_reason +
            "; restart the application",
        &health);
  }
  DescribeSetup(stats, &health);
  DescribeDrops(&health);
  const auto listing = engine_.ListRecentEntries();
  health.available = listing.ok() && initialized_;
  if (!listing.ok()) {
    Add(HealthCode::kBackupsUnreadable, listing.status().message(), &health);
    return health;
  }
  if (health.available && HasLostItsRecords()) {
    health.available = false;
    Add(HealthCode::kBackupsUnreadable,
        options_.backup_dir +
            " has lost its records of this database: is its volume mounted?",
        &health);
    return health;
  }
  if (!forked.empty() && !HasVerified(**listing, epoch)) {
    Add(HealthCode::kHistoryUnverified,
        "the database began a new history: " + forked +
            "; no backup of it is verified yet",
        &health);
  }
  DescribeBackups(**listing, &health);
  DescribeFuture(**listing, &health);
  DescribeExposure(stats, (*listing)->NewestOfEpoch(epoch), &health);
  if (health.latest && verify_rate > 0) {
    health.predicted_restore_seconds =
        static_cast<double>(health.latest->source_bytes) / verify_rate;
  }
  if (auto removed = engine_.chain().Totals(DatabaseId()); removed.ok()) {
    health.removed = std::move(*removed);
  }
  DescribeDisk(**listing, &health);
  DescribeDrills(&health);
  DescribeWork(&health);
  return health;
}

// The folder of the attached database's records exists since it was attached.
bool BackupManager::Impl::HasLostItsRecords() const {
  const std::string id = DatabaseId();
  return IsOpen() && !id.empty() &&
         fs_->Stat(ParentPath(engine_.JobsFolder(id))).status().code() ==
             StatusCode::kNotFound;
}

// Space, and how long it lasts.
void BackupManager::Impl::DescribeDisk(const Listing& listing,
                                       HealthReport* health) {
  if (const auto size = fs_->DiskSize(options_.backup_dir); size.ok()) {
    health->disk_bytes = *size;
  }
  const auto free = fs_->FreeSpace(options_.backup_dir);
  if (!free.ok()) return;
  health->free_bytes = *free;
  const uint64_t reserve = engine_.options().resources.reserve_bytes;
  if (*free < reserve) {
    Add(HealthCode::kDiskLow,
        "only " + FormatBytes(*free) + " are free in " + options_.backup_dir,
        health);
    return;
  }
  const auto policy = engine_.Policy();
  if (!policy.ok()) return;
  health->days_until_full = DaysUntilFull(listing, *policy, *free - reserve);
  if (!health->days_until_full || *health->days_until_full >= kFewDays) return;
  Add(HealthCode::kDiskFilling,
      "at the growth so far, the disk of " + options_.backup_dir +
          " has space for " + FormatDays(*health->days_until_full) +
          " of backups: keep fewer, or use a larger disk",
      health);
}

// What did not succeed lately.
void BackupManager::Impl::DescribeWork(HealthReport* health) {
  for (std::string& stuck : jobs_.StuckJobs()) {
    Add(HealthCode::kJobStuck, std::move(stuck), health);
  }
  for (std::string& problem : notifier_.Problems()) {
    Add(HealthCode::kNotificationFailed, std::move(problem), health);
  }
  if (const std::string why = engine_.RotationProblem(); !why.empty()) {
    Add(HealthCode::kRotationFailed, "old backups were not removed: " + why,
        health);
  }
  if (std::string cap = engine_.CapProblem(); !cap.empty()) {
    Add(HealthCode::kCapExceeded, std::move(cap), health);
  }
  if (!health->last_error.empty()) {
    Add(HealthCode::kBackupFailed,
        "the last backup failed: " + health->last_error, health);
  }
}

// With AUTO_RESTORE_ENABLED off, files in RESTORE_DIR are not meant for a
// restore.
void BackupManager::Impl::DescribeDrops(HealthReport* health) {
  if (!initialized_ || !options_.restore.at_start) return;
  health->unrestored = engine_.restorer()->LookAtDrops();
  for (const UnrestoredDrop& drop : health->unrestored) {
    Add(HealthCode::kDropNotRestored,
        Printable(drop.name) + " in " + options_.restore_dir +
            " is not restored: " + drop.reason +
            (drop.hint.empty() ? "" : "; " + drop.hint),
        health);
  }
}

// By the catalog, so that no restart changes it.
std::optional<Time> BackupManager::Impl::LastSuccess(
    const Listing& listing) const {
  if (listing.newest_good() == nullptr) return std::nullopt;
  return listing.newest_good()->CoveredUntil(clock_->Now());
}

void BackupManager::Impl::DescribeBackups(const Listing& listing,
                                          HealthReport* health) const {
  health->count = listing.count();
  health->total_bytes = listing.total_bytes();
  health->by_status = listing.by_status();
  if (listing.newest_good() != nullptr) {
    health->latest = ToBackupInfo(*listing.newest_good());
  }
  if (listing.newest_verified() != nullptr) {
    health->last_verified = listing.newest_verified()->verification->at;
  }
  for (const CatalogEntry* entry : listing.bad()) {
    const BackupInfo backup = ToBackupInfo(*entry);
    Add(HealthCode::kBackupDamaged,
        backup.name + " is " + std::string(NameOf(backup.status)) + ": " +
            backup.problem,
        health);
  }
  for (const CatalogEntry* entry : listing.waiting()) {
    Add(HealthCode::kBackupNotChecked,
        entry->name + " could not be checked: " + entry->not_checked->reason,
        health);
  }
  health->last_success = LastSuccess(listing);
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
    Add(HealthCode::kBackupFromFuture,
        entry->name + " is dated in the future (" +
            FormatTime(entry->created()) +
            "): rotation keeps it, and it stands for no day; set the clock "
            "right, or delete it",
        health);
  }
}

// No value: the host counts no events, or the newest backup has no count. A
// count that went down, as by a deletion, says nothing about what is unsaved.
std::optional<uint64_t> BackupManager::Impl::CountUnsavedEvents(
    const CatalogEntry* newest) {
  if (newest != nullptr && !newest->manifest->events) return std::nullopt;
  const auto now = CountEventsNow();
  if (!now) return std::nullopt;
  const uint64_t saved =
      newest == nullptr ? 0 : newest->manifest->events->count;
  return now->count > saved ? now->count - saved : 0;
}

// A backup from the future hides how old the unsaved writes are. Where
// retention goes by dates, DescribeFuture has named it.
void BackupManager::Impl::DescribeUnknownAge(const CatalogEntry& newest,
                                             Time::duration ahead,
                                             HealthReport* health) {
  const bool named =
      std::ranges::count(health->reasons, HealthCode::kBackupFromFuture,
                         &HealthReason::code) > 0;
  if (named || ahead <= RetentionPolicy::kClockTolerance) return;
  Add(HealthCode::kBackupFromFuture,
      newest.name + " is dated in the future (" + FormatTime(newest.created()) +
          "), so nobody knows how old the unsaved writes are: set the clock "
          "right, or make a backup",
      health);
}

// The recovery point: how many writes would be lost if the disk died now.
void BackupManager::Impl::DescribeExposure(const SnapshotEnvStats& stats,
                                           const CatalogEntry* newest,
                                           HealthReport* health) {
  health->unsaved_events = CountUnsavedEvents(newest);
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
  if (age < Time::duration::zero()) {  // the clock was set back
    DescribeUnknownAge(*newest, -age, health);
    return;
  }
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
    Add(HealthCode::kBackupStale,
        "unsaved writes are older than " +
            std::to_string(kMissedRunsUntilDegraded) + " backup intervals",
        health);
  }
}

}  // namespace levelkeep
