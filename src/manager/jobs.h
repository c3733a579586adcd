// The one-at-a-time rule: which jobs may run together.

#ifndef LEVELKEEP_MANAGER_JOBS_H_
#define LEVELKEEP_MANAGER_JOBS_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "levelkeep/status.h"

namespace levelkeep {

enum class JobKind { kCreate, kRestore, kVerify, kRotate };
inline constexpr size_t kJobKinds = 4;

// "create", "restore", "verify", "rotate".
std::string JobKindName(JobKind kind);
// May a job of kind `a` start while one of kind `b` runs? Symmetric.
bool MayRunTogether(JobKind a, JobKind b);

// How long a job waits for those in its way.
struct Patience {
  std::chrono::milliseconds time{0};  // at most a year
  // Does not wait where so many wait already; 0: however many do.
  int places = 0;
};

// Thread safety: all methods may be called concurrently.
class JobBoard {
 public:
  // A running job; ends when destroyed.
  class Ticket {
   public:
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    // Stopped by the caller's own token, by Cancel, or by Close.
    std::stop_token stop() const { return source_.get_token(); }

   private:
    friend class JobBoard;
    Ticket(JobBoard* board, JobKind kind, std::stop_token caller_stop);
    JobBoard* const board_;
    const JobKind kind_;
    std::stop_source source_;
    std::stop_callback<std::function<void()>> forward_;
  };

  explicit JobBoard(Clock* clock) : clock_(clock) {}

  // kBusy names the job that is in the way and since when it runs;
  // kCancelled once closed, and where a wait was ended by the caller's stop,
  // CancelAndWait or Close.
  Result<std::unique_ptr<Ticket>> Begin(JobKind kind,
                                        std::stop_token caller_stop,
                                        const Patience& patience = {});
  // As Begin, once a running job of the kind `other` was stopped and has ended.
  Result<std::unique_ptr<Ticket>> BeginInsteadOf(JobKind other, JobKind kind,
                                                 std::stop_token caller_stop);
  // Ok, or what BeginInsteadOf would return now.
  Status JudgeInsteadOf(JobKind other, JobKind kind) const;
  // Stops the running job of that kind, if any, and waits for its end. Those
  // that wait to begin one of that kind do not begin it, unless they wait for a
  // restore.
  void CancelAndWait(JobKind kind);
  // No job begins any more; running ones are stopped and waited for, and so is
  // whoever waits in Begin.
  void Close();
  // How many callers wait in Begin.
  int Waiting() const;
  // The most intrusive running job: "restore", …; empty if none.
  std::string Running() const;

 private:
  struct Slot {
    Ticket* ticket = nullptr;
    Time since;
  };

  // The running job that `kind` may not run beside; null: none.
  const Slot* InTheWay(JobKind kind, JobKind* other,
                       std::optional<JobKind> spared = std::nullopt) const
      REQUIRES_LOCK(mutex_);
  Status Wait(JobKind kind, const std::stop_token& stop,
              const Patience& patience) REQUIRES_LOCK(mutex_);
  Result<std::unique_ptr<Ticket>> BeginLocked(JobKind kind,
                                              std::stop_token caller_stop)
      REQUIRES_LOCK(mutex_);

  // kBusy, kCancelled; a job of the kind `spared` is not in the way.
  Status JudgeLocked(JobKind kind, std::optional<JobKind> spared) const
      REQUIRES_LOCK(mutex_);

  Clock* const clock_;
  mutable Mutex mutex_;
  CondVar ended_;
  std::array<Slot, kJobKinds> slots_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  int waiting_ GUARDED_BY(mutex_) = 0;
  // How often waits for each kind were ended.
  std::array<uint64_t, kJobKinds> ended_waits_ GUARDED_BY(mutex_) = {};
};

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_JOBS_H_
