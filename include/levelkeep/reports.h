// What BackupManager is asked for and what it answers: value types. Reasons,
// problems, warnings and hints are sentences for people; empty: nothing to say.
// Sizes are in bytes, times in UTC. A sequence is LevelDB's write number, which
// counts keys. A drop is an archive in RESTORE_DIR.

#ifndef LEVELKEEP_REPORTS_H_
#define LEVELKEEP_REPORTS_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <vector>

#include "levelkeep/status.h"

namespace levelkeep {

using Time = std::chrono::system_clock::time_point;

// kStructure reads the table of contents, manifest and sizes, kChecksums also
// every byte, kFull also every key, by opening the database in the backup.
enum class VerifyDepth { kStructure, kChecksums, kFull };
// kDamaged: a check failed; kUnreadable: the file is no readable archive.
enum class BackupStatus { kVerified, kUnverified, kDamaged, kUnreadable };
// How the database was read.
enum class SnapshotMethod {
  kNone,      // a foreign archive, or no database is attached
  kHot,       // open through BackupManager::env(): no writer waits
  kLogical,   // open, but not through env(): read through the DB
  kOffline,   // closed, and locked meanwhile
  kExternal,  // open in another process
  kOther,     // a method of a later version
};
// kLive: at once, kUnsupported without RestoreHooks; kStage: into RESTORE_DIR,
// for the next start; kAuto: kLive if the host registered hooks, else kStage.
enum class RestoreMode { kAuto, kLive, kStage };
enum class JobType {
  kCreate,
  kRestore,
  kUndo,
  kVerify,
  kRotate,
  kDelete,
  kDrill
};
// Why health is degraded; docs/operations.md has an entry for each. The order
// is that of the words in src/base/report_names.cc.
enum class HealthCode {
  kStoreFailed,
  kStoreClosed,
  kEnvNotUsed,
  kCheckMissing,
  kDropNotRestored,
  kBackupsUnreadable,
  kHistoryUnverified,
  kBackupDamaged,
  kBackupNotChecked,
  kBackupFromFuture,
  kBackupStale,
  kBackupFailed,
  kDiskLow,
  kDiskFilling,
  kNotificationFailed,
  kRotationFailed,
  kCapExceeded,
  kJobStuck,
  kDrillFailed,
  kDrillMissing
};
enum class JobStatus { kPending, kInProgress, kCompleted, kFailed, kCancelled };

// The stable lower-case words of JSON ("full", "in_progress"); kNone: "".
std::string_view NameOf(VerifyDepth depth);
std::string_view NameOf(BackupStatus status);
std::string_view NameOf(SnapshotMethod method);
std::string_view NameOf(HealthCode code);
std::string JobTypeName(JobType type);
std::string JobStatusName(JobStatus status);

struct BackupInfo {
  std::string name, path, label;  // name: backup_2024-12-27_120000.tar.gz
  uint64_t size_bytes = 0, source_bytes = 0, duration_ms = 0;
  Time created;
  std::string trigger;  // manual|scheduled|api|cli, or the application's own
  std::string sha256;   // of the archive; empty if its sidecar is missing
  BackupStatus status = BackupStatus::kUnreadable;
  std::string problem;  // the damage, or why the last check could not be done
  std::string warning;  // it is good, but BACKUP_HOOK_PRE failed before it
  bool pinned = false, other_database = false;  // other_database: not ours
  std::optional<Time> verified_at;
  uint64_t last_sequence = 0, event_count = 0;  // events: as the host counted
  SnapshotMethod snapshot_method = SnapshotMethod::kNone;
};

struct UnrestoredDrop {
  std::string name, reason, hint;
};
// What BackupManager::Initialize found and did.
struct StartReport {
  bool restored = false, restored_other_database = false;  // from a drop
  std::string restored_from;
  uint64_t restored_sequence = 0;
  std::vector<std::pair<std::string, std::string>> rejected;  // name, reason
  std::vector<UnrestoredDrop> unrestored;  // they stay: still being copied ...
  std::string refused;                     // `unrestored` in one sentence
  bool recovered = false;  // an interrupted restore was finished or undone
  std::vector<std::string> swept;  // left-overs that were removed
  std::string lock;                // what was found about LevelDB's LOCK
  std::string gap;  // the log in or before which writes are missing
  std::string missing_database;  // a database is gone; a new one may begin
  std::string no_check;  // levelkeep-check is missing: no full verification
  std::string forked;  // why a new history begins: put back, copy, lost writes
};

// Called with the part that is done, 0 to 1, by one thread at a time, not
// always the caller's. After an exception the job goes on without it.
using Progress = std::function<void(double fraction)>;

struct CreateRequest {
  std::string label, trigger = "manual";
  std::stop_token stop;
  Progress progress;
  // How long to wait for a job or process in the way, then kBusy. What waited
  // makes a backup of its own, with every write acknowledged before the call.
  // `stop` and the end of the Attachment or manager end a wait (kCancelled).
  std::chrono::milliseconds wait{0};
  int max_waiting = 0;  // no wait if so many callers wait already; 0: no limit
};

struct VerifyReport {
  std::string name;
  VerifyDepth depth = VerifyDepth::kFull;
  bool own = true;            // false: foreign, with nothing to compare with
  bool order_checked = true;  // false: the check does not know the comparator
  uint64_t files = 0, bytes = 0, duration_ms = 0;
  uint64_t entries = 0, last_sequence = 0;  // kFull only
};

// A restore of a backup into a scratch folder, which is gone again.
struct DrillReport {
  std::string name;  // of the backup
  Time at;           // when it began
  bool ok = true;
  bool damaged = false;  // not ok: the backup is; else the drill was impossible
  std::string problem;   // not ok: what differed, or why it was not done
  double seconds = 0;    // to extract, open and compare everything
  bool limited = false;  // BACKUP_RATE_LIMIT slowed it: no measure of a restore
  uint64_t bytes = 0, entries = 0, last_sequence = 0;  // as restored
  uint64_t events = 0;  // as the host counted for the backup; not compared
  std::vector<std::string> not_compared;  // what there was nothing to compare
};

struct RestoreRequest {
  std::string source;  // a backup's name, or "latest"
  RestoreMode mode = RestoreMode::kAuto;
  std::stop_token stop;
  Progress progress;
  bool other_database = false;  // allows a backup of another database
};
struct RestoreReport {
  std::string name, restart_command, epoch;  // epoch: of the new history
  bool applied = false;                      // false: a restart applies it
  uint64_t last_sequence = 0, bytes = 0;
};
struct RestorePreview {
  std::string name;
  Time backup_created;
  bool database_present = true;  // false: there is nothing to replace
  bool other_database = false;   // the backup is of another database
  bool same_history = false;     // the epochs are equal: lost_writes is exact
  uint64_t backup_sequence = 0, current_sequence = 0;
  uint64_t backup_events = 0, current_events = 0;
  uint64_t lost_writes = 0;  // since the backup; an undo brings them back
  uint64_t needed_bytes = 0, free_bytes = 0;
  std::vector<std::string> warnings;  // as at a start: no levelkeep-check ...
};

// A database that a restore or an undo replaced, and that is kept for an undo.
struct KeptDatabase {
  std::string path, archive;     // archive: what replaced it; empty: an undo
  std::optional<Time> replaced;  // this and `archive`: of the last one only
  uint64_t last_sequence = 0, bytes = 0;
};
struct RotationDecision {
  std::string name, reason;  // the first of `reasons`
  bool keep = true;
  std::vector<std::string> reasons;  // all, the most important one first
};
struct RotationForecast {
  std::string name, reason;
  Time at;  // when it is expected to go
};
// What a rotation would do now, and which of the backups that stay would go
// later, the first one first, if backups go on and are all verified.
struct RotationPlan {
  std::vector<RotationDecision> decisions;
  std::vector<RotationForecast> forecast;
  Time forecast_until;  // in 30 days, or earlier if there are too many backups
  std::vector<std::string> warnings;  // a cap that can't be met
};

// The backups of this database that were ever removed by one act.
struct RemovalTotal {
  std::string act;  // "rotate" or "delete"
  uint64_t backups = 0, bytes = 0;
};
struct HealthReason {
  HealthCode code = HealthCode::kStoreFailed;
  std::string text;
};
struct HealthReport {
  bool store_usable = false;  // a DB is attached and accepts writes
  bool available = false, undo_available = false;  // to back up; to undo
  std::vector<HealthReason> reasons;  // what is degraded; empty: nothing
  uint64_t count = 0, total_bytes = 0;
  std::map<BackupStatus, uint64_t> by_status;  // adds up to `count`
  // Of the disk of BACKUP_DIR; 0: not known. The days until BACKUP_RESERVE is
  // reached at the growth so far; none: not known, or more than ten years.
  uint64_t free_bytes = 0, disk_bytes = 0;
  std::optional<double> days_until_full;
  std::optional<BackupInfo> latest;
  // last_success: when the newest good backup was made.
  std::optional<Time> last_success, last_verified, next_run;
  std::string last_error;  // of the last failed backup since the last good one
  SnapshotMethod snapshot_method = SnapshotMethod::kNone;  // kHot or kLogical
  uint64_t unsaved_writes = 0;                             // in no backup
  std::optional<uint64_t> unsaved_events;  // the same in the host's events
  // Since the newest backup; none without one, or if the clock is behind it.
  std::optional<double> unsaved_seconds, predicted_restore_seconds;
  std::optional<JobType> running;  // an undo is kRestore, a deletion kRotate
  std::vector<UnrestoredDrop> unrestored;  // if Restore::at_start is on
  std::optional<DrillReport> last_drill;
  std::vector<RemovalTotal> removed;  // empty: not known
};
struct EventCount {
  uint64_t count = 0, first = 0, last = 0;
  std::string first_time, last_time;  // RFC 3339
};

// What a job is to do. Members are as in the method for its type; `all` with
// kVerify means the backups that have waited longest (VERIFY_BUDGET).
// `if_needed`: a submitted job ends at once if the newest backup has all
// writes, or if the backup is verified in full or damaged, or BACKUP_VERIFY is
// off; a drill, if there is no such backup.
struct JobRequest {
  JobType type = JobType::kCreate;
  std::string backup = {}, label = {};  // backup: a name, or "latest"
  VerifyDepth depth = VerifyDepth::kFull;
  RestoreMode mode = RestoreMode::kAuto;
  bool other_database = false, force = false, all = false, if_needed = false;
  std::string trigger = "manual", created_by = {};  // a person or a program
  int priority = 0;  // of jobs that wait, the highest number runs first
  bool operator==(const JobRequest&) const = default;
};

struct Job {
  std::string id;  // plain ASCII; sorts by the time of creation
  JobRequest request;
  JobStatus status = JobStatus::kPending;
  uint64_t attempts = 0;                // that have begun
  double progress = 0;                  // of the last attempt, 0 to 1
  uint64_t bytes = 0, total_bytes = 0;  // the same in bytes, while it runs
  Time created;
  std::optional<Time> started, ended;  // of the last attempt; of the job
  std::optional<Time> not_before;      // pending: when it may begin
  StatusCode code = StatusCode::kOk;   // why the job or its last attempt failed
  std::string message;  // the same in words, or what a completed job did
  std::string hint;     // what a person can do about a failure
  // "backup", "sequence"; of a create also "size" and, if any, "warning"; of a
  // drill the members of its report
  std::map<std::string, std::string> result;
  bool has_ended() const { return status > JobStatus::kInProgress; }
};

// Which jobs a list has.
struct JobFilter {
  size_t limit = 100;
  std::optional<JobType> type = {};
  std::optional<JobStatus> status = {};
  std::string after = {};  // only jobs created before this id; empty: all
};

// The jobs of one type that ever ended with one status, also those whose
// records are gone.
struct JobTotal {
  static constexpr size_t kBounds = 17;
  static constexpr double kSeconds[kBounds] = {
      0.1, 0.3,  1,    3,    10,   30,    60,    120,  300,
      600, 1200, 1800, 3600, 7200, 14400, 28800, 86400};
  JobType type = JobType::kCreate;
  JobStatus status = JobStatus::kCompleted;
  uint64_t jobs = 0;
  double seconds = 0;                          // of their last attempts, added
  std::array<uint64_t, kBounds> at_most = {};  // jobs up to kSeconds[i]
};

// Called at each change of status and each hundredth of progress, by several
// threads at once; the job waits meanwhile, so the listener may not wait for it
// nor destroy the manager or the Attachment. Exceptions are logged and dropped.
using JobListener = std::function<void(const Job& job)>;

}  // namespace levelkeep

#endif  // LEVELKEEP_REPORTS_H_
