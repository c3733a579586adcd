// The records of jobs in a folder, which several processes may share.
//
//   FOLDER/open/ID               a job that has not ended
//   FOLDER/ID.TYPE.STATUS        an ended job; the name is enough for a list
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
#include "base/mutex.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Thread safety: all methods may be called concurrently, but Put for one job by
// one thread at a time.
class JobStore {
 public:
  // How long and how many ended jobs are kept. If there are too many, completed
  // and cancelled ones go before failed ones, the oldest first.
  struct Limits {
    std::chrono::hours age{90 * 24};
    size_t count = 10'000;
    size_t always = 100;  // stay whatever their age: the clock may be wrong
  };

  // The objects that the pointers lead to must outlive this object. Creates
  // nothing yet. The first Put creates the folder; its parent must exist by
  // then, so that a backup folder on a volume that is not mounted is not
  // created.
  JobStore(FileSystem* fs, Clock* clock, std::string folder);
  JobStore(FileSystem* fs, Clock* clock, std::string folder, Limits limits);
  ~JobStore();
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;

  // Durable on return; a crash leaves the earlier record or this one. Claims a
  // job that has not ended for this process.
  Status Put(const Job& job);
  // Claims the jobs that have not ended and that no living process has claimed,
  // and returns them as their last process left them, oldest first. Also
  // removes the files of dead processes. Creates no file if there are neither.
  // REQUIRES: called before Put.
  Result<std::vector<Job>> TakeUp(const std::function<bool(JobType)>& wanted =
                                      [](JobType) { return true; });
  // kNotFound.
  Result<Job> Find(const std::string& id) const;
  // The jobs, newest first, at most `limit`.
  Result<std::vector<Job>> List(size_t limit) const;

 private:
  std::string OpenFolder() const { return JoinPath(folder_, "open"); }
  std::string RunnersFolder() const { return JoinPath(folder_, "runners"); }
  std::string OpenPath(const std::string& id) const;
  std::string EndedPath(const Job& job) const;
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
  // Nothing: another runner has the job, or the record is damaged, or unknown.
  Result<std::optional<Job>> ClaimOne(
      const std::string& id, const std::function<bool(JobType)>& wanted);
  Result<Job> Load(const std::string& path, std::string* runner) const;
  Result<std::vector<std::string>> ListEnded() const;
  Result<std::map<std::string, std::string, std::greater<>>> Paths() const;
  Status Trim();

  FileSystem* const fs_;
  Clock* const clock_;
  const std::string folder_;
  const Limits limits_;
  const std::string token_;

  // No other try to lock the folder before this.
  std::atomic<std::chrono::steady_clock::time_point> no_lock_before_{};

  Mutex mutex_;
  std::unique_ptr<FileLock> runner_ GUARDED_BY(mutex_);  // null: not registered
  std::set<std::string> open_ GUARDED_BY(mutex_);        // claimed jobs
  uint64_t ended_ GUARDED_BY(mutex_) = 0;  // jobs, since this object exists
};

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_JOB_STORE_H_
