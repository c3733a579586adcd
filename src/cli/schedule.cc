// levelkeep schedule

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status_macros.h"
#include "cli/session.h"
#include "dbfiles/identity.h"
#include "manager/schedules.h"

namespace levelkeep::cli {

namespace {

constexpr char kScheduleHelp[] =
    "Lists the next ten runs of each schedule, with the time zone's offset.\n"
    "\n"
    "Usage: levelkeep schedule\n"
    "\n"
    "It reads the settings alone and changes nothing. docs/schedules.md "
    "explains\ncron expressions, and what happens when clocks change.\n";

constexpr int kRuns = 10;

// "2026-12-01T02:00:00+01:00"
std::string LocalTime(Time time, const TimeZone& zone) {
  const auto offset = zone.OffsetAt(time);
  const auto minutes = std::abs(
      std::chrono::duration_cast<std::chrono::minutes>(offset).count());
  const auto two = [](int64_t number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
  };
  return FormatTime(time + offset).substr(0, 19) +
         (offset.count() < 0 ? "-" : "+") + two(minutes / 60) + ":" +
         two(minutes % 60);
}

// The database's identity decides about its part of the jitter. A database that
// has none yet gets it when it is attached.
std::string IdentityOf(Session* session) {
  const auto identity = ReadIdentity(session->world.fs,
                                     session->settings().backup.storage_path());
  return identity.ok() ? identity->id : "";
}

Status RunSchedule(Session* session) {
  const BackupOptions::Schedule& options = session->settings().backup.schedule;
  LEVELKEEP_ASSIGN_OR_RETURN(const TimeZone zone, ZoneOf(options));
  const std::string id = IdentityOf(session);
  LEVELKEEP_ASSIGN_OR_RETURN(const auto jobs, PlannedJobs(options, id));
  auto list = nlohmann::ordered_json::array();
  for (const PlannedJob& job : jobs) {
    auto runs = nlohmann::ordered_json::array();
    session->console->Print(
        job.name + ": " + (job.schedule == nullptr ? "off" : job.plan) + "\n");
    Time run = session->world.clock->Now();
    for (int i = 0; job.schedule != nullptr && i < kRuns; ++i) {
      run = job.schedule->NextAfter(run);
      if (run >= kLatestTime) break;
      runs.push_back(LocalTime(run, zone));
      session->console->Print("  " + LocalTime(run, zone) + "\n");
    }
    list.push_back(
        {{"name", job.name},
         {"plan", job.schedule == nullptr ? nlohmann::ordered_json()
                                          : nlohmann::ordered_json(job.plan)},
         {"next", runs}});
  }
  session->result["timeZone"] = zone.name();
  session->result["schedules"] = list;
  std::vector<std::string> warnings;
  if (!options.enabled) {
    warnings.emplace_back(
        "AUTO_BACKUP_ENABLED is false: no job runs by a schedule");
  } else if (options.backup.empty()) {
    warnings.emplace_back(
        "without BACKUP_SCHEDULE, backups run AUTO_BACKUP_INTERVAL after the "
        "last one: the times are those after a backup that is made now");
  }
  if (options.jitter > 0 && id.empty()) {
    warnings.emplace_back(
        "the database has no identity yet: its part of SCHEDULE_JITTER will be "
        "another one");
  }
  session->Warn(warnings);
  return Status::Ok();
}

}  // namespace

const Verb kScheduleVerb = {.name = "schedule",
                            .summary = "list the next runs of each schedule",
                            .help = kScheduleHelp,
                            .run = RunSchedule};

}  // namespace levelkeep::cli
