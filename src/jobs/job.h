// A job as a record on disk, its id, and which jobs may run together.

#ifndef LEVELKEEP_JOBS_JOB_H_
#define LEVELKEEP_JOBS_JOB_H_

#include <string>
#include <string_view>

#include "base/record.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

inline constexpr char kJobLogTag[] = "Jobs";

// "20241227-120000-000-1a2b3c4d": the UTC time in milliseconds, then a random
// part.
std::string NewJobId(Time now);
// The id begins so, of a job that was created at that time.
std::string JobIdPrefix(Time time);
bool IsJobId(std::string_view text);

Record JobToRecord(const Job& job);
// kCorruption if a field is missing or wrong.
Result<Job> JobFromRecord(const Record& record);

// May a job of type `a` run while one of type `b` runs? Symmetric.
bool MayRunTogether(JobType a, JobType b);
// A job of type `a` does not wait for one of type `b`, but stops it; it comes
// again later.
bool Displaces(JobType a, JobType b);
// Among jobs of equal priority the one with the higher rank runs first.
int RankOf(JobType type);
// A pending job of this type survives a restart. A restore, an undo or a delete
// does not: the person who asked for it does not expect it hours later.
bool SurvivesRestart(JobType type);
// "a backup", "a restore", …
std::string JobNoun(JobType type);

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_JOB_H_
