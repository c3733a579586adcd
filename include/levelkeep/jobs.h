// Jobs: everything that takes a while, with a name, a history and an end.
//
// Each verb of BackupManager that works is a job; BackupManager::SubmitJob
// runs one in the background. BACKUP_DIR keeps a record of each job for 90
// days, of at most 10,000 jobs.

#ifndef LEVELKEEP_JOBS_H_
#define LEVELKEEP_JOBS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

enum class JobType { kCreate, kRestore, kUndo, kVerify, kRotate, kDelete };

enum class JobStatus { kPending, kInProgress, kCompleted, kFailed, kCancelled };

// What a job is to do. Value type.
struct JobRequest {
  JobType type = JobType::kCreate;
  std::string backup = {};  // restore, verify, delete: a name, or "latest"
  std::string label = {};   // create
  VerifyDepth depth = VerifyDepth::kFull;  // verify
  RestoreMode mode = RestoreMode::kAuto;   // restore
  bool other_database = false;     // restore, delete: it may be of another one
  bool force = false;              // delete: also the newest verified backup
  bool all = false;                // undo: all restores, not the last one only
  std::string trigger = "manual";  // as BackupInfo::trigger
  std::string created_by = {};     // a person or a program; may be empty
  // Of jobs that wait for each other, the one with the higher number runs
  // first; among equals a restore is first and a verification last.
  int priority = 0;

  bool operator==(const JobRequest&) const = default;
};

// Value type.
struct Job {
  std::string id;  // sorts by the time of creation; plain ASCII
  JobRequest request;
  JobStatus status = JobStatus::kPending;
  uint64_t attempts = 0;  // that have begun
  double progress = 0;    // of this attempt, 0 to 1
  Time created;
  std::optional<Time> started;        // the last attempt
  std::optional<Time> ended;          // completed, failed or cancelled
  std::optional<Time> not_before;     // pending: when the next attempt is due
  StatusCode code = StatusCode::kOk;  // why the job or its last attempt failed
  std::string message;  // the same in words, or what a completed job did
  std::map<std::string, std::string> result;  // "backup" and "sequence"

  bool has_ended() const { return status > JobStatus::kInProgress; }
};

// "create", "restore", …; "pending", "in_progress", ….
std::string JobTypeName(JobType type);
std::string JobStatusName(JobStatus status);

// Called at each change of a job's status and of its progress (in steps of a
// hundredth), by the thread that causes the change. It should not wait: the job
// waits for it. An exception is logged and dropped.
using JobListener = std::function<void(const Job& job)>;

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_H_
