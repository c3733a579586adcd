// Decides what is told to whom: it hears of the jobs, remembers the last
// outcome across restarts, watches for backups that do not come, and hands
// notices to a lane for each receiver. docs/notifications.md has the rules.

#ifndef LEVELKEEP_NOTIFY_NOTIFIER_H_
#define LEVELKEEP_NOTIFY_NOTIFIER_H_

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "levelkeep/notify.h"
#include "levelkeep/reports.h"
#include "notify/lane.h"
#include "notify/notice.h"

namespace levelkeep {

// The receivers by what they are for.
struct Receivers {
  std::vector<Receiver> notices;                // mails and the webhook
  std::map<JobType, Receiver> heartbeats = {};  // of jobs of that type
  static Receivers Of(const NotifyOptions& options, Clock* clock);
};

// Thread safety: all methods may be called concurrently.
class Notifier {
 public:
  // `database`: its name for people. The objects that the pointers lead to must
  // outlive this object.
  Notifier(const NotifyOptions& options, FileSystem* fs, Clock* clock,
           std::string database);
  Notifier(const NotifyOptions& options, FileSystem* fs, Clock* clock,
           std::string database, Receivers receivers);
  ~Notifier() { Close(); }
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // False: nobody is to be told anything, and Hear does nothing.
  bool HasReceivers() const {
    return !notices_.empty() || !heartbeats_.empty();
  }
  // Keeps state and notices in `folder` from now on (its parent and the parent
  // of that are created when they are needed) and sends what is left there;
  // empty: all is kept in memory. Nothing is sent before.
  void Open(const std::string& folder);
  // A JobListener: takes a copy if the job is of interest; never waits.
  void Hear(const Job& job);
  // Tells if no backup succeeds within `gap`, and again each day. `last` is the
  // last success as far as the caller knows.
  void Watch(std::chrono::milliseconds gap, std::optional<Time> last);
  void EndWatch();
  // Sends what it can, at most for `patience`; the rest stays in the folder.
  void Flush(std::chrono::milliseconds patience);
  // Stores what is not stored yet and ends all threads within a second.
  void Close();
  // Sentences about receivers that take no notices.
  std::vector<std::string> Problems() const;

 private:
  // What is remembered across restarts.
  struct Memory {
    bool failing = false;
    std::optional<Time> last_success;
    std::optional<Time> absence_told;  // and no success since
  };

  bool Wants(NoticeKind kind) const;
  bool IsOfInterest(const Job& job) REQUIRES_LOCK(mutex_);
  void Start() REQUIRES_LOCK(mutex_);
  void Run();
  void Work(const Job& job);
  void Ping(const Job& job);
  void HearEnd(const Job& job);
  void HearSuccess(const Job& job, bool skipped);
  void Tell(const Notice& notice);
  Notice NoticeOf(NoticeKind kind, const Job& job) const;
  Memory LoadMemory() const;
  void StoreMemory(const Memory& memory);
  std::chrono::milliseconds LookForAbsence();

  const NotifyOptions options_;
  FileSystem* const fs_;
  Clock* const clock_;
  const std::string database_, host_;
  std::vector<std::unique_ptr<Lane>> notices_;
  std::map<JobType, std::unique_ptr<Lane>> heartbeats_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::optional<std::string> folder_ GUARDED_BY(mutex_);  // once it is open
  std::deque<Job> heard_ GUARDED_BY(mutex_);
  std::set<std::string> started_ GUARDED_BY(mutex_);  // jobs that have begun
  std::optional<std::chrono::milliseconds> gap_ GUARDED_BY(mutex_);
  std::optional<Time> watched_since_ GUARDED_BY(mutex_);
  std::optional<Time> known_success_ GUARDED_BY(mutex_);
  Memory memory_ GUARDED_BY(mutex_);
  bool only_in_memory_ GUARDED_BY(mutex_) = false;  // it could not be stored
  std::stop_source wake_ GUARDED_BY(mutex_);
  bool running_ GUARDED_BY(mutex_) = false;
  bool working_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;
  std::jthread thread_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_NOTIFY_NOTIFIER_H_
