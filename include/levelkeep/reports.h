// What BackupManager is asked for, and what it answers: values without
// behaviour.

#ifndef LEVELKEEP_REPORTS_H_
#define LEVELKEEP_REPORTS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace levelkeep {

using Time = std::chrono::system_clock::time_point;  // UTC

struct BackupInfo {
  std::string name;  // backup_2024-12-27_120000.tar.gz
  std::string path;
  uint64_t size_bytes = 0;
  Time created;
  std::string label;
  std::string trigger;  // manual|scheduled|api|cli, or the application's own
  std::string sha256;   // of the archive; empty if its sidecar is missing
  std::string status;   // verified|unverified|damaged|unreadable
  // Why it is damaged or unreadable, or why its last check could not be done.
  std::string problem;
  bool verified = false;
  bool pinned = false;
  std::optional<Time> verified_at;
  uint64_t last_sequence = 0;  // LevelDB's write number: it counts keys
  uint64_t event_count = 0;    // as the host counted; 0 if it did not
  uint64_t source_bytes = 0;
  uint64_t duration_ms = 0;
  std::string snapshot_method;  // hot|logical|offline|external
  bool other_database = false;  // it is a backup of another database than ours
};

// A file in RESTORE_DIR that has the name of an archive (.tar.gz, .tgz) and was
// not restored: sentences for people.
struct UnrestoredDrop {
  std::string name;
  std::string reason;
  std::string hint;  // what to do about it; may be empty
};

struct StartReport {
  bool restored = false;  // a dropped archive was applied
  std::string restored_from;
  uint64_t restored_sequence = 0;
  bool restored_other_database = false;  // it was a backup of another one
  std::vector<std::pair<std::string, std::string>> rejected;  // name, reason
  // Drops that were left where they are: still being copied, not readable, not
  // checked, without an order ... Where there is no database yet, a start fails
  // with kRefused instead, unless ALLOW_NEW_DATABASE is set.
  std::vector<UnrestoredDrop> unrestored;
  std::string refused;     // the same in one sentence; empty if there are none
  bool recovered = false;  // an interrupted restore was finished or undone
  std::vector<std::string> swept;  // left-overs that were removed
  std::string lock;                // what was found about LOCK, for people
  // The log of the database before or in which writes are missing, which
  // LevelDB passes over: power failed, a write failed, or a log was removed.
  std::string gap;
  // A database was here and is gone, and ALLOW_NEW_DATABASE lets a new one
  // begin: a sentence. Else such a start fails with kRefused.
  std::string missing_database;
  // Why nothing can be verified in full, nor restored that was not verified
  // before: levelkeep-check is missing. A sentence; backups are made all the
  // same, unverified.
  std::string no_check;
  // Why the database begins another history than its backups are of: it was
  // put back, is a copy, lost writes. A sentence.
  std::string forked;
};

struct CreateRequest {
  std::string label;
  std::string trigger = "manual";
  std::stop_token stop;
  // Called by one thread at a time, not always the caller's. One that throws is
  // not called again; the job goes on. Likewise that of a restore.
  std::function<void(double fraction)> progress;
  // How long to wait for a job, or another process, that is in the way: the
  // catch-up backup of the schedule may run soon after Attach. Then kBusy; 0:
  // at once. What waited makes a backup of its own, with every write that was
  // acknowledged before the call. `stop`, the end of the Attachment and the end
  // of the manager end a wait at once (kCancelled).
  std::chrono::milliseconds wait{0};
  // Does not wait where so many callers wait already; 0: however many do.
  int max_waiting = 0;
};

struct VerifyReport {
  std::string name;
  std::string depth;  // structure|checksums|full
  bool own = true;    // false: foreign archive, nothing to compare with
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t entries = 0;        // keys scanned; full only
  uint64_t last_sequence = 0;  // full only
  // False: the database has a comparator that the check does not know. Every
  // key was read; their order was not judged. Full only.
  bool order_checked = true;
  uint64_t duration_ms = 0;
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
  std::function<void(double fraction)> progress;
  // It may be a backup of another database; else kOtherDatabase.
  bool other_database = false;
};

struct RestoreReport {
  std::string name;
  bool applied = false;  // live; else staged: a restart applies it
  std::string restart_command;
  uint64_t last_sequence = 0;
  uint64_t bytes = 0;
  std::string epoch;  // new with every restore
};

// What a restore would do; nothing is changed by asking.
struct RestorePreview {
  std::string name;
  Time backup_created;
  uint64_t backup_sequence = 0;
  bool database_present = true;  // false: there is nothing to replace
  uint64_t current_sequence = 0;
  // Writes acknowledged since the backup; they would be in the undo copy.
  uint64_t lost_writes = 0;
  uint64_t backup_events = 0;
  uint64_t current_events = 0;
  uint64_t needed_bytes = 0;
  uint64_t free_bytes = 0;
  bool same_history = false;    // both are of one epoch: lost_writes is exact
  bool other_database = false;  // the backup is of another database
  // Of this process and installation, as at a start: levelkeep-check is
  // missing, too few files may be open (ulimit -n) ... Sentences for people.
  std::vector<std::string> warnings;
};

// What levelkeep accept-loss would make of a database that lacks files.
struct LossPreview {
  std::string fault;    // what is wrong with the database, a sentence
  uint64_t tables = 0;  // that are left and used
  uint64_t logs = 0;    // likewise
  // The list of tables is made anew: deleted keys may come back.
  bool rebuilt = false;
  std::string newest_backup;  // would lose less; empty: there is none
};

struct LossReport {
  std::string fault;
  uint64_t last_sequence = 0;  // LevelDB's
  uint64_t bytes = 0;          // of the new database
  std::string epoch;           // its history
  std::string kept;            // where the old folder is now
};

// A database that a restore or an undo replaced, and that is kept for an undo.
struct KeptDatabase {
  std::string path;
  // Of the last one only: when it was replaced, and by which archive (empty: by
  // an undo, or not known).
  std::optional<Time> replaced;
  std::string archive;
  uint64_t last_sequence = 0;
  uint64_t bytes = 0;
};

struct RotationDecision {
  std::string name;
  bool keep = true;
  std::string reason;
};

struct HealthReport {
  bool store_usable = false;          // a DB is attached and accepts writes
  bool available = false;             // backups can be made
  std::vector<std::string> degraded;  // reasons, for people
  uint64_t count = 0;
  uint64_t total_bytes = 0;
  std::optional<BackupInfo> latest;
  std::optional<Time> last_success;
  std::optional<Time> last_verified;
  std::string last_error;  // of the last failed backup since the last good
  std::optional<Time> next_run;
  // How backups are made of the attached database: "hot" or "logical" (it was
  // not opened with BackupManager::env()). Empty while none is attached.
  std::string snapshot_method;
  uint64_t unsaved_writes = 0;  // LevelDB writes not in a backup
  // Age of the oldest such state; none if there is no backup yet, or the
  // clock is behind it.
  std::optional<double> unsaved_seconds;
  std::optional<double> predicted_restore_seconds;
  uint64_t free_bytes = 0;
  std::string running;  // "create", "restore", … or empty
  bool undo_available = false;
  // Drops that wait for a start or for a person, also those that came after the
  // start; each has its line in `degraded`. None with
  // BackupOptions::Restore::at_start off.
  std::vector<UnrestoredDrop> unrestored;
};

struct EventCount {
  uint64_t count = 0;
  uint64_t first = 0;
  uint64_t last = 0;
  std::string first_time;  // RFC 3339
  std::string last_time;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_REPORTS_H_
