// What an application can set: value types.

#ifndef LEVELKEEP_OPTIONS_H_
#define LEVELKEEP_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "levelkeep/notify.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Of the threads that write and verify backups: kLow is SCHED_BATCH with nice
// +10, kIdle is SCHED_IDLE (only on cores that nobody else wants).
enum class ThreadPriority { kLow, kIdle };

// Comments name the environment variables, of which docs/cli.md says more.
struct BackupOptions {
  std::string storage_dir = "./storage";      // STORAGE_DIR
  std::string db_name = "event_registry_db";  // DB_NAME
  std::string backup_dir = "./backups";       // BACKUP_DIR
  std::string restore_dir = "./restore";      // RESTORE_DIR
  // Databases with another comparator can't be restored. It has no variable.
  std::string comparator_name = "leveldb.BytewiseComparator";
  struct Schedule {
    bool enabled = true;  // AUTO_BACKUP_ENABLED
    // AUTO_BACKUP_INTERVAL, 1 second .. 30 days
    std::chrono::milliseconds interval{3'600'000};
    // BACKUP_SCHEDULE, ROTATE_SCHEDULE, VERIFY_SCHEDULE, DRILL_SCHEDULE: cron
    // expressions (docs/schedules.md); empty: none. BACKUP_SCHEDULE replaces
    // `interval`.
    std::string backup = {}, rotate = {}, verify = {}, drill = {};
    // SCHEDULE_TZ: the time zone of cron expressions, and in which retention
    // counts days, weeks, months and years, by its name, "Europe/Berlin";
    // empty: that of TZ, or else the machine's.
    std::string time_zone = {};
    // BACKUP_ON_SHUTDOWN: also when the database is detached. Triggers:
    // "shutdown", "pre-restore". Neither is made if nothing changed.
    bool on_shutdown = false;
    // BACKUP_BEFORE_RESTORE: also of the database that a restore replaces.
    bool before_restore = false;
    // BACKUP_WORKER_POLL_MS, 100 .. 86400000: how often jobs of other processes
    // are looked for, if the kernel can't tell of them (a network file system).
    std::chrono::milliseconds poll{5000};
    // SCHEDULE_JITTER, seconds: each run is later by a part of it that is fixed
    // for this database. 0 .. 86400.
    int jitter = 0;
  } schedule;
  // What happens to a submitted or scheduled job that does not succeed at once.
  struct Retries {
    int backup = 2, rotate = 1;  // BACKUP_RETRIES, ROTATE_RETRIES
    // BACKUP_RETRY_DELAY, ROTATE_RETRY_DELAY, in seconds
    int backup_delay = 30, rotate_delay = 30;
    // BACKUP_TIMEOUT, ROTATE_TIMEOUT, VERIFY_TIMEOUT, DRILL_TIMEOUT: the
    // seconds without progress after which a job is stopped, and has failed. 0:
    // no limit.
    int backup_timeout = 300, rotate_timeout = 60, verify_timeout = 21'600;
    int drill_timeout = 21'600;
  } retries;
  // Which backups rotation keeps: those that any rule wants which is set.
  struct Retention {
    static constexpr int kDefaultMaxBackups = 10;
    // MAX_BACKUPS, 1 .. 100000: so many of the newest. No value: no rule, or
    // kDefaultMaxBackups while none of the next five is set.
    std::optional<int> max_backups = {};
    // 0 is a rule that is not set. BACKUP_RETENTION_DAYS, 0 .. 36500: younger
    // ones. The others, 0 .. 100000: the number of days, weeks, months and
    // years that keep a backup each (BACKUP_DAILY_RETENTION ...).
    int retention_days = 0, daily = 0, weekly = 0, monthly = 0, yearly = 0;
    // BACKUP_MINIMUM, 0 .. 100000: good backups that stay whatever the rules
    // say; one always does.
    int minimum = 0;
    uint64_t max_bytes = 0;  // BACKUP_MAX_BYTES of all that stay; 0: no limit
    // BACKUP_HISTORY_DAYS, 0 .. 36500: how long the newest verified backup of a
    // history stays after a restore or a fork ended that history.
    int history_days = 30;
    // True if a rule needs to know in which time zone a day begins.
    bool counts_days() const {
      return daily > 0 || weekly > 0 || monthly > 0 || yearly > 0;
    }
  } retention;
  struct Archive {
    bool compression = true;    // BACKUP_COMPRESSION
    int compression_level = 1;  // BACKUP_COMPRESSION_LEVEL, 0 .. 3
    bool md5_sidecar = false;   // BACKUP_CHECKSUM: "sha256", or "md5" for both
    bool reuse = true;  // BACKUP_REUSE: copy what the newest archive holds
  } archive;
  struct Resources {
    int threads = 0;  // BACKUP_THREADS, at most 64; 0: one for each core
    uint64_t rate_limit_bytes_per_second = 0;  // BACKUP_RATE_LIMIT, 0: no limit
    ThreadPriority priority = ThreadPriority::kLow;  // BACKUP_PRIORITY
    uint64_t reserve_bytes = 256u << 20;  // BACKUP_RESERVE: kept free on disk
  } resources;
  struct Verification {
    bool after_backup = true;  // BACKUP_VERIFY: in full, in the background
    // VERIFY_BUDGET: archive bytes a day that VERIFY_SCHEDULE may read; 0: all
    uint64_t budget = 0;
    // LEVELKEEP_CHECK_PROGRAM; empty: the one beside this program or installed
    std::string check_program;
  } verification;
  struct Restore {
    bool at_start = true;  // AUTO_RESTORE_ENABLED: archives in restore_dir
    // BACKUP_UNDO_HOURS, 0 .. 87600: how long a replaced database is kept; in
    // any case until a backup begun after the restore is verified in full.
    int undo_hours = 24;
    // ALLOW_NEW_DATABASE: begin an empty database although backup_dir remembers
    // one that is missing, or an archive in restore_dir could not be restored.
    bool allow_new_database = false;
    // RESTART_COMMAND: shown after a staged restore; empty: a general sentence
    std::string restart_command;
  } restore;
  NotifyOptions notify;

  std::string storage_path() const { return storage_dir + "/" + db_name; }
  // kInvalidArgument has a line for each bad value, with what is allowed.
  Status Validate() const;
  // The environment's values, and defaults for the others.
  static Result<BackupOptions> FromEnvironment();
};

namespace http {

struct ApiOptions {
  std::string host = "127.0.0.1";  // API_HOST: the address to listen on
  int port = 5050;    // API_PORT; 0: any free one; -1 ("none"): not over TCP
  std::string token;  // API_TOKEN; all routes but /livez and /readyz need it
  bool allow_anonymous = false;  // API_ALLOW_ANONYMOUS: others need no token
  // API_ALLOWED_HOSTS: Host names to accept besides the loopback ones.
  std::vector<std::string> allowed_hosts;

  // Also kRefused: others can reach `host`, and no token is needed.
  Status Validate() const;
};

}  // namespace http
}  // namespace levelkeep

#endif  // LEVELKEEP_OPTIONS_H_
