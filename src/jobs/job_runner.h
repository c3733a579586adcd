// Runs jobs: as many at once as the table in job.h allows, the others in a
// queue; tells listeners; keeps records in a JobStore.
//
// Two ways to run one. Run works on the caller's thread and returns what came
// of the job: for a caller that waits. Submit returns at once; a thread of the
// runner's works, and the job survives a restart (SurvivesRestart).
//
// A record is written when a job begins and when it ends, and of a submitted
// one when it has to wait. What was refused before it began leaves none.

#ifndef LEVELKEEP_JOBS_JOB_RUNNER_H_
#define LEVELKEEP_JOBS_JOB_RUNNER_H_

#include <any>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/work.h"
#include "jobs/job_store.h"
#include "jobs/schedule.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

// What a handler is given.
struct JobRun {
  const JobRequest& request;
  uint64_t attempt = 1;
  // With `commit`, which a restore calls before it exchanges the database: from
  // then on nobody can cancel the job.
  Work work;
  // How much of the caller's patience is left, for other processes.
  std::chrono::milliseconds patience{0};
  // Another job stopped this one, and the runner begins it again later.
  std::function<bool()> is_displaced;
};

// What came of one attempt.
struct JobOutcome {
  Status status;
  std::string message = {};  // what was done, of a success
  std::map<std::string, std::string> result = {};  // see Job
  std::any value = {};                             // for the caller of Run
  // The job is tried again so much later (a submitted one only).
  std::optional<std::chrono::milliseconds> again = {};
  // The attempt was none: another process was in the way.
  bool postponed = false;
};

// What does the jobs of one type.
// Thread safety: both are called by several threads, as the table allows.
struct JobHandler {
  std::function<JobOutcome(const JobRun& run)> run;
  // Asked before a submitted job begins; false: the job ends without a record.
  // Empty: each is needed.
  std::function<bool(const JobRequest& request)> is_needed = {};
  // Jobs of a lane run one after the other and beside all jobs that are not in
  // it: one lane for each destination, one for notifications, so that a dead
  // one blocks nothing. Empty, or a lane without a name: the table decides.
  std::function<std::string(const JobRequest& request)> lane_of = {};
};

// How the caller of Run waits.
struct JobTerms {
  std::stop_token stop = {};
  std::function<void(double)> progress = {};  // throws nothing
  // For jobs that are in the way, but not for those that this one displaces:
  // these are always waited for.
  std::chrono::milliseconds patience{0};
  // Does not wait where so many callers wait already; 0: however many do.
  int places = 0;
};

// Thread safety: all methods may be called concurrently.
class JobRunner {
 public:
  // The store that remembers a job; null: none does.
  using StoreOf =
      std::function<std::shared_ptr<JobStore>(const JobRequest& request)>;

  // `clock` and what the functions use outlive this object.
  JobRunner(Clock* clock, std::map<JobType, JobHandler> handlers,
            StoreOf store_of);
  ~JobRunner();  // Close
  JobRunner(const JobRunner&) = delete;
  JobRunner& operator=(const JobRunner&) = delete;

  // The outcome, with the job's value. kBusy names the job that is in the way
  // and since when it runs. kCancelled: closed, stopped, or EndWaits.
  JobOutcome Run(const JobRequest& request, const JobTerms& terms);
  template <typename Value>
  Result<Value> RunFor(const JobRequest& request, const JobTerms& terms) {
    JobOutcome outcome = Run(request, terms);
    if (!outcome.status.ok()) return outcome.status;
    return std::any_cast<Value>(std::move(outcome.value));
  }

  struct Submission {
    JobRequest request = {};
    // Where a submitted job with the same request has not ended, that one is
    // meant.
    bool joins = false;
    // Fails where the record can't be written, instead of going without.
    bool must_be_recorded = false;
    std::chrono::milliseconds delay{0};
  };
  Result<std::string> Submit(const Submission& submission);

  // Takes up what a store's dead processes left: what waited is queued, what
  // was interrupted or does not survive a restart is failed.
  void TakeUp(const std::shared_ptr<JobStore>& store);

  // A job of this runner, or of `store_of(JobRequest())`. kNotFound.
  Result<Job> Find(const std::string& id);
  // The same, newest first, at most `limit`.
  Result<std::vector<Job>> List(size_t limit);
  // Returns when the job has ended; kCancelled after a stop.
  Result<Job> Wait(const std::string& id, const std::stop_token& stop);
  // Ends a job that waits; asks one that runs to stop. kBusy: it has exchanged
  // the database, has ended already, or another process runs it.
  Status Cancel(const std::string& id);

  // Submitted jobs of that type do not begin until Release.
  void Hold(JobType type);
  void Release(JobType type);
  // Stops the running job of that type and waits for its end; likewise those
  // that a schedule submitted. The callers of Run that wait to begin one get
  // kCancelled, unless they wait for a restore: it stops what uses the
  // database, and begins it again.
  void CancelAndWait(JobType type);
  // No job begins any more; those that run are asked to stop. What waits to
  // run again stays in the store.
  void StopAll();
  // The same, and waits for their ends.
  void Close();

  // Ok, or what Run would be refused with now.
  Status Judge(JobType type) const;
  // The most intrusive job that runs: kRestore (also an undo), kCreate, kRotate
  // (also a deletion) or kVerify.
  std::optional<JobType> Running() const;
  // How many callers of Run wait for other jobs.
  int Waiting() const;

  // Submits the request at each run of the schedule; the next run counts from
  // the end of the one before. The first one is due after `delay`.
  void SetSchedule(const JobRequest& request,
                   std::unique_ptr<const Schedule> schedule,
                   std::chrono::milliseconds delay);
  // Removes the schedules of that type.
  void ClearSchedules(JobType type);
  // When the next scheduled job is due.
  std::optional<Time> NextRun() const;

  // Called for all jobs from now on. It may call this object.
  void AddListener(JobListener listener);

 private:
  struct Entry;
  struct Timer;
  using EntryPtr = std::shared_ptr<Entry>;

  // --- job_runner.cc
  EntryPtr NewEntry(const JobRequest& request, bool submitted) const;
  std::string LaneOf(const JobRequest& request) const;
  void Enqueue(const EntryPtr& entry) REQUIRES_LOCK(mutex_);
  bool IsReady(const Entry& entry) const REQUIRES_LOCK(mutex_);
  // The running or earlier waiting job that `entry` may not run beside, but for
  // running ones that it displaces.
  const Entry* InTheWay(const Entry& entry) const REQUIRES_LOCK(mutex_);
  bool DisplaceOthers(const Entry& entry) REQUIRES_LOCK(mutex_);
  void Admit() REQUIRES_LOCK(mutex_);
  void Begin(const EntryPtr& entry) REQUIRES_LOCK(mutex_);
  void Advance() REQUIRES_LOCK(mutex_);
  Status AwaitTurn(const EntryPtr& entry, const JobTerms& terms)
      REQUIRES_LOCK(mutex_);
  Status JudgeLocked(const Entry& entry) const REQUIRES_LOCK(mutex_);
  JobOutcome Attempt(const EntryPtr& entry, const JobTerms& terms);
  void Settle(const EntryPtr& entry, JobOutcome outcome);
  bool ComesAgain(Entry* entry, JobOutcome* outcome) REQUIRES_LOCK(mutex_);
  void End(const EntryPtr& entry, const JobOutcome& outcome)
      REQUIRES_LOCK(mutex_);
  void Publish(const EntryPtr& entry);
  Status Record(const EntryPtr& entry);
  void RecordOrWarn(const EntryPtr& entry);
  void Tell(const EntryPtr& entry);
  void Report(const EntryPtr& entry, double fraction);
  bool Commit(const EntryPtr& entry);

  // --- job_queue.cc
  Status Queue(const EntryPtr& entry, bool must_be_recorded);
  EntryPtr FindSubmitted(const JobRequest& request) const REQUIRES_LOCK(mutex_);
  EntryPtr FindEntry(const std::string& id) const REQUIRES_LOCK(mutex_);
  void Withdraw(const EntryPtr& entry) REQUIRES_LOCK(mutex_);
  void PublishEnd(const EntryPtr& entry);
  void TakeUpOne(Job job, const std::shared_ptr<JobStore>& store);
  bool StartThread(std::list<std::jthread>* threads,
                   std::function<void(std::stop_token)> body)
      REQUIRES_LOCK(mutex_);
  void RunInBackground(const EntryPtr& entry);
  void KeepTime(const std::stop_token& stop);
  void RunTimers();
  std::optional<std::chrono::milliseconds> NextDue() const
      REQUIRES_LOCK(mutex_);
  void StartKeeper() REQUIRES_LOCK(mutex_);
  void WakeKeeper() REQUIRES_LOCK(mutex_);
  void JoinEnded();

  Clock* const clock_;
  const std::map<JobType, JobHandler> handlers_;
  const StoreOf store_of_;

  mutable Mutex mutex_;
  CondVar changed_;
  bool closed_ GUARDED_BY(mutex_) = false;
  std::list<EntryPtr> waiting_ GUARDED_BY(mutex_);  // in the order of running
  std::list<EntryPtr> running_ GUARDED_BY(mutex_);
  std::deque<EntryPtr> ended_ GUARDED_BY(mutex_);  // the last ones, for Find
  std::set<JobType> held_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Timer>> timers_ GUARDED_BY(mutex_);
  std::vector<JobListener> listeners_ GUARDED_BY(mutex_);
  int callers_ GUARDED_BY(mutex_) = 0;      // of Run
  bool warned_ GUARDED_BY(mutex_) = false;  // that records can't be written
  std::stop_source wake_ GUARDED_BY(mutex_);
  std::list<std::jthread> keeper_ GUARDED_BY(mutex_);   // of the time; one
  std::list<std::jthread> threads_ GUARDED_BY(mutex_);  // that run jobs
  std::list<std::jthread> ended_threads_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_JOB_RUNNER_H_
