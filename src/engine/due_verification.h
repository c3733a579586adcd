// The verification of the backups that have waited longest for one: a schedule
// begins it, a budget of bytes a day limits it.

#ifndef LEVELKEEP_ENGINE_DUE_VERIFICATION_H_
#define LEVELKEEP_ENGINE_DUE_VERIFICATION_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/work.h"
#include "catalog/listing.h"
#include "engine/engine.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The outcome of one run. Value type.
struct DueReport {
  uint64_t sound = 0;
  std::vector<std::string> damaged;      // names
  std::vector<std::string> not_checked;  // names
  Status first_not_checked;
  // Backups for which the budget has no bytes yet, and the first of them.
  uint64_t waiting = 0;
  std::string first_waiting;

  // kCorruption names the damaged backups; else why one could not be checked.
  Status status() const;
  // "3 backups are sound; …"
  std::string message() const;
};

// Thread safety: one run at a time.
class DueVerification {
 public:
  // The objects must outlive this one.
  DueVerification(Engine* engine, FileSystem* fs, Clock* clock)
      : engine_(engine), fs_(fs), clock_(clock) {}

  // Verifies in full, one after the other: the backups that never were, oldest
  // first, then those whose last full verification is the oldest. Not those
  // that were verified in full at or after `since`, so that a run that was
  // interrupted goes on where it was; nor damaged ones. Ends when no backup is
  // left or VERIFY_BUDGET has no bytes for the next one. kBusy, kCancelled: the
  // run did not come to its end.
  Result<DueReport> Run(Time since, const Work& work);
  // False: Run would do nothing.
  bool HasWork(Time since);

 private:
  using Entries = std::vector<Listing::Entry>;
  Result<Entries> FindDue(Time since, const std::set<std::string>& tried);
  Status VerifyOne(const CatalogEntry& backup, const Work& work,
                   DueReport* report);

  Engine* const engine_;
  FileSystem* const fs_;
  Clock* const clock_;
};

// Bytes that verifications may read: VERIFY_BUDGET for each day since the last
// look, and never more than one day's, or the one backup that needs more. The
// account is a file, so that restarts change nothing.
// Thread safety: one thread; of several processes, the last one wins.
class VerifyBudget {
 public:
  // `path`: of the account.
  VerifyBudget(FileSystem* fs, Clock* clock, std::string path)
      : fs_(fs), clock_(clock), path_(std::move(path)) {}

  // True: the bytes are taken from the account, durably. 0 a day: no limit.
  Result<bool> Take(uint64_t bytes, uint64_t bytes_per_day);
  // Gives bytes back that were taken and not read.
  void GiveBack(uint64_t bytes);

 private:
  struct Account {
    uint64_t bytes = 0;
    Time at;  // of the last look
  };
  std::optional<Account> Load() const;
  Status Store(const Account& account) const;

  FileSystem* const fs_;
  Clock* const clock_;
  const std::string path_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ENGINE_DUE_VERIFICATION_H_
