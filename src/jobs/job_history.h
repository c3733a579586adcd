// The jobs of a JobStore that have ended, as the names of their records tell
// them, so that a list, the averages and the metrics need not open the records:
//
//   ID.TYPE.STATUS.MS   MS: the milliseconds that the last attempt took
//   totals              the numbers of jobs whose records were removed
//
// Records are removed when they are too old or too many; their numbers are
// added to "totals" first, so no total ever goes down.

#ifndef LEVELKEEP_JOBS_JOB_HISTORY_H_
#define LEVELKEEP_JOBS_JOB_HISTORY_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The name of the record of an ended job. The views lead into `name`.
struct EndedJob {
  explicit EndedJob(std::string name_of_record);
  static std::string NameOf(const Job& job);

  std::string id() const;
  std::string_view type() const { return Part(1); }
  std::string_view status() const { return Part(2); }
  std::string_view kind() const;  // "create.completed"
  // 0: a record of an earlier version
  std::chrono::milliseconds duration() const;

  std::string name;

 private:
  std::string_view Part(size_t index) const;
};

// How many records of ended jobs are kept, and for how long. If there are too
// many, completed and cancelled ones go before failed ones, the oldest first.
struct JobLimits {
  std::chrono::hours age{90 * 24};
  size_t count = 10'000;
  size_t always = 100;  // stay whatever their age: the clock may be wrong
};

// Thread safety: all methods may be called concurrently.
class JobHistory {
 public:
  // Value type.
  struct Count {
    uint64_t jobs = 0, milliseconds = 0;
    // The jobs that took at most JobTotal::kSeconds[i].
    std::array<uint64_t, JobTotal::kBounds> at_most = {};
  };
  // By the words for type and status.
  using Counts = std::map<std::pair<std::string, std::string>, Count>;
  // What the folder held at one moment.
  struct View {
    std::vector<EndedJob> jobs;  // newest first
    Counts counts;               // also of the jobs whose records were removed
    // Null: no job of this id has ended.
    const EndedJob* Find(const std::string& id) const;
  };

  // `fs` and `clock` must outlive this object.
  JobHistory(FileSystem* fs, Clock* clock, std::string folder,
             JobLimits limits);

  // Reads the names in the folder only if the folder has changed. Without a
  // folder, the view is empty.
  Result<std::shared_ptr<const View>> Look();
  // Removes records over the limits. REQUIRES: no other process does, too.
  Status Trim();

 private:
  struct Removed {
    Counts counts;
    // Counted in `counts`, though a crash may have left their records.
    std::set<std::string> names;
  };
  struct Stamp {
    uint64_t inode = 0;
    int64_t mtime_ns = 0;
    bool operator==(const Stamp&) const = default;
  };

  std::string TotalsPath() const { return JoinPath(folder_, "totals"); }
  Result<Stamp> StampOf() const;
  Result<std::shared_ptr<const View>> Read() const;
  Result<Removed> LoadRemoved() const;
  Status StoreRemoved(const Removed& removed) const;
  std::vector<EndedJob> Superfluous(const std::vector<EndedJob>& jobs) const;

  FileSystem* const fs_;
  Clock* const clock_;
  const std::string folder_;
  const JobLimits limits_;

  Mutex mutex_;
  std::shared_ptr<const View> view_ GUARDED_BY(mutex_);
  Stamp stamp_ GUARDED_BY(mutex_);  // of view_
  // When view_ was read, and when its stamp was first seen.
  std::chrono::steady_clock::time_point read_ GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point seen_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_JOB_HISTORY_H_
