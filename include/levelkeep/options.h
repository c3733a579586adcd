// BackupOptions: what an application can set, and where it comes from.

#ifndef LEVELKEEP_OPTIONS_H_
#define LEVELKEEP_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "levelkeep/status.h"

namespace levelkeep {

// How far the threads that write and verify backups step back behind the
// application's.
enum class ThreadPriority {
  kLow,   // SCHED_BATCH, nice +10
  kIdle,  // SCHED_IDLE: they run on cores that nobody else wants
};

// Each member names its environment variable; docs/cli.md has the whole table.
// Value type.
struct BackupOptions {
  // When backups are made by themselves.
  struct Schedule {
    bool enabled = true;  // AUTO_BACKUP_ENABLED
    // AUTO_BACKUP_INTERVAL, milliseconds, 1000 .. 30 days
    std::chrono::milliseconds interval{3'600'000};
  };

  // Which backups stay.
  struct Retention {
    int max_backups = 10;  // MAX_BACKUPS, 1 .. 100000
    // BACKUP_HISTORY_DAYS, 0 .. 36500: how long the newest verified backup of a
    // history stays after a restore or a fork ended that history.
    int history_days = 30;
  };

  // What an archive is like.
  struct Archive {
    bool compression = true;    // BACKUP_COMPRESSION
    int compression_level = 1;  // BACKUP_COMPRESSION_LEVEL, 0 .. 3
    bool md5_sidecar = false;   // BACKUP_CHECKSUM: "sha256" or "md5" (both)
    // BACKUP_REUSE: copy what the newest archive holds already, not compress it
    // again; every archive is whole either way.
    bool reuse = true;
  };

  // What backups and their checks may use of the host.
  struct Resources {
    int threads = 0;  // BACKUP_THREADS, 0 = cores, at most 64
    uint64_t rate_limit_bytes_per_second = 0;  // BACKUP_RATE_LIMIT, 0 = none
    ThreadPriority priority = ThreadPriority::kLow;  // BACKUP_PRIORITY
    uint64_t reserve_bytes = 256u << 20;  // BACKUP_RESERVE, kept free
  };

  struct Verification {
    // BACKUP_VERIFY: full verification of each new backup in the background.
    bool after_backup = true;
    // LEVELKEEP_CHECK_PROGRAM: levelkeep-check; empty: beside this program or
    // where LevelKeep was installed.
    std::string check_program;
  };

  struct Restore {
    bool at_start = true;  // AUTO_RESTORE_ENABLED: what lies in restore_dir
    // BACKUP_UNDO_HOURS, 0 .. 87600: how long at least the database stays that
    // a restore replaced. It also stays until a backup that was begun after the
    // restore has been verified in full.
    int undo_hours = 24;
    // ALLOW_NEW_DATABASE: begin an empty database though backup_dir remembers
    // one that is missing, or restore_dir holds one that could not be restored.
    bool allow_new_database = false;
    // RESTART_COMMAND: what people are told to run after a staged restore.
    // Empty: to restart the application.
    std::string restart_command;
  };

  std::string storage_dir = "./storage";      // STORAGE_DIR
  std::string db_name = "event_registry_db";  // DB_NAME
  std::string backup_dir = "./backups";       // BACKUP_DIR, BACKUP_STORAGE_DIR
  std::string restore_dir = "./restore";      // RESTORE_DIR
  // The database's comparator; others can't be restored here. No variable.
  std::string comparator_name = "leveldb.BytewiseComparator";

  Schedule schedule;
  Retention retention;
  Archive archive;
  Resources resources;
  Verification verification;
  Restore restore;

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
  int port = 5050;                 // API_PORT, PORT; 0: any free one
  // API_TOKEN, API_TOKEN_FILE. Set: every route but /livez and /readyz needs
  // "Authorization: Bearer …".
  std::string token;
  // API_ALLOW_ANONYMOUS: listening beyond loopback without a token.
  bool allow_anonymous = false;
  // API_ALLOWED_HOSTS: accepted Host names besides the loopback ones.
  std::vector<std::string> allowed_hosts;

  // As BackupOptions::Validate; kRefused for an address that others reach
  // without a token.
  Status Validate() const;
};

}  // namespace http
}  // namespace levelkeep

#endif  // LEVELKEEP_OPTIONS_H_
