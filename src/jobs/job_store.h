// The records of jobs in a folder, which several processes may share.
//
//   FOLDER/open/ID               a job that has not ended
//   FOLDER/ID.TYPE.STATUS.MS     an ended job: see job_history.h
//   FOLDER/keys/DIGEST           which job a request with a key has made
//   FOLDER/runners/TOKEN         the claim of a process on its jobs, which have
//                                this token; locked while the process lives
//   FOLDER/jobs.lock             held for milliseconds by a process that claims
//                                jobs of other processes or removes their files
//
// A job ends by the creation of the new file and the removal of the old one. A
// crash between these steps leaves both, and then the new one counts.

#ifndef LEVELKEEP_JOBS_JOB_STORE_H_
#define LEVELKEEP_JOBS_JOB_STORE_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/folder_watch.h"
#include "base/mutex.h"
#include "jobs/job_history.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Thread safety: all methods may be called concurrently, but Put for one job by
// one thread at a time.
class JobStore {
 public:
  // The objects that the pointers lead to must outlive this object. Creates
  // nothing yet. The first Put creates the folder; its parent must exist by
  // then, so that a backup folder on a volume that is not mounted is not
  // created.
  JobStore(FileSystem* fs, Clock* clock, std::string folder,
           JobLimits limits = {});
  ~JobStore();
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;

  // Durable on return; a crash leaves the earlier record or this one. Claims a
  // job that has not ended for this process.
  Status Put(const Job& job);
  // Durable on return: a job that any process may claim and run.
  Status Offer(const Job& job);
  // A watch on the folder of jobs that have not ended, which it makes.
  Result<std::unique_ptr<FolderWatch>> OpenWatch();
  // True if this process has claimed the job.
  bool HasClaimed(const std::string& id);
  // Claims the jobs that have not ended and that no living process has claimed,
  // and returns them as their last process left them, oldest first. Also
  // removes the files of dead processes. Creates no file if there are neither.
  Result<std::vector<Job>> TakeUp(const std::function<bool(JobType)>& wanted =
                                      [](JobType) { return true; });
  // The id of the job that a request with this key has made within the last
  // 24 h, in any process; else `id`, which is from now on, durably, the key's
  // job. `content` describes the request. kInvalidArgument: the key was used
  // for another request.
  Result<std::string> ClaimKey(const std::string& key,
                               const std::string& content,
                               const std::string& id);
  // The job of the key; no value: there is none. Errors: as for ClaimKey.
  Result<std::optional<std::string>> FindKey(const std::string& key,
                                             const std::string& content);
  // kNotFound.
  Result<Job> Find(const std::string& id);
  // The jobs of the filter, newest first.
  Result<std::vector<Job>> List(const JobFilter& filter);
  // All jobs that ever ended, by type and status.
  Result<std::vector<JobTotal>> Totals();

 private:
  std::string OpenFolder() const { return JoinPath(folder_, "open"); }
  std::string KeysFolder() const { return JoinPath(folder_, "keys"); }
  std::string RunnersFolder() const { return JoinPath(folder_, "runners"); }
  std::string OpenPath(const std::string& id) const;
  std::string EndedPath(const Job& job) const;
  std::string KeyPath(const std::string& key) const;
  std::string RunnerPath(const std::string& token) const;
  Result<std::unique_ptr<FileLock>> LockFolder();
  Status Register(const std::string& id);
  Status LockRunner() REQUIRES_LOCK(mutex_);
  void Forget(const std::string& id);
  Status MakeFolders() const;
  void SweepWhatDeadRunnersLeft() REQUIRES_LOCK(mutex_);
  Status PutOpen(const Job& job);
  Status PutEnded(const Job& job);
  // True if `token` belongs to another living runner.
  Result<bool> IsAlive(const std::string& token) const;
  // True if there is nothing to claim or to remove.
  Result<bool> IsTidy() const;
  Result<std::optional<Job>> RemoveOpen(const std::string& id);
  Result<std::vector<Job>> ClaimAll(const std::function<bool(JobType)>& wanted);
  // Nothing: another runner has the job, or the record is damaged, or unknown.
  Result<std::optional<Job>> ClaimOne(
      const std::string& id, const std::function<bool(JobType)>& wanted);
  Result<Job> Load(const std::string& path, std::string* runner) const;
  Status SweepKeys();
  Status TrimHistory();

  FileSystem* const fs_;
  Clock* const clock_;
  const std::string folder_;
  const std::string token_;
  JobHistory history_;

  // No other try to lock the folder before this.
  std::atomic<std::chrono::steady_clock::time_point> no_lock_before_{};

  Mutex take_up_mutex_;  // one TakeUp at a time; before mutex_
  Mutex mutex_;
  std::unique_ptr<FileLock> runner_ GUARDED_BY(mutex_);  // null: not registered
  std::set<std::string> open_ GUARDED_BY(mutex_);        // claimed jobs
  // Since this object exists.
  uint64_t ended_ GUARDED_BY(mutex_) = 0;
  uint64_t keys_ GUARDED_BY(mutex_) = 0;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_JOB_STORE_H_
