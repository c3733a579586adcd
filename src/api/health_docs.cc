#include "api/health_docs.h"

#include <algorithm>
#include <iterator>

namespace levelkeep::api {

namespace {

struct Entry {
  HealthCode code;
  const char* heading;  // as an anchor
};

constexpr Entry kEntries[] = {
    {HealthCode::kStoreFailed, "a-write-to-the-database-failed"},
    {HealthCode::kStoreClosed, "the-database-was-closed-while-it-was-attached"},
    {HealthCode::kEnvNotUsed, "the-database-is-open-without-levelkeeps-env"},
    {HealthCode::kCheckMissing, "levelkeep-check-is-missing"},
    {HealthCode::kDropNotRestored, "a-dropped-file-is-not-restored"},
    {HealthCode::kBackupsUnreadable, "the-backups-cant-be-listed"},
    {HealthCode::kHistoryUnverified,
     "no-backup-of-the-new-history-is-verified"},
    {HealthCode::kBackupDamaged, "a-backup-is-damaged"},
    {HealthCode::kBackupNotChecked, "a-backup-could-not-be-checked"},
    {HealthCode::kBackupFromFuture, "a-backup-is-dated-in-the-future"},
    {HealthCode::kBackupStale, "the-last-backup-is-too-old"},
    {HealthCode::kBackupFailed, "the-last-backup-failed"},
    {HealthCode::kDiskLow, "the-disk-is-almost-full"},
    {HealthCode::kDiskFilling, "the-disk-will-be-full-soon"},
    {HealthCode::kNotificationFailed, "a-notification-does-not-arrive"},
    {HealthCode::kRotationFailed, "old-backups-were-not-removed"},
    {HealthCode::kCapExceeded, "the-cap-cant-be-met"},
    {HealthCode::kJobStuck, "a-job-does-not-end"},
    {HealthCode::kDrillFailed, "the-last-drill-failed"},
    {HealthCode::kDrillMissing, "no-drill-has-succeeded-for-long"},
};

static_assert(std::size(kEntries) ==
                  static_cast<size_t>(HealthCode::kDrillMissing) + 1,
              "each code has an entry");

}  // namespace

std::string DocOf(HealthCode code) {
  const auto* const entry =
      std::find_if(std::begin(kEntries), std::end(kEntries) - 1,
                   [&](const Entry& one) { return one.code == code; });
  return std::string("docs/operations.md#") + entry->heading;
}

}  // namespace levelkeep::api
