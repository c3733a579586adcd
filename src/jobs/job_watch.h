// Notices the jobs that other processes put into a store: at once where the
// kernel watches the folder, else from time to time.

#ifndef LEVELKEEP_JOBS_JOB_WATCH_H_
#define LEVELKEEP_JOBS_JOB_WATCH_H_

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/folder_watch.h"
#include "jobs/job_store.h"

namespace levelkeep {

// Thread safety: one thread.
class JobWatch {
 public:
  // Calls `take_up`, on a thread of its own, when there may be jobs that no
  // living process has claimed; after an error, again after `poll`. `poll`
  // is asked for the pause between two looks where the folder can't be watched.
  // The objects that the functions use, and `clock`, must outlive this object.
  JobWatch(std::shared_ptr<JobStore> store, Clock* clock,
           std::function<std::chrono::milliseconds()> poll,
           std::function<Status()> take_up);
  ~JobWatch() = default;  // stops the thread
  JobWatch(const JobWatch&) = delete;
  JobWatch& operator=(const JobWatch&) = delete;

 private:
  void Watch(const std::stop_token& stop);
  std::unique_ptr<FolderWatch> Open();
  bool TakeUp();
  bool HasNews(FolderWatch* watch, const std::stop_token& stop) const;

  const std::shared_ptr<JobStore> store_;
  Clock* const clock_;
  const std::function<std::chrono::milliseconds()> poll_;
  const std::function<Status()> take_up_;
  bool told_ = false;    // that the folder can't be watched
  std::string failure_;  // the last one, in the log
  std::jthread thread_;  // last: it uses the others
};

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_JOB_WATCH_H_
