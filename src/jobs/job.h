// A job as a record on disk, its id, and which jobs may run together.

#ifndef LEVELKEEP_JOBS_JOB_H_
#define LEVELKEEP_JOBS_JOB_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/record.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

inline constexpr char kJobLogTag[] = "Jobs";

// "20241227-120000-000-001b3c4d": the UTC time in milliseconds, a number and a
// random part. Ids sort by time; those of one process, by the order of calls.
std::string NewJobId(Time now);
// The beginning of the ids of jobs that were created at `time`.
std::string JobIdPrefix(Time time);
bool IsJobId(std::string_view text);

Record JobToRecord(const Job& job);
// All members of a request as one text: equal requests, equal texts.
std::string DescribeRequest(const JobRequest& request);
// kCorruption if a field is missing or wrong.
Result<Job> JobFromRecord(const Record& record);

// `name` is as in a record; nothing: this version does not know it.
std::optional<JobType> ParseJobType(std::string_view name);
std::optional<JobStatus> ParseJobStatus(std::string_view name);
// All names, in the order of the enums.
std::vector<std::string> JobTypeNames();
std::vector<std::string> JobStatusNames();
// True if the filter, whatever its limit, has the job.
bool Matches(const JobFilter& filter, const Job& job);

// May a job of type `a` run while one of type `b` runs? Symmetric.
bool MayRunTogether(JobType a, JobType b);
// True if a job of type `a` does not wait for a job of type `b`, but stops it.
// The stopped job runs again later.
bool Displaces(JobType a, JobType b);
// Of jobs with equal priority, the one with the higher rank runs first.
int RankOf(JobType type);
// The type in HealthReport::running: an undo is a restore, a deletion is a
// rotation.
JobType KindOf(JobType type);
// True if a pending job of this type survives a restart. A restore, an undo or
// a delete does not: the person who asked does not expect it hours later.
bool SurvivesRestart(JobType type);
// "a backup", "a restore", …
std::string JobNoun(JobType type);

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_JOB_H_
