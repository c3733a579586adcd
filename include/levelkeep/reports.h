// What BackupManager is asked for, and what it answers. Reasons, problems and
// warnings are sentences for people, sizes bytes, times UTC; a sequence is
// LevelDB's write number, which counts keys.

#ifndef LEVELKEEP_REPORTS_H_
#define LEVELKEEP_REPORTS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace levelkeep {

using Time = std::chrono::system_clock::time_point;

// How much of a backup a verification reads.
enum class VerifyDepth {
  kStructure,  // table of contents, manifest, sizes
  kChecksums,  // every byte, against the digests
  kFull,       // the same; then the database in it is opened, every key read
};

// kDamaged: a check failed, do not rely on it; kUnreadable: no archive, or none
// that can be read.
enum class BackupStatus { kVerified, kUnverified, kDamaged, kUnreadable };

// How the database was read.
enum class SnapshotMethod {
  kNone,      // a foreign archive; no database is attached
  kHot,       // open through BackupManager::env(): no writer waits
  kLogical,   // open, but not through env(): read through the DB
  kOffline,   // closed, and locked meanwhile
  kExternal,  // open in another process
  kOther,     // a later version's
};

// The stable lower-case words of JSON: "full", "verified", "hot"; kNone: "".
std::string_view NameOf(VerifyDepth depth);
std::string_view NameOf(BackupStatus status);
std::string_view NameOf(SnapshotMethod method);

struct BackupInfo {
  std::string name;  // backup_2024-12-27_120000.tar.gz
  std::string path, label;
  uint64_t size_bytes = 0, source_bytes = 0, duration_ms = 0;
  Time created;
  std::string trigger;  // manual|scheduled|api|cli, or the application's own
  std::string sha256;   // of the archive; empty if its sidecar is missing
  BackupStatus status = BackupStatus::kUnreadable;
  // Why it is damaged or unreadable, or why its last check could not be done.
  std::string problem;
  bool pinned = false;
  std::optional<Time> verified_at;
  uint64_t last_sequence = 0;
  uint64_t event_count = 0;  // as the host counted; 0 if it did not
  SnapshotMethod snapshot_method = SnapshotMethod::kNone;
  bool other_database = false;  // it is a backup of another database than ours
};

// An archive (.tar.gz, .tgz) in RESTORE_DIR that was not restored.
struct UnrestoredDrop {
  std::string name, reason;
  std::string hint;  // what to do about it; may be empty
};

// What BackupManager::Initialize found and did; texts are empty where there is
// nothing to say.
struct StartReport {
  bool restored = false;                 // a dropped archive was applied
  bool restored_other_database = false;  // it was a backup of another one
  std::string restored_from;
  uint64_t restored_sequence = 0;
  std::vector<std::pair<std::string, std::string>> rejected;  // name, reason
  // Drops that stay: still being copied, not readable, not checked ...
  std::vector<UnrestoredDrop> unrestored;
  std::string refused;     // the same in one sentence
  bool recovered = false;  // an interrupted restore was finished or undone
  std::vector<std::string> swept;  // left-overs that were removed
  std::string lock;                // what was found about LOCK
  // The log before or in which writes are missing that LevelDB passes over:
  // power failed, a write failed, or a log was removed.
  std::string gap;
  std::string missing_database;  // gone, and ALLOW_NEW_DATABASE is set
  // levelkeep-check is missing: backups are made, but not verified in full, and
  // only those are restored that were verified before.
  std::string no_check;
  // Why another history begins: it was put back, is a copy, lost writes.
  std::string forked;
};

// Called with the part that is done, by one thread at a time, not always the
// caller's. One that throws is not called again; the job goes on.
using Progress = std::function<void(double fraction)>;

struct CreateRequest {
  std::string label;
  std::string trigger = "manual";
  std::stop_token stop;
  Progress progress;
  // How long to wait for a job or a process that is in the way, as the backup
  // that catches up after Attach; then kBusy. `stop` and the end of the
  // Attachment or manager end a wait at once (kCancelled).
  std::chrono::milliseconds wait{0};
  // Does not wait where so many callers wait already; 0: however many do.
  int max_waiting = 0;
};

struct VerifyReport {
  std::string name;
  VerifyDepth depth = VerifyDepth::kFull;
  bool own = true;  // false: foreign archive, nothing to compare with
  uint64_t files = 0, bytes = 0, duration_ms = 0;
  // Of a full one only. The order of keys is not judged where the check does
  // not know the comparator.
  uint64_t entries = 0, last_sequence = 0;
  bool order_checked = true;
};

enum class RestoreMode {
  kAuto,   // live where the host registered RestoreHooks, else staged
  kLive,   // kUnsupported without hooks
  kStage,  // into restore/ for the next start
};

struct RestoreRequest {
  std::string source;  // a backup's name, or "latest"
  RestoreMode mode = RestoreMode::kAuto;
  std::stop_token stop;
  Progress progress;
  // It may be a backup of another database; else kOtherDatabase.
  bool other_database = false;
};

struct RestoreReport {
  std::string name;
  bool applied = false;  // live; else staged: a restart applies it
  std::string restart_command;
  uint64_t last_sequence = 0, bytes = 0;
  std::string epoch;  // the database's history: new with every restore
};

// What a restore would do.
struct RestorePreview {
  std::string name;
  Time backup_created;
  bool database_present = true;  // false: there is nothing to replace
  uint64_t backup_sequence = 0, current_sequence = 0;
  uint64_t backup_events = 0, current_events = 0;
  // Writes acknowledged since the backup; they would be in the undo copy.
  uint64_t lost_writes = 0;
  bool same_history = false;  // both are of one epoch: lost_writes is exact
  uint64_t needed_bytes = 0, free_bytes = 0;
  bool other_database = false;  // the backup is of another database
  // As at a start: levelkeep-check is missing, too few files may be open ...
  std::vector<std::string> warnings;
};

// A database that a restore or an undo replaced, and that is kept for an undo.
struct KeptDatabase {
  std::string path;
  // Of the last one only; no archive: by an undo, or not known.
  std::optional<Time> replaced;
  std::string archive;
  uint64_t last_sequence = 0, bytes = 0;
};

struct RotationDecision {
  std::string name;
  bool keep = true;
  std::string reason;
};

struct HealthReport {
  bool store_usable = false;          // a DB is attached and accepts writes
  bool available = false;             // backups can be made
  std::vector<std::string> degraded;  // reasons
  uint64_t count = 0, total_bytes = 0, free_bytes = 0;
  std::optional<BackupInfo> latest;
  std::optional<Time> last_success, last_verified, next_run;
  std::string last_error;  // of the last failed backup since the last good
  // How backups are made of the attached database: hot or logical.
  SnapshotMethod snapshot_method = SnapshotMethod::kNone;
  uint64_t unsaved_writes = 0;  // that are in no backup
  // Age of the oldest such state; none without a backup, or if the clock is
  // behind it.
  std::optional<double> unsaved_seconds, predicted_restore_seconds;
  std::string running;  // "create", "restore", … or empty
  bool undo_available = false;
  // Drops that wait for a start or a person; each is in `degraded`, too. None
  // if restore.at_start is off.
  std::vector<UnrestoredDrop> unrestored;
};

struct EventCount {
  uint64_t count = 0, first = 0, last = 0;
  std::string first_time, last_time;  // RFC 3339
};

}  // namespace levelkeep

#endif  // LEVELKEEP_REPORTS_H_
