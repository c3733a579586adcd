// The notices that one receiver has not taken yet, in a folder:
//
//   FOLDER/ID           a notice, its tries so far and the time of the next one
//   FOLDER/state        what was delivered lately, and what was given up
//   FOLDER/sender.lock  held by the process that sends; others only add
//
// Each file is a record, replaced as a whole: a crash leaves the old or the new
// one. A disk that can't be written costs the durability and nothing else:
// notices are kept in memory then.

#ifndef LEVELKEEP_NOTIFY_OUTBOX_H_
#define LEVELKEEP_NOTIFY_OUTBOX_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "levelkeep/status.h"
#include "notify/notice.h"

namespace levelkeep {

struct OutboxLimits {
  // More waiting notices are folded into one digest.
  size_t most_waiting = 5;
  // At most so many deliveries in an hour; what waits meanwhile is folded. 0:
  // any number.
  size_t most_per_hour = 0;
  // True: a notice that failed once is dropped as soon as a newer one waits.
  // For heartbeats, whose past says nothing.
  bool newest_counts = false;
  // A notice that is older after a failed try is given up.
  std::chrono::hours give_up_after{24};
};

// Thread safety: one thread at a time.
class Outbox {
 public:
  struct Waiting {
    Notice notice;
    uint64_t tries = 0;
    Time not_before;
    bool durable = false;  // as it is now
  };

  // The objects that the pointers lead to must outlive this object. An empty
  // `folder`: nothing is written.
  Outbox(FileSystem* fs, Clock* clock, std::string folder,
         const OutboxLimits& limits);

  // Adds the notice, which Save or CountTry makes durable.
  void Add(Notice notice);
  // Writes the notices that are in memory only, if the disk allows it.
  void Save();
  // Becomes the sender and reads the notices that other processes have added
  // since. kBusy: another process is the sender; any other problem of the disk
  // is only logged.
  Status BecomeSender();
  void ResignSender() { lock_.reset(); }
  // Folds or drops notices as the limits say. REQUIRES: this is the sender.
  void Tidy();

  // The oldest notice, which is delivered first; null: none waits. Valid until
  // the next call.
  const Waiting* Next() const {
    return waiting_.empty() ? nullptr : &waiting_.front();
  }
  size_t size() const { return waiting_.size(); }
  // How long to wait before Next() may be tried; 0: now.
  std::chrono::milliseconds Pause() const;

  // Counts a try of Next() durably, before it is made: a process that dies in
  // it does not try for ever.
  void CountTry();
  // Next() was taken by the receiver, or comes again after `pause`, or is given
  // up.
  void Delivered();
  void Postpone(std::chrono::milliseconds pause);
  void GiveUp(const std::string& why);
  bool IsTooOld() const;

  uint64_t given_up() const { return given_up_; }
  // Why the last notice was given up; empty after a delivery.
  const std::string& problem() const { return problem_; }

 private:
  std::string PathOf(const std::string& id) const {
    return JoinPath(folder_, id);
  }
  void Store(Waiting* waiting);
  void ReadNew();
  void ReadOne(const std::string& id);
  void Forget(const std::string& id);
  void RemoveFront();
  void RemoveReplaced();
  void Fold(size_t count);
  void LoadState();
  void StoreState();
  void NoteProblem(const Status& status);
  bool MayDeliver() const;
  std::chrono::milliseconds UntilMayDeliver() const;

  FileSystem* const fs_;
  Clock* const clock_;
  const std::string folder_;
  const OutboxLimits limits_;
  std::unique_ptr<FileLock> lock_;
  std::deque<Waiting> waiting_;  // oldest first
  std::deque<Time> delivered_;   // in the last hour
  bool held_ = false;            // by most_per_hour
  // Notices that are done with, but whose files could not be removed.
  std::set<std::string> done_;
  uint64_t given_up_ = 0;
  std::string problem_;
  std::string told_;  // the problem of the disk that the log knows
};

// The pause after the n-th failed try, n from 1: half a minute, doubled each
// time, at most an hour.
std::chrono::milliseconds PauseAfterTry(uint64_t tries);

// Creates a folder below STORAGE_DIR/.levelkeep, if it is missing, and those
// above it, but not STORAGE_DIR.
Status MakeNotifyFolder(FileSystem* fs, const std::string& folder);

}  // namespace levelkeep

#endif  // LEVELKEEP_NOTIFY_OUTBOX_H_
