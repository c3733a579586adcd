#include "api/metrics.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <optional>

#include "base/process.h"
#include "jobs/job.h"

namespace levelkeep::api {

namespace {

constexpr double kSecondsPerDay = 86400;
constexpr JobStatus kEnds[] = {JobStatus::kCompleted, JobStatus::kFailed,
                               JobStatus::kCancelled};

// The shortest text that reads as the same number.
std::string NumberText(double value) {
  std::array<char, 32> text = {};
  const auto whole = static_cast<int64_t>(value);
  if (static_cast<double>(whole) == value) return std::to_string(whole);
  for (const int digits : {6, 15, 17}) {
    std::snprintf(text.data(), text.size(), "%.*g", digits, value);
    if (std::strtod(text.data(), nullptr) == value) break;
  }
  return text.data();
}

std::string Label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + std::string(value) + "\"";
}

double Seconds(Time time) {
  // Milliseconds, as in all other answers.
  const auto since = std::chrono::floor<std::chrono::milliseconds>(time);
  return static_cast<double>(since.time_since_epoch().count()) / 1000;
}

void AddTime(const std::optional<Time>& time, Samples* samples) {
  if (time) samples->Add(Seconds(*time));
}

void AddNumber(const std::optional<double>& number, Samples* samples) {
  if (number) samples->Add(*number);
}

void AddFlag(bool flag, Samples* samples) { samples->Add(flag ? 1 : 0); }

std::string TypeLabel(JobType type) { return Label("type", JobTypeName(type)); }

// --- the state

void BuildInfo(const Scrape&, Samples* samples) {
  samples->Add(Label("version", LevelKeepVersion()), 1);
}

void StoreUsable(const Scrape& scrape, Samples* samples) {
  AddFlag(scrape.health.store_usable, samples);
}

void Healthy(const Scrape& scrape, Samples* samples) {
  AddFlag(scrape.health.store_usable && scrape.health.reasons.empty(), samples);
}

// How many reasons there are of each kind.
void HealthReasons(const Scrape& scrape, Samples* samples) {
  std::map<HealthCode, int> counts;
  for (const HealthReason& reason : scrape.health.reasons) {
    ++counts[reason.code];
  }
  for (const auto& [code, count] : counts) {
    samples->Add(Label("code", NameOf(code)), count);
  }
}

// --- the backups

void BackupsByStatus(const Scrape& scrape, Samples* samples) {
  if (!scrape.health.available) return;
  for (const BackupStatus status :
       {BackupStatus::kVerified, BackupStatus::kUnverified,
        BackupStatus::kDamaged, BackupStatus::kUnreadable}) {
    const auto found = scrape.health.by_status.find(status);
    const bool some = found != scrape.health.by_status.end();
    samples->Add(Label("status", NameOf(status)),
                 some ? static_cast<double>(found->second) : 0);
  }
}

void BackupsBytes(const Scrape& scrape, Samples* samples) {
  if (!scrape.health.available) return;
  samples->Add(static_cast<double>(scrape.health.total_bytes));
}

void BackupSize(const Scrape& scrape, Samples* samples) {
  const auto& latest = scrape.health.latest;
  if (latest) samples->Add(static_cast<double>(latest->size_bytes));
}

void LastSuccess(const Scrape& scrape, Samples* samples) {
  AddTime(scrape.health.last_success, samples);
}

// An archive of another program does not tell how long it took.
void LastDuration(const Scrape& scrape, Samples* samples) {
  const auto& latest = scrape.health.latest;
  if (!latest || latest->snapshot_method == SnapshotMethod::kNone) return;
  samples->Add(static_cast<double>(latest->duration_ms) / 1000);
}

void LastVerified(const Scrape& scrape, Samples* samples) {
  AddTime(scrape.health.last_verified, samples);
}

template <uint64_t RemovalTotal::*Number>
void Removed(const Scrape& scrape, Samples* samples) {
  for (const RemovalTotal& total : scrape.health.removed) {
    samples->Add(Label("act", total.act), static_cast<double>(total.*Number));
  }
}

// --- what would be lost, and how long a restore takes

// Only LevelKeep's Env counts the writes.
void UnsavedWrites(const Scrape& scrape, Samples* samples) {
  const HealthReport& health = scrape.health;
  if (health.snapshot_method != SnapshotMethod::kHot) return;
  samples->Add(static_cast<double>(health.unsaved_writes));
}

void UnsavedEvents(const Scrape& scrape, Samples* samples) {
  const auto& events = scrape.health.unsaved_events;
  if (events) samples->Add(static_cast<double>(*events));
}

void UnsavedSeconds(const Scrape& scrape, Samples* samples) {
  AddNumber(scrape.health.unsaved_seconds, samples);
}

void PredictedRestore(const Scrape& scrape, Samples* samples) {
  AddNumber(scrape.health.predicted_restore_seconds, samples);
}

void LastDrill(const Scrape& scrape, Samples* samples) {
  if (scrape.health.last_drill) {
    samples->Add(Seconds(scrape.health.last_drill->at));
  }
}

void LastDrillOk(const Scrape& scrape, Samples* samples) {
  if (scrape.health.last_drill) AddFlag(scrape.health.last_drill->ok, samples);
}

// A drill that failed did not do all of its work.
void LastDrillDuration(const Scrape& scrape, Samples* samples) {
  const auto& drill = scrape.health.last_drill;
  if (drill && drill->ok) samples->Add(drill->seconds);
}

void UndoAvailable(const Scrape& scrape, Samples* samples) {
  AddFlag(scrape.health.undo_available, samples);
}

void RestoreWaiting(const Scrape& scrape, Samples* samples) {
  samples->Add(static_cast<double>(scrape.health.unrestored.size()));
}

// --- the disk

void FreeBytes(const Scrape& scrape, Samples* samples) {
  const HealthReport& health = scrape.health;
  if (health.disk_bytes == 0) return;
  samples->Add(static_cast<double>(health.free_bytes));
}

void DiskBytes(const Scrape& scrape, Samples* samples) {
  const HealthReport& health = scrape.health;
  if (health.disk_bytes == 0) return;
  samples->Add(static_cast<double>(health.disk_bytes));
}

void UntilFull(const Scrape& scrape, Samples* samples) {
  const auto& days = scrape.health.days_until_full;
  if (days) samples->Add(*days * kSecondsPerDay);
}

// --- the jobs

void NextRun(const Scrape& scrape, Samples* samples) {
  AddTime(scrape.health.next_run, samples);
}

void RunningJobs(const Scrape& scrape, Samples* samples) {
  std::map<JobType, int> counts;
  for (const Job& job : scrape.running) ++counts[job.request.type];
  for (const auto& [type, count] : counts) {
    samples->Add(TypeLabel(type), count);
  }
}

uint64_t CountOf(const std::vector<JobTotal>& totals, std::string_view type,
                 JobStatus status) {
  for (const JobTotal& total : totals) {
    if (total.status == status && JobTypeName(total.type) == type) {
      return total.jobs;
    }
  }
  return 0;
}

// Also what never happened, as 0: from a series that begins with 1 nobody can
// tell that its number rose.
void Jobs(const Scrape& scrape, Samples* samples) {
  if (!scrape.health.available) return;  // their records are not there
  for (const std::string& type : JobTypeNames()) {
    for (const JobStatus end : kEnds) {
      samples->Add(
          Label("type", type) + "," + Label("status", JobStatusName(end)),
          static_cast<double>(CountOf(scrape.totals, type, end)));
    }
  }
}

void AddHistogram(const JobTotal& total, Samples* samples) {
  const std::string type = TypeLabel(total.type);
  for (size_t i = 0; i < JobTotal::kBounds; ++i) {
    samples->Add("_bucket",
                 type + "," + Label("le", NumberText(JobTotal::kSeconds[i])),
                 static_cast<double>(total.at_most.at(i)));
  }
  const auto jobs = static_cast<double>(total.jobs);
  samples->Add("_bucket", type + "," + Label("le", "+Inf"), jobs);
  samples->Add("_sum", type, total.seconds);
  samples->Add("_count", type, jobs);
}

// A job that failed has not done its work, so its time says nothing.
void JobDurations(const Scrape& scrape, Samples* samples) {
  for (const JobTotal& total : scrape.totals) {
    if (total.status == JobStatus::kCompleted) AddHistogram(total, samples);
  }
}

constexpr Metric kMetrics[] = {
    {"levelkeep_build_info", "gauge",
     "1, with the version of LevelKeep as a label.", BuildInfo},
    {"levelkeep_store_usable", "gauge",
     "1 if the database is open and takes writes.", StoreUsable},
    {"levelkeep_healthy", "gauge",
     "1 if the store is usable and nothing is degraded.", Healthy},
    {"levelkeep_health_reason", "gauge",
     "Number of present reasons for a degraded health, by their code; none: "
     "no series.",
     HealthReasons},
    {"levelkeep_backups", "gauge", "Number of backups by status.",
     BackupsByStatus},
    {"levelkeep_backups_bytes", "gauge", "Size of all backups.", BackupsBytes},
    {"levelkeep_backup_size_bytes", "gauge", "Size of the newest backup.",
     BackupSize},
    {"levelkeep_backup_last_success_timestamp_seconds", "gauge",
     "When the last backup that succeeded was made.", LastSuccess},
    {"levelkeep_backup_last_duration_seconds", "gauge",
     "How long the newest backup took.", LastDuration},
    {"levelkeep_last_verified_timestamp_seconds", "gauge",
     "When the newest verified backup was verified.", LastVerified},
    {"levelkeep_backups_removed_total", "counter",
     "Backups that were removed, by what removed them.",
     Removed<&RemovalTotal::backups>},
    {"levelkeep_backups_removed_bytes_total", "counter",
     "Size of the backups that were removed, by what removed them.",
     Removed<&RemovalTotal::bytes>},
    {"levelkeep_unsaved_writes", "gauge",
     "Writes of keys that are in no backup.", UnsavedWrites},
    {"levelkeep_unsaved_events", "gauge",
     "Events of the application that are in no backup.", UnsavedEvents},
    {"levelkeep_unsaved_seconds", "gauge",
     "Age of the newest backup if there are unsaved writes, or else 0.",
     UnsavedSeconds},
    {"levelkeep_predicted_restore_seconds", "gauge",
     "How long a restore of the newest backup is expected to take.",
     PredictedRestore},
    {"levelkeep_drill_last_timestamp_seconds", "gauge",
     "When the last drill began, whether it succeeded or not.", LastDrill},
    {"levelkeep_drill_last_ok", "gauge", "1 if the last drill succeeded.",
     LastDrillOk},
    {"levelkeep_drill_last_duration_seconds", "gauge",
     "How long the last drill took, if it succeeded.", LastDrillDuration},
    {"levelkeep_undo_available", "gauge",
     "1 if the last restore can be undone.", UndoAvailable},
    {"levelkeep_restore_waiting", "gauge",
     "Number of files in RESTORE_DIR that are not restored.", RestoreWaiting},
    {"levelkeep_disk_free_bytes", "gauge", "Free space where the backups are.",
     FreeBytes},
    {"levelkeep_disk_size_bytes", "gauge",
     "Size of the disk where the backups are.", DiskBytes},
    {"levelkeep_disk_full_in_seconds", "gauge",
     "Time until only BACKUP_RESERVE is free, at the growth so far.",
     UntilFull},
    {"levelkeep_next_run_timestamp_seconds", "gauge",
     "When the next scheduled job is due.", NextRun},
    {"levelkeep_job_running", "gauge",
     "Number of running jobs by type; none: no series.", RunningJobs},
    {"levelkeep_jobs_total", "counter",
     "Jobs that have ended, by type and status.", Jobs},
    {"levelkeep_job_duration_seconds", "histogram",
     "Duration of completed jobs, by type.", JobDurations},
};

}  // namespace

void Samples::Add(std::string_view suffix, std::string_view labels,
                  double value) {
  text_->append(name_).append(suffix);
  if (!labels.empty()) text_->append("{").append(labels).append("}");
  text_->append(" ").append(NumberText(value)).append("\n");
}

const std::vector<Metric>& AllMetrics() {
  static const auto* const kAll =
      new std::vector<Metric>(std::begin(kMetrics), std::end(kMetrics));
  return *kAll;
}

std::string MetricsText(const Scrape& scrape) {
  std::string text;
  for (const Metric& metric : AllMetrics()) {
    std::string samples;
    Samples to(metric.name, &samples);
    metric.write(scrape, &to);
    if (samples.empty()) continue;
    text.append("# HELP ").append(metric.name).append(" ").append(metric.help);
    text.append("\n# TYPE ").append(metric.name).append(" ");
    text.append(metric.type).append("\n").append(samples);
  }
  return text;
}

}  // namespace levelkeep::api
