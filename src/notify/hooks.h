// The operator's commands around each backup: one before the snapshot, which is
// waited for, and one after it, which runs in the background and always runs.
//
//   FOLDER/ID       a mark: the hooks of this job have begun, and the post hook
//                   has not ended; with the facts for it
//   FOLDER/ID.lock  held by the process that will run the post hook
//
// A mark without a held lock is of a process that was killed: the next start
// runs its post hook, so that no application stays frozen.

#ifndef LEVELKEEP_NOTIFY_HOOKS_H_
#define LEVELKEEP_NOTIFY_HOOKS_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "levelkeep/notify.h"
#include "levelkeep/status.h"

namespace levelkeep {

// What the hooks learn of a job, by the name of the variable: "LEVELKEEP_LABEL"
// and so on (docs/notifications.md has the list).
using HookFacts = std::map<std::string, std::string>;

// Thread safety: all methods may be called concurrently.
class Hooks {
 public:
  // `withheld`: variables of the environment that the commands must not see,
  // because they hold secrets. The objects that the pointers lead to must
  // outlive this object.
  Hooks(const NotifyOptions::Hooks& options, FileSystem* fs, Clock* clock,
        std::vector<std::string> withheld);
  ~Hooks() { Close(std::chrono::milliseconds(0)); }
  Hooks(const Hooks&) = delete;
  Hooks& operator=(const Hooks&) = delete;

  // Keeps marks in `folder` from now on, and runs the post hooks that killed
  // processes owe, with LEVELKEEP_STATUS=interrupted, in the background. Empty:
  // there are no marks.
  void Open(const std::string& folder);

  // Runs the pre hook and waits for it, at most its timeout, in which it also
  // waits for post hooks of earlier backups. Ok: it succeeded, or there is
  // none. kCancelled: `stop`. Any other error says why it failed.
  Status Before(const std::string& job_id, const HookFacts& facts,
                const std::stop_token& stop);
  // Runs the post hook in the background. To be called after each Before, and
  // also for a backup that failed before that.
  void After(const std::string& job_id, const HookFacts& facts);

  // Waits for post hooks, at most for `patience` of real time, then kills the
  // running one. Those that did not end run again at the next start.
  void Close(std::chrono::milliseconds patience);

 private:
  struct Task {
    std::string job_id;
    HookFacts facts;
    std::shared_ptr<FileLock> lock;  // of its mark; may be null
  };

  Status Mark(const std::string& job_id, const HookFacts& facts);
  std::shared_ptr<FileLock> Claim(const std::string& job_id);
  std::shared_ptr<FileLock> TakeLock(const std::string& job_id);
  void Unmark(const std::string& job_id);
  void TakeUp(const std::string& name);
  void Enqueue(Task task);
  void Run();
  void RunPost(const Task& task);
  Status RunCommand(const char* which, const std::string& command,
                    const HookFacts& facts, std::chrono::milliseconds timeout,
                    const std::stop_token& stop) const;
  std::vector<std::string> EnvironmentFor(const char* which,
                                          const HookFacts& facts) const;
  bool AwaitPosts(std::chrono::milliseconds patience,
                  const std::stop_token& stop);
  std::string PathOf(const std::string& job_id) const {
    return JoinPath(folder_, job_id);
  }

  const NotifyOptions::Hooks options_;
  FileSystem* const fs_;
  Clock* const clock_;
  const std::vector<std::string> withheld_;
  const std::chrono::milliseconds timeout_;
  std::stop_source stop_;
  std::string folder_;  // set by Open

  Mutex mutex_;
  CondVar changed_;
  std::deque<Task> tasks_ GUARDED_BY(mutex_);  // the first one may run
  std::map<std::string, std::shared_ptr<FileLock>> locks_ GUARDED_BY(mutex_);
  bool running_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;
  std::jthread thread_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_NOTIFY_HOOKS_H_
