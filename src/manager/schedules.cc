#include "manager/schedules.h"

#include <chrono>
#include <utility>

#include "base/hash.h"
#include "base/status_macros.h"
#include "config/backup_times.h"

namespace levelkeep {

namespace {

// Later than another schedule by a fixed time.
class DelayedSchedule : public Schedule {
 public:
  DelayedSchedule(std::unique_ptr<const Schedule> schedule,
                  std::chrono::seconds delay)
      : schedule_(std::move(schedule)), delay_(delay) {}

  Time NextAfter(Time time) const override {
    const Time next = schedule_->NextAfter(time - delay_);
    return next >= kLatestTime ? next : next + delay_;
  }

 private:
  const std::unique_ptr<const Schedule> schedule_;
  const std::chrono::seconds delay_;
};

// Two machines with one configuration get different parts of the jitter, and
// each keeps its own.
std::chrono::seconds JitterOf(int most, const std::string& database_id,
                              const std::string& name) {
  const std::string digits = Sha256Hex(database_id + " " + name).substr(0, 8);
  const uint64_t number = std::stoull(digits, nullptr, 16);
  return std::chrono::seconds(number % (static_cast<uint64_t>(most) + 1));
}

Status AddCron(const BackupOptions::Schedule& options,
               const std::string& database_id, const std::string& expression,
               PlannedJob* job) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto times, CronTimes(options, expression));
  LEVELKEEP_ASSIGN_OR_RETURN(const TimeZone zone, ZoneOf(options));
  job->plan = expression + " " + zone.name();
  if (options.jitter > 0) {
    job->plan += " within " + std::to_string(options.jitter) + " s";
  }
  job->schedule = std::make_shared<DelayedSchedule>(
      std::move(times), JitterOf(options.jitter, database_id, job->name));
  return Status::Ok();
}

}  // namespace

Result<TimeZone> ZoneOf(const BackupOptions::Schedule& options) {
  return TimeZone::Load(options.time_zone);
}

Result<std::vector<PlannedJob>> PlannedJobs(
    const BackupOptions::Schedule& options, const std::string& database_id) {
  struct Row {
    const char* name;
    JobType type;
    const std::string& expression;
  };
  const Row rows[] = {{"backup", JobType::kCreate, options.backup},
                      {"rotate", JobType::kRotate, options.rotate},
                      {"verify", JobType::kVerify, options.verify},
                      {"drill", JobType::kDrill, options.drill}};
  std::vector<PlannedJob> jobs;
  for (const Row& row : rows) {
    PlannedJob job;
    job.name = row.name;
    job.request = {.type = row.type, .if_needed = true, .trigger = "scheduled"};
    job.request.all = row.type == JobType::kVerify;
    if (row.type == JobType::kDrill) job.request.backup = "latest";
    const bool by_interval =
        row.type == JobType::kCreate && row.expression.empty();
    if (options.enabled && by_interval) {
      job.is_interval = true;
      job.plan = "every " + std::to_string(options.interval.count()) + " ms";
      job.schedule = std::make_shared<IntervalSchedule>(options.interval);
    } else if (options.enabled && !row.expression.empty()) {
      LEVELKEEP_RETURN_IF_ERROR(
          AddCron(options, database_id, row.expression, &job));
    }
    jobs.push_back(std::move(job));
  }
  return jobs;
}

}  // namespace levelkeep
