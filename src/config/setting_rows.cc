#include "config/setting_rows.h"

#include <algorithm>

#include "base/text.h"

namespace levelkeep {
namespace {

constexpr uint64_t kDayMs = 24ull * 3600 * 1000;
constexpr uint64_t kMostBytes = uint64_t{1} << 60;

using Field = SettingField (*)(Settings*);

bool IsText(std::string_view text) {
  return text.size() <= 4096 &&
         std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

bool IsPath(std::string_view text) {
  return !text.empty() && IsText(text) && !IsLeftToAShell(text);
}

// One component that is neither hidden (our work folder is) nor "..".
bool IsDatabaseName(std::string_view text) {
  return IsPath(text) && text.front() != '.' && text.size() <= 200 &&
         text.find('/') == std::string_view::npos;
}

bool IsHost(std::string_view text) {
  return !text.empty() && text.size() <= 255 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                  (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_' ||
                  c == ':' || c == '%' || c == '[' || c == ']';
         });
}

// What fits behind "Authorization: Bearer ".
bool IsToken(std::string_view text) {
  return !text.empty() && text.size() <= 4096 &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string FlagOf(std::string_view variable) {
  std::string flag = "--";
  for (const char c : variable) {
    flag += c == '_' ? '-' : static_cast<char>(c | 0x20);
  }
  return flag;
}

SettingRow Row(SettingKind kind, std::string name, std::string key, Field field,
               std::string allowed, std::string help) {
  SettingRow row;
  row.info.kind = kind;
  row.info.flag = FlagOf(name);
  row.info.name = std::move(name);
  row.info.key = std::move(key);
  row.info.allowed = std::move(allowed);
  row.info.help = std::move(help);
  row.field = field;
  return row;
}

SettingRow Text(SettingKind kind, std::string name, std::string key,
                bool (*accepts)(std::string_view), std::string allowed,
                Field field, std::string help) {
  SettingRow row = Row(kind, std::move(name), std::move(key), field,
                       std::move(allowed), std::move(help));
  row.limits.accepts = accepts;
  return row;
}

SettingRow OrNothing(SettingRow row) {
  row.limits.may_be_empty = true;
  row.info.allowed += ", or nothing";
  return row;
}

SettingRow Folder(std::string name, std::string key, Field field,
                  std::string help) {
  return Text(SettingKind::kPath, std::move(name), std::move(key), IsPath,
              "a folder", field, std::move(help));
}

SettingRow Switch(std::string name, std::string key, Field field,
                  std::string help) {
  return Row(SettingKind::kBool, std::move(name), std::move(key), field,
             "true or false", std::move(help));
}

SettingRow Range(SettingKind kind, std::string name, std::string key,
                 uint64_t min, uint64_t max, std::string unit, Field field,
                 std::string help) {
  SettingRow row =
      Row(kind, std::move(name), std::move(key), field,
          std::to_string(min) + " to " + std::to_string(max) + unit,
          std::move(help));
  row.limits.min = min;
  row.limits.max = max;
  return row;
}

SettingRow Bytes(std::string name, std::string key, Field field,
                 std::string help) {
  SettingRow row =
      Row(SettingKind::kBytes, std::move(name), std::move(key), field,
          "bytes, or a number with K, M, G or T", std::move(help));
  row.limits.max = kMostBytes;
  return row;
}

SettingRow Choice(std::string name, std::string key,
                  std::vector<std::string> choices, Field field,
                  std::string help) {
  SettingRow row = Row(SettingKind::kChoice, std::move(name), std::move(key),
                       field, Join(choices, ", "), std::move(help));
  row.limits.choices = std::move(choices);
  return row;
}

// Where things are, and when they happen.
std::vector<SettingRow> LifeCycleRows() {
  std::vector<SettingRow> rows = {
      Folder(
          "STORAGE_DIR", "storageDir",
          [](Settings* s) -> SettingField { return &s->backup.storage_dir; },
          "Folder that holds the database's folder."),
      Text(
          SettingKind::kText, "DB_NAME", "dbName", IsDatabaseName,
          "one folder name that does not begin with a dot",
          [](Settings* s) -> SettingField { return &s->backup.db_name; },
          "Name of the database's folder in STORAGE_DIR."),
      Folder(
          "BACKUP_DIR", "backupDir",
          [](Settings* s) -> SettingField { return &s->backup.backup_dir; },
          "Folder of the archives."),
      Folder(
          "RESTORE_DIR", "restoreDir",
          [](Settings* s) -> SettingField { return &s->backup.restore_dir; },
          "Drop folder: an archive in it is restored at the next start."),
      Switch(
          "AUTO_BACKUP_ENABLED", "autoBackupEnabled",
          [](Settings* s) -> SettingField {
            return &s->backup.schedule.enabled;
          },
          "Back up on a schedule."),
      Switch(
          "AUTO_RESTORE_ENABLED", "autoRestoreEnabled",
          [](Settings* s) -> SettingField {
            return &s->backup.restore.at_start;
          },
          "Apply what lies in RESTORE_DIR at the start."),
      Range(
          SettingKind::kMilliseconds, "AUTO_BACKUP_INTERVAL",
          "autoBackupInterval", 1000, 30 * kDayMs, " ms",
          [](Settings* s) -> SettingField {
            return &s->backup.schedule.interval;
          },
          "Milliseconds between two scheduled backups."),
      Range(
          SettingKind::kInteger, "MAX_BACKUPS", "maxBackups", 1, 100'000, "",
          [](Settings* s) -> SettingField {
            return &s->backup.retention.max_backups;
          },
          "Backups that rotation keeps."),
  };
  rows[2].info.aliases = {"BACKUP_STORAGE_DIR"};
  return rows;
}

// What is kept, and what may begin anew.
std::vector<SettingRow> HistoryRows() {
  return {
      Range(
          SettingKind::kInteger, "BACKUP_HISTORY_DAYS", "historyDays", 0,
          36'500, "",
          [](Settings* s) -> SettingField {
            return &s->backup.retention.history_days;
          },
          "Days that the last verified backup from before a restore stays."),
      Range(
          SettingKind::kInteger, "BACKUP_UNDO_HOURS", "undoHours", 0, 87'600,
          "",
          [](Settings* s) -> SettingField {
            return &s->backup.restore.undo_hours;
          },
          "Hours at least that a restore can be undone."),
      Switch(
          "ALLOW_NEW_DATABASE", "allowNewDatabase",
          [](Settings* s) -> SettingField {
            return &s->backup.restore.allow_new_database;
          },
          "Begin an empty database though one is remembered, or a drop waits."),
  };
}

// What is made, and how.
std::vector<SettingRow> ArchiveRows() {
  return {
      Switch(
          "BACKUP_COMPRESSION", "compression",
          [](Settings* s) -> SettingField {
            return &s->backup.archive.compression;
          },
          "Compress the archives."),
      Range(
          SettingKind::kInteger, "BACKUP_COMPRESSION_LEVEL", "compressionLevel",
          0, 3, "",
          [](Settings* s) -> SettingField {
            return &s->backup.archive.compression_level;
          },
          "0 is fastest, 3 is smallest."),
      Switch(
          "BACKUP_REUSE", "reuse",
          [](Settings* s) -> SettingField { return &s->backup.archive.reuse; },
          "Copy what the newest archive holds already, not compress it "
          "again."),
      Choice(
          "BACKUP_CHECKSUM", "md5Sidecar", {"sha256", "md5"},
          [](Settings* s) -> SettingField {
            return &s->backup.archive.md5_sidecar;
          },
          "Checksum files beside an archive; md5 writes both."),
      Range(
          SettingKind::kInteger, "BACKUP_THREADS", "threads", 0, 64, "",
          [](Settings* s) -> SettingField {
            return &s->backup.resources.threads;
          },
          "Threads that compress; 0 is one for each core."),
      Bytes(
          "BACKUP_RATE_LIMIT", "rateLimit",
          [](Settings* s) -> SettingField {
            return &s->backup.resources.rate_limit_bytes_per_second;
          },
          "Bytes per second that a backup may read; 0 is no limit."),
      Choice(
          "BACKUP_PRIORITY", "priority", {"low", "idle"},
          [](Settings* s) -> SettingField {
            return &s->backup.resources.priority;
          },
          "Priority of the threads; idle ones run on spare cores only."),
      Bytes(
          "BACKUP_RESERVE", "reserve",
          [](Settings* s) -> SettingField {
            return &s->backup.resources.reserve_bytes;
          },
          "Bytes that must stay free on the disk."),
      Switch(
          "BACKUP_VERIFY", "verifyAfterBackup",
          [](Settings* s) -> SettingField {
            return &s->backup.verification.after_backup;
          },
          "Prove each new backup in the background by opening it aside."),
      OrNothing(Text(
          SettingKind::kText, "RESTART_COMMAND", "restartCommand", IsText,
          "a text without control characters",
          [](Settings* s) -> SettingField {
            return &s->backup.restore.restart_command;
          },
          "What people are told to run after a staged restore.")),
      OrNothing(Text(
          SettingKind::kPath, "LEVELKEEP_CHECK_PROGRAM", "checkProgram", IsText,
          "a path",
          [](Settings* s) -> SettingField {
            return &s->backup.verification.check_program;
          },
          "The program levelkeep-check, if it is not in its usual place.")),
  };
}

std::vector<SettingRow> ProgramRows() {
  std::vector<SettingRow> rows = {
      Text(
          SettingKind::kText, "API_HOST", "apiHost", IsHost,
          "a host name or address",
          [](Settings* s) -> SettingField { return &s->api.host; },
          "Address that the HTTP server listens on."),
      Range(
          SettingKind::kInteger, "API_PORT", "apiPort", 0, 65535, "",
          [](Settings* s) -> SettingField { return &s->api.port; },
          "Port that the HTTP server listens on; 0 is any free one."),
      Text(
          SettingKind::kText, "API_TOKEN", "apiToken", IsToken,
          "1 to 4096 visible ASCII characters without blanks",
          [](Settings* s) -> SettingField { return &s->api.token; },
          "Bearer token that requests must carry."),
      Switch(
          "API_ALLOW_ANONYMOUS", "apiAllowAnonymous",
          [](Settings* s) -> SettingField { return &s->api.allow_anonymous; },
          "Listen beyond loopback although there is no token."),
      OrNothing(Text(
          SettingKind::kList, "API_ALLOWED_HOSTS", "apiAllowedHosts", IsHost,
          "host names, separated by commas",
          [](Settings* s) -> SettingField { return &s->api.allowed_hosts; },
          "Host names that requests may be addressed to.")),
      Switch(
          "STORAGE_SYNC", "storageSync",
          [](Settings* s) -> SettingField { return &s->storage_sync; },
          "Acknowledge an event only when it is safe from power loss."),
      Switch(
          "BACKUP_WORKER_ENABLED", "workerEnabled",
          [](Settings* s) -> SettingField { return &s->worker_enabled; },
          "Let `levelkeep worker` do its work."),
      Range(
          SettingKind::kMilliseconds, "BACKUP_WORKER_POLL_MS", "workerPoll",
          100, kDayMs, " ms",
          [](Settings* s) -> SettingField { return &s->worker_poll; },
          "Milliseconds between two looks of the worker."),
      Choice(
          "LOG_LEVEL", "logLevel",
          {"trace", "debug", "info", "warn", "error", "off"},
          [](Settings* s) -> SettingField { return &s->log.level; },
          "The least important lines that are logged."),
      Choice(
          "LOG_FORMAT", "logJson", {"text", "json"},
          [](Settings* s) -> SettingField { return &s->log.json; },
          "Shape of a log line."),
      OrNothing(Text(
          SettingKind::kPath, "LOG_DIR", "logDir", IsText, "a folder",
          [](Settings* s) -> SettingField { return &s->log.directory; },
          "Folder for daily log files besides standard error.")),
  };
  rows[0].info.flag = "--host";
  rows[1].info.flag = "--port";
  rows[1].info.aliases = {"PORT"};
  rows[2].info.flag.clear();
  rows[2].info.secret = true;
  return rows;
}

// The defaults are those of the structs: nothing to keep in step.
std::vector<SettingRow> BuildRows() {
  std::vector<SettingRow> rows = LifeCycleRows();
  for (SettingRow& row : HistoryRows()) rows.push_back(std::move(row));
  for (SettingRow& row : ArchiveRows()) rows.push_back(std::move(row));
  for (SettingRow& row : rows) row.embedded = true;  // BackupOptions so far
  for (SettingRow& row : ProgramRows()) rows.push_back(std::move(row));
  Settings defaults;
  for (SettingRow& row : rows) {
    row.info.default_value = FormatSetting(row.field(&defaults), row.limits);
  }
  return rows;
}

}  // namespace

bool SettingRow::Has(std::string_view variable) const {
  return info.name == variable ||
         std::find(info.aliases.begin(), info.aliases.end(), variable) !=
             info.aliases.end();
}

const std::vector<SettingRow>& SettingRows() {
  static const auto* const kRows = new std::vector<SettingRow>(BuildRows());
  return *kRows;
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
  Settings copy = settings;
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
