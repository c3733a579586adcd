#include "config/setting_rows.h"

#include <algorithm>

#include "base/text.h"
#include "base/time_zone.h"
#include "config/setting_row_makers.h"

namespace levelkeep {
namespace {

constexpr uint64_t kDayMs = 24ull * 3600 * 1000;
constexpr uint64_t kMostBackups = 100'000;

// The verbs that use a setting, besides `config`, which shows all.
constexpr char kAll[] = "";
constexpr char kServe[] = "serve";
constexpr char kServeHealth[] = "serve health";
constexpr char kSchedule[] = "serve schedule";
constexpr char kScheduleRotate[] = "serve schedule rotate";
constexpr char kServeCreate[] = "serve create";
constexpr char kServeCreateDrill[] = "serve create drill";
constexpr char kServeCreateRotate[] = "serve create rotate";
constexpr char kWorker[] = "worker";
constexpr char kChecks[] = "serve worker verify drill";
constexpr char kChecksCreate[] = "serve worker create verify drill";
constexpr char kChecksRestore[] = "serve worker verify drill restore";
constexpr char kReads[] = "serve worker create verify drill restore";
// The verbs that check the four folders together, as a start does.
constexpr char kOnFolders[] =
    "serve worker create list inspect verify drill restore accept-loss rotate "
    "pin unpin delete own jobs job";

// The settings that SIGHUP puts in force: each is read anew for each use, or
// passed on by Application::Reload, by the worker's loop or by
// ConfigureLogging. All others need a restart.
constexpr const char* kReloadable[] = {"AUTO_BACKUP_ENABLED",
                                       "AUTO_BACKUP_INTERVAL",
                                       "BACKUP_SCHEDULE",
                                       "ROTATE_SCHEDULE",
                                       "VERIFY_SCHEDULE",
                                       "BACKUP_ON_SHUTDOWN",
                                       "BACKUP_BEFORE_RESTORE",
                                       "DRILL_SCHEDULE",
                                       "SCHEDULE_TZ",
                                       "SCHEDULE_JITTER",
                                       "BACKUP_RETENTION_DAYS",
                                       "BACKUP_DAILY_RETENTION",
                                       "BACKUP_WEEKLY_RETENTION",
                                       "BACKUP_MONTHLY_RETENTION",
                                       "BACKUP_YEARLY_RETENTION",
                                       "BACKUP_MINIMUM",
                                       "BACKUP_MAX_BYTES",
                                       "MAX_BACKUPS",
                                       "BACKUP_HISTORY_DAYS",
                                       "BACKUP_COMPRESSION",
                                       "BACKUP_COMPRESSION_LEVEL",
                                       "BACKUP_REUSE",
                                       "BACKUP_CHECKSUM",
                                       "BACKUP_RATE_LIMIT",
                                       "BACKUP_PRIORITY",
                                       "BACKUP_RESERVE",
                                       "BACKUP_VERIFY",
                                       "VERIFY_BUDGET",
                                       "BACKUP_UNDO_HOURS",
                                       "RESTART_COMMAND",
                                       "API_TOKEN",
                                       "API_ALLOW_ANONYMOUS",
                                       "API_ALLOWED_HOSTS",
                                       "BACKUP_WORKER_POLL_MS",
                                       "LOG_LEVEL",
                                       "LOG_FORMAT",
                                       "LOG_DIR",
                                       "LOG_RETENTION_DAYS"};

// One path component that is neither hidden (our work folder is) nor "..".
bool IsDatabaseName(std::string_view text) {
  return IsPath(text) && text.front() != '.' && text.size() <= 200 &&
         text.find('/') == std::string_view::npos;
}

// A text that is valid after "Authorization: Bearer ".
bool IsToken(std::string_view text) {
  return !text.empty() && text.size() <= 4096 &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > 0x20 && c < 0x7f; });
}

bool IsTimeZone(std::string_view text) {
  return text.empty() ||
         (IsText(text) && TimeZone::Load(std::string(text)).ok());
}

SettingRow Cron(const Id& id, Field field, const char* help) {
  // FindConflicts says what is wrong with an expression.
  return OrNothing(Text(id, SettingKind::kText, IsText,
                        "a cron expression, as \"0 2 * * *\" or @daily",
                        std::move(field), help));
}

SettingRow OrNone(SettingRow row) {
  row.limits.minus_one = "none";
  row.info.allowed += ", or none";
  return row;
}

std::vector<SettingRow> FoldersRows() {
  return {
      Folder({kOnFolders, "STORAGE_DIR", "storageDir"},
             LEVELKEEP_AT(backup.storage_dir),
             "Folder that contains the database's folder."),
      Text({kOnFolders, "DB_NAME", "dbName"}, SettingKind::kText,
           IsDatabaseName, "one folder name that does not begin with a dot",
           LEVELKEEP_AT(backup.db_name),
           "Name of the database's folder in STORAGE_DIR."),
      Also("BACKUP_STORAGE_DIR",
           Folder({kOnFolders, "BACKUP_DIR", "backupDir"},
                  LEVELKEEP_AT(backup.backup_dir), "Folder for the archives.")),
      Folder({kOnFolders, "RESTORE_DIR", "restoreDir"},
             LEVELKEEP_AT(backup.restore_dir),
             "Drop folder: the next start restores an archive from it.")};
}

std::vector<SettingRow> ScheduleRows() {
  return {
      Switch({kScheduleRotate, "AUTO_BACKUP_ENABLED", "autoBackupEnabled"},
             LEVELKEEP_AT(backup.schedule.enabled),
             "Run the schedules: backups, rotations, verifications, drills."),
      Milliseconds(
          {kScheduleRotate, "AUTO_BACKUP_INTERVAL", "autoBackupInterval"}, 1000,
          30 * kDayMs, LEVELKEEP_AT(backup.schedule.interval),
          "Milliseconds between two scheduled backups."),
      Cron({kScheduleRotate, "BACKUP_SCHEDULE", "backupSchedule"},
           LEVELKEEP_AT(backup.schedule.backup),
           "Cron expression for backups; replaces AUTO_BACKUP_INTERVAL."),
      Cron({kSchedule, "ROTATE_SCHEDULE", "rotateSchedule"},
           LEVELKEEP_AT(backup.schedule.rotate),
           "Cron expression for rotations beside the one after each backup."),
      Cron({kSchedule, "VERIFY_SCHEDULE", "verifySchedule"},
           LEVELKEEP_AT(backup.schedule.verify),
           "Cron expression for verifying all again, oldest verdict first."),
      Cron({kSchedule, "DRILL_SCHEDULE", "drillSchedule"},
           LEVELKEEP_AT(backup.schedule.drill),
           "Cron expression for drills: restores on trial."),
      OrNothing(
          Text({"serve schedule create rotate", "SCHEDULE_TZ", "scheduleTz"},
               SettingKind::kText, IsTimeZone,
               "a name of the time zone database (package tzdata), such "
               "as Europe/Berlin or UTC",
               LEVELKEEP_AT(backup.schedule.time_zone),
               "Time zone of schedules and retention; default: TZ, else "
               "the machine's.")),
      Number({kSchedule, "SCHEDULE_JITTER", "scheduleJitter"}, 0, 86'400,
             LEVELKEEP_AT(backup.schedule.jitter),
             "Seconds by which a cron run may be later, fixed for a "
             "database."),
      Switch({kServe, "BACKUP_ON_SHUTDOWN", "backupOnShutdown"},
             LEVELKEEP_AT(backup.schedule.on_shutdown),
             "Make a backup at a clean stop, if anything changed."),
      Switch({"serve restore", "BACKUP_BEFORE_RESTORE", "backupBeforeRestore"},
             LEVELKEEP_AT(backup.schedule.before_restore),
             "Make a backup of the database that a restore replaces."),
      Milliseconds({"serve worker", "BACKUP_WORKER_POLL_MS", "workerPoll"}, 100,
                   kDayMs, LEVELKEEP_AT(backup.schedule.poll),
                   "Milliseconds between two looks for backups and jobs.")};
}

std::vector<SettingRow> RetriesRows() {
  return {Number({kServe, "BACKUP_RETRIES", "backupRetries"}, 0, 100,
                 LEVELKEEP_AT(backup.retries.backup),
                 "How often a failed background backup is tried again."),
          Number({kServe, "BACKUP_RETRY_DELAY", "backupRetryDelay"}, 1, 86'400,
                 LEVELKEEP_AT(backup.retries.backup_delay),
                 "Seconds before a failed backup is tried again."),
          Number({kServe, "BACKUP_TIMEOUT", "backupTimeout"}, 0, 86'400,
                 LEVELKEEP_AT(backup.retries.backup_timeout),
                 "Seconds without progress that end a backup; 0: no limit."),
          Number({kServe, "ROTATE_RETRIES", "rotateRetries"}, 0, 100,
                 LEVELKEEP_AT(backup.retries.rotate),
                 "How often a failed rotation is tried again."),
          Number({kServe, "ROTATE_RETRY_DELAY", "rotateRetryDelay"}, 1, 86'400,
                 LEVELKEEP_AT(backup.retries.rotate_delay),
                 "Seconds before a failed rotation is tried again."),
          Number({kServe, "ROTATE_TIMEOUT", "rotateTimeout"}, 0, 86'400,
                 LEVELKEEP_AT(backup.retries.rotate_timeout),
                 "Seconds without progress that end a rotation; 0: no limit."),
          Number({kServe, "VERIFY_TIMEOUT", "verifyTimeout"}, 0, 86'400,
                 LEVELKEEP_AT(backup.retries.verify_timeout),
                 "Seconds without progress that end a verification; 0: no "
                 "limit."),
          Number({kServe, "DRILL_TIMEOUT", "drillTimeout"}, 0, 86'400,
                 LEVELKEEP_AT(backup.retries.drill_timeout),
                 "Seconds without progress that end a drill; 0: no limit.")};
}

SettingRow Buckets(const char* name, const char* key, Field field,
                   const char* help) {
  return Number({kServeCreateRotate, name, key}, 0, kMostBackups,
                std::move(field), help);
}

std::vector<SettingRow> RetentionRows() {
  return {
      Number({kServeCreateRotate, "MAX_BACKUPS", "maxBackups"}, 1, kMostBackups,
             LEVELKEEP_AT(backup.retention.max_backups),
             "Keep so many of the newest backups."),
      Number({kServeCreateRotate, "BACKUP_RETENTION_DAYS", "retentionDays"}, 0,
             36'500, LEVELKEEP_AT(backup.retention.retention_days),
             "Keep backups that are younger than so many days; 0: no rule."),
      Buckets("BACKUP_DAILY_RETENTION", "dailyRetention",
              LEVELKEEP_AT(backup.retention.daily),
              "Keep the last backup of so many days; 0: no rule."),
      Buckets("BACKUP_WEEKLY_RETENTION", "weeklyRetention",
              LEVELKEEP_AT(backup.retention.weekly),
              "Keep the backup nearest to Sunday of so many weeks; 0: no "
              "rule."),
      Buckets("BACKUP_MONTHLY_RETENTION", "monthlyRetention",
              LEVELKEEP_AT(backup.retention.monthly),
              "Keep the backup nearest to the first of so many months; 0: no "
              "rule."),
      Buckets("BACKUP_YEARLY_RETENTION", "yearlyRetention",
              LEVELKEEP_AT(backup.retention.yearly),
              "Keep the backup nearest to 1 January of so many years; 0: no "
              "rule."),
      Number({kServeCreateRotate, "BACKUP_MINIMUM", "minimumBackups"}, 0,
             kMostBackups, LEVELKEEP_AT(backup.retention.minimum),
             "Good backups that stay whatever the rules say; 0: one."),
      Bytes({kServeCreateRotate, "BACKUP_MAX_BYTES", "maxBytes"},
            LEVELKEEP_AT(backup.retention.max_bytes),
            "Bytes that the backups may take; the oldest go first; 0: no "
            "limit."),
      Number({kServeCreateRotate, "BACKUP_HISTORY_DAYS", "historyDays"}, 0,
             36'500, LEVELKEEP_AT(backup.retention.history_days),
             "Days to keep the last verified backup from before a restore.")};
}

std::vector<SettingRow> ArchivesRows() {
  return {
      Switch({kServeCreate, "BACKUP_COMPRESSION", "compression"},
             LEVELKEEP_AT(backup.archive.compression),
             "Compress the archives."),
      Number({kServeCreate, "BACKUP_COMPRESSION_LEVEL", "compressionLevel"}, 0,
             3, LEVELKEEP_AT(backup.archive.compression_level),
             "Compression level: 0 is fastest, 3 makes the smallest archives."),
      Switch({kServeCreate, "BACKUP_REUSE", "reuse"},
             LEVELKEEP_AT(backup.archive.reuse),
             "Copy compressed tables from the newest archive if unchanged."),
      Choice({kServeCreate, "BACKUP_CHECKSUM", "md5Sidecar"}, {"sha256", "md5"},
             LEVELKEEP_AT(backup.archive.md5_sidecar),
             "Checksum file beside each archive; md5 writes both kinds.")};
}

std::vector<SettingRow> ResourcesRows() {
  return {
      Number({kReads, "BACKUP_THREADS", "threads"}, 0, 64,
             LEVELKEEP_AT(backup.resources.threads),
             "Number of threads that compress; 0: one per core."),
      Bytes({kServeCreateDrill, "BACKUP_RATE_LIMIT", "rateLimit"},
            LEVELKEEP_AT(backup.resources.rate_limit_bytes_per_second),
            "Bytes per second that a backup or a drill may read; 0: no limit."),
      Choice({kChecksCreate, "BACKUP_PRIORITY", "priority"}, {"low", "idle"},
             LEVELKEEP_AT(backup.resources.priority),
             "Priority of the threads; idle: only when a core is free."),
      Bytes({kReads, "BACKUP_RESERVE", "reserve"},
            LEVELKEEP_AT(backup.resources.reserve_bytes),
            "Bytes that must stay free on the disk.")};
}

std::vector<SettingRow> VerificationRows() {
  return {Switch({kServeCreateRotate, "BACKUP_VERIFY", "verifyAfterBackup"},
                 LEVELKEEP_AT(backup.verification.after_backup),
                 "Verify each new backup in the background by opening a copy."),
          Bytes({"serve worker", "VERIFY_BUDGET", "verifyBudget"},
                LEVELKEEP_AT(backup.verification.budget),
                "Archive bytes a day that such verifications read; 0: all."),
          OrNothing(Text(
              {kChecksRestore, "LEVELKEEP_CHECK_PROGRAM", "checkProgram"},
              SettingKind::kPath, IsText, "a path",
              LEVELKEEP_AT(backup.verification.check_program),
              "Path of the program levelkeep-check, if not the usual one."))};
}

std::vector<SettingRow> RestoreRows() {
  return {
      Switch({kServe, "AUTO_RESTORE_ENABLED", "autoRestoreEnabled"},
             LEVELKEEP_AT(backup.restore.at_start),
             "At the start, restore an archive from RESTORE_DIR."),
      Number({kChecks, "BACKUP_UNDO_HOURS", "undoHours"}, 0, 87'600,
             LEVELKEEP_AT(backup.restore.undo_hours),
             "Minimum number of hours in which a restore can be undone."),
      Switch({kServe, "ALLOW_NEW_DATABASE", "allowNewDatabase"},
             LEVELKEEP_AT(backup.restore.allow_new_database),
             "Create an empty database even if an old one is known or a drop "
             "failed."),
      OrNothing(
          Text({kServe, "RESTART_COMMAND", "restartCommand"},
               SettingKind::kText, IsText, "a text without control characters",
               LEVELKEEP_AT(backup.restore.restart_command),
               "Command that the answer to a staged restore recommends."))};
}

std::vector<SettingRow> ApiRows() {
  return {
      Flag("--host",
           Text({kServeHealth, "API_HOST", "apiHost"}, SettingKind::kText,
                IsHost, "a host name or address", LEVELKEEP_AT(api.host),
                "Address on which the HTTP server listens.")),
      Flag("--port",
           Also("PORT",
                OrNone(Number(
                    {kServeHealth, "API_PORT", "apiPort"}, 0, 65535,
                    LEVELKEEP_AT(api.port),
                    "Port for HTTP; 0: any free port; none: no port.")))),
      Secret(Text({kServeHealth, "API_TOKEN", "apiToken"}, SettingKind::kText,
                  IsToken, "1 to 4096 visible ASCII characters without blanks",
                  LEVELKEEP_AT(api.token),
                  "Bearer token that requests must have.")),
      Switch({kServe, "API_ALLOW_ANONYMOUS", "apiAllowAnonymous"},
             LEVELKEEP_AT(api.allow_anonymous),
             "Allow other hosts to connect without a token."),
      OrNothing(Text({kServe, "API_ALLOWED_HOSTS", "apiAllowedHosts"},
                     SettingKind::kList, IsHost,
                     "host names, separated by commas",
                     LEVELKEEP_AT(api.allowed_hosts),
                     "Host names that requests may use for this server."))};
}

std::vector<SettingRow> EventStoreRows() {
  return {Switch({kServe, "STORAGE_SYNC", "storageSync"},
                 LEVELKEEP_AT(storage_sync),
                 "Acknowledge an event only when it is safe from power loss.")};
}

std::vector<SettingRow> WorkerRows() {
  return {Switch({kWorker, "BACKUP_WORKER_ENABLED", "workerEnabled"},
                 LEVELKEEP_AT(worker_enabled), "Enable `levelkeep worker`.")};
}

std::vector<SettingRow> LogRows() {
  return {Choice({kAll, "LOG_LEVEL", "logLevel"},
                 {"trace", "debug", "info", "warn", "error", "off"},
                 LEVELKEEP_AT(log.level),
                 "Lowest level of the lines that are logged."),
          Choice({kAll, "LOG_FORMAT", "logJson"}, {"text", "json"},
                 LEVELKEEP_AT(log.json), "Format of log lines."),
          OrNothing(Text(
              {kAll, "LOG_DIR", "logDir"}, SettingKind::kPath, IsText,
              "a folder", LEVELKEEP_AT(log.directory),
              "Folder for daily log files, in addition to standard error.")),
          Number({kAll, "LOG_RETENTION_DAYS", "logRetentionDays"}, 0, 36'500,
                 LEVELKEEP_AT(log.retention_days),
                 "Days to keep the log files of LOG_DIR; 0: for ever.")};
}

std::vector<SettingRow> BuildRows() {
  struct Section {
    const char* name;
    bool embedded;  // in BackupOptions
    std::vector<SettingRow> rows;
  };
  Section sections[] = {{"Folders", true, FoldersRows()},
                        {"Schedule", true, ScheduleRows()},
                        {"Retries", true, RetriesRows()},
                        {"Retention", true, RetentionRows()},
                        {"Archives", true, ArchivesRows()},
                        {"Resources", true, ResourcesRows()},
                        {"Verification", true, VerificationRows()},
                        {"Restore", true, RestoreRows()},
                        {"Notifications", true, NotificationRows()},
                        {"E-mail", true, MailRows()},
                        {"Hooks", true, HookRows()},
                        {"HTTP API", false, ApiRows()},
                        {"Event store", false, EventStoreRows()},
                        {"Worker", false, WorkerRows()},
                        {"Log", false, LogRows()}};
  std::vector<SettingRow> rows;
  // The defaults come from the structs, so that each has one source.
  Settings defaults = AsTheyAct(Settings());
  for (Section& section : sections) {
    for (SettingRow& row : section.rows) {
      row.info.section = section.name;
      row.embedded = section.embedded;
      row.info.reloadable = std::ranges::count(kReloadable, row.info.name) > 0;
      row.info.default_value = FormatSetting(row.field(&defaults), row.limits);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace

const std::vector<SettingRow>& SettingRows() {
  static const auto* const kRows = new std::vector<SettingRow>(BuildRows());
  return *kRows;
}

Settings AsTheyAct(Settings settings) {
  using Retention = BackupOptions::Retention;
  Retention& rules = settings.backup.retention;
  const bool others = rules.retention_days > 0 || rules.counts_days();
  if (!rules.max_backups && !others) {
    rules.max_backups = Retention::kDefaultMaxBackups;
  }
  return settings;
}

bool SettingRow::Has(std::string_view variable) const {
  return info.name == variable ||
         std::ranges::count(info.aliases, variable) > 0;
}

bool SettingInfo::IsFor(const std::string& verb) const {
  return verbs.empty() || std::ranges::count(verbs, verb) > 0;
}

const std::vector<SettingInfo>& AllSettings() {
  static const auto* const kInfos = [] {
    auto* infos = new std::vector<SettingInfo>();
    for (const SettingRow& row : SettingRows()) infos->push_back(row.info);
    return infos;
  }();
  return *kInfos;
}

std::vector<SettingValue> SettingValues(const Settings& settings,
                                        bool embedded_only) {
  Settings copy = AsTheyAct(settings);
  std::vector<SettingValue> values;
  for (const SettingRow& row : SettingRows()) {
    if (embedded_only && !row.embedded) continue;
    const SettingField field = row.field(&copy);
    SettingValue& value = values.emplace_back();
    value.key = row.info.key;
    value.kind = row.info.kind;
    value.text = FormatSetting(field, row.limits);
    if (row.info.secret && !value.text.empty()) value.text = kMask;
    if (const auto* flag = std::get_if<bool*>(&field)) value.flag = **flag;
  }
  return values;
}

const SettingRow* FindSettingRow(std::string_view variable) {
  for (const SettingRow& row : SettingRows()) {
    if (row.Has(variable)) return &row;
    if (row.info.secret && variable == row.info.name + "_FILE") return &row;
  }
  return nullptr;
}

}  // namespace levelkeep
