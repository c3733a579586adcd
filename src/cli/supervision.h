// What a service tells its supervisor (systemd): that it is ready, what it
// does, and that it lives.

#ifndef LEVELKEEP_CLI_SUPERVISION_H_
#define LEVELKEEP_CLI_SUPERVISION_H_

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "base/supervisor.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep::cli {

// Without a supervisor, all methods do nothing, and no thread is started.
// Thread safety: Starting, Ready and Stopping by one thread; the other methods
// by any thread.
class Supervision {
 public:
  // How long a start may go on without progress. It is more than the time that
  // a start waits for a file that is still being copied.
  static constexpr std::chrono::seconds kStartPatience{120};
  // Ok if the service works. Called by the watchdog's thread; ends soon after
  // `stop`. `patience` is the longest time that the service may take to answer.
  using SelfCheck = std::function<Status(std::chrono::milliseconds patience,
                                         const std::stop_token& stop)>;

  // `supervisor` outlives this object; null: there is none. `step` is how often
  // a start looks for progress.
  explicit Supervision(
      const Supervisor* supervisor,
      std::chrono::milliseconds step = std::chrono::seconds(1));
  ~Supervision();  // ends the threads
  Supervision(const Supervision&) = delete;
  Supervision& operator=(const Supervision&) = delete;

  bool is_watched() const { return supervisor_.listens(); }

  // The start begins. Until Ready, a thread looks for progress at each step and
  // extends the time limit of the start with it. A start that hangs makes no
  // progress and is ended by the supervisor.
  void Starting();
  // Shown by `systemctl status`: "restoring backup_… 42 %".
  void Describe(const std::string& what);
  void DescribeProgress(const std::string& what, double fraction);
  // As a JobListener: describes the running job.
  void DescribeJob(const Job& job);

  // The service works from now on; `what` is its description while it has no
  // job. If the supervisor has a watchdog, a thread calls `check` three times
  // in each of its intervals, and tells that the service lives only after an
  // Ok.
  void Ready(const std::string& what, SelfCheck check);
  void Reloading();
  void Reloaded();
  void Stopping();

 private:
  void Tell(const std::string& message);
  void ExtendStart(const std::stop_token& stop);
  void Watch(const std::stop_token& stop, const SelfCheck& check);
  // False after a stop.
  bool Sleep(std::chrono::milliseconds duration, const std::stop_token& stop);

  const Supervisor supervisor_;
  const std::chrono::milliseconds step_;
  Mutex mutex_;
  CondVar never_;  // for waits that only a stop ends
  std::string idle_ GUARDED_BY(mutex_);
  std::string told_ GUARDED_BY(mutex_);  // the last description
  bool warned_ GUARDED_BY(mutex_) = false;
  std::jthread start_;
  std::jthread watchdog_;  // last: the threads use the other members
};

// Ends the reports before an object goes that the self-check uses.
struct StopReports {
  Supervision* supervision;
  ~StopReports() { supervision->Stopping(); }
};

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_SUPERVISION_H_
