// What an application can set, and where it comes from.

#ifndef LEVELKEEP_OPTIONS_H_
#define LEVELKEEP_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "levelkeep/status.h"

namespace levelkeep {

// Of the threads that write and verify backups. kLow: SCHED_BATCH, nice +10;
// kIdle: SCHED_IDLE, they run on cores that nobody else wants.
enum class ThreadPriority { kLow, kIdle };

// Each member names its environment variable, of which docs/cli.md says more.
// Value type.
struct BackupOptions {
  std::string storage_dir = "./storage";      // STORAGE_DIR
  std::string db_name = "event_registry_db";  // DB_NAME
  std::string backup_dir = "./backups";       // BACKUP_DIR
  std::string restore_dir = "./restore";      // RESTORE_DIR
  // The database's comparator; others can't be restored here. No variable.
  std::string comparator_name = "leveldb.BytewiseComparator";

  struct Schedule {
    bool enabled = true;  // AUTO_BACKUP_ENABLED
    // AUTO_BACKUP_INTERVAL, 1 s .. 30 days
    std::chrono::milliseconds interval{3'600'000};
  } schedule;

  struct Retention {
    int max_backups = 10;  // MAX_BACKUPS, 1 .. 100000
    // BACKUP_HISTORY_DAYS, 0 .. 36500: how long the newest verified backup of a
    // history stays after a restore or a fork ended that history.
    int history_days = 30;
  } retention;

  struct Archive {
    bool compression = true;    // BACKUP_COMPRESSION
    int compression_level = 1;  // BACKUP_COMPRESSION_LEVEL, 0 .. 3
    bool md5_sidecar = false;   // BACKUP_CHECKSUM: "sha256" or "md5" (both)
    // BACKUP_REUSE: what the newest archive holds is copied, not compressed
    // again; every archive is whole either way.
    bool reuse = true;
  } archive;

  struct Resources {
    int threads = 0;  // BACKUP_THREADS, 0 = cores, at most 64
    uint64_t rate_limit_bytes_per_second = 0;  // BACKUP_RATE_LIMIT, 0 = none
    ThreadPriority priority = ThreadPriority::kLow;  // BACKUP_PRIORITY
    uint64_t reserve_bytes = 256u << 20;  // BACKUP_RESERVE, kept free
  } resources;

  struct Verification {
    bool after_backup = true;  // BACKUP_VERIFY: in full, in the background
    // LEVELKEEP_CHECK_PROGRAM: levelkeep-check; empty: beside this program or
    // where LevelKeep was installed.
    std::string check_program;
  } verification;

  struct Restore {
    bool at_start = true;  // AUTO_RESTORE_ENABLED: what lies in restore_dir
    // BACKUP_UNDO_HOURS, 0 .. 87600: how long at least the replaced database
    // stays. It also stays until a backup that was begun after the restore has
    // been verified in full.
    int undo_hours = 24;
    // ALLOW_NEW_DATABASE: begin an empty database though backup_dir remembers
    // one that is missing, or restore_dir holds one that could not be restored.
    bool allow_new_database = false;
    // RESTART_COMMAND: what people are told to run after a staged restore.
    // Empty: to restart the application.
    std::string restart_command;
  } restore;

  std::string storage_path() const { return storage_dir + "/" + db_name; }

  // All problems at once: kInvalidArgument, one line each with the variable,
  // the value and what is allowed.
  Status Validate() const;
  // Defaults overridden by the process' environment.
  static Result<BackupOptions> FromEnvironment();
};

namespace http {

// Of the HTTP API, see levelkeep/http.h. Value type.
struct ApiOptions {
  std::string host = "127.0.0.1";  // API_HOST: the address listened on
  int port = 5050;                 // API_PORT; 0: any free one
  // API_TOKEN. Set: all routes but /livez and /readyz need
  // "Authorization: Bearer …".
  std::string token;
  bool allow_anonymous = false;  // API_ALLOW_ANONYMOUS: others need no token
  // API_ALLOWED_HOSTS: accepted Host names besides the loopback ones.
  std::vector<std::string> allowed_hosts;

  // As above; kRefused for an address that others reach without a token.
  Status Validate() const;
};

}  // namespace http
}  // namespace levelkeep

#endif  // LEVELKEEP_OPTIONS_H_
