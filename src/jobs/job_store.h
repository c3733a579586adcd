// The records of jobs in a folder, which several processes may share.
//
//   FOLDER/open/ID               a job that has not ended
//   FOLDER/ID.TYPE.STATUS        one that has; its name tells enough for a list
//   FOLDER/runners/TOKEN         locked while the process lives that has jobs
//                                with that token: its claim on them
//   FOLDER/jobs.lock             held for milliseconds, by a process that
//   claims
//                                jobs of others or removes what others left
//
// A job ends by a new file, then the removal of the old one. A crash between
// the two leaves both, and the new one counts.

#ifndef LEVELKEEP_JOBS_JOB_STORE_H_
#define LEVELKEEP_JOBS_JOB_STORE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Thread safety: all methods may be called concurrently, but Put of one job by
// one thread at a time.
class JobStore {
 public:
  // How long and how many ended jobs are kept. Of too many, the oldest
  // completed and cancelled ones go before failed ones.
  struct Limits {
    std::chrono::hours age{90 * 24};
    size_t count = 10'000;
  };

  // What the pointers point to outlives this object. Touches nothing yet. The
  // folder is made when a job is first put into it; its parent has to be there
  // by then: a backup folder whose volume is not mounted is not made anew.
  JobStore(FileSystem* fs, Clock* clock, std::string folder);
  JobStore(FileSystem* fs, Clock* clock, std::string folder, Limits limits);
  ~JobStore();
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;

  // Durable on return; a crash leaves the state before or this one. Claims the
  // job for this process while it has not ended.
  Status Put(const Job& job);
  // Claims the jobs that have not ended and that no living process has claimed.
  // They are returned as their last process left them, oldest first. Also
  // removes what dead processes left. Makes no file where there is neither.
  // REQUIRES: called before Put.
  Result<std::vector<Job>> TakeUp();
  // kNotFound.
  Result<Job> Find(const std::string& id) const;
  // Newest first, at most `limit`.
  Result<std::vector<Job>> List(size_t limit) const;

 private:
  std::string OpenFolder() const { return JoinPath(folder_, "open"); }
  std::string RunnersFolder() const { return JoinPath(folder_, "runners"); }
  std::string OpenPath(const std::string& id) const;
  std::string EndedPath(const Job& job) const;
  std::string RunnerPath(const std::string& token) const;
  Result<std::unique_ptr<FileLock>> LockFolder() const;
  Status Register(const std::string& id);
  Status LockRunner() REQUIRES_LOCK(mutex_);
  void Forget(const std::string& id);
  Status MakeFolders() const;
  Status SweepWhatDeadRunnersLeft() REQUIRES_LOCK(mutex_);
  Status PutOpen(const Job& job);
  Status PutEnded(const Job& job);
  // Whether that runner is another living one.
  Result<bool> IsAlive(const std::string& token) const;
  // Whether there is nothing to claim or to remove.
  Result<bool> IsTidy() const;
  // Nothing to claim: the job has ended, is another runner's, or is damaged.
  Result<std::vector<Job>> ClaimOne(const std::string& id);
  Result<Job> Load(const std::string& path, std::string* runner) const;
  Result<std::vector<std::string>> ListEnded() const;
  Result<std::map<std::string, std::string, std::greater<>>> Paths() const;
  Status Trim();

  FileSystem* const fs_;
  Clock* const clock_;
  const std::string folder_;
  const Limits limits_;
  const std::string token_;

  Mutex mutex_;
  std::unique_ptr<FileLock> runner_ GUARDED_BY(mutex_);  // null: not registered
  std::set<std::string> open_ GUARDED_BY(mutex_);  // jobs that it has claimed
  uint64_t ended_ GUARDED_BY(mutex_) = 0;  // jobs, since this object began
};

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_JOB_STORE_H_
