#include "engine/due_verification.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "base/record.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

namespace {

constexpr char kAccountTitle[] = "levelkeep verify budget 1";
constexpr char kAccount[] = "verify-budget";

std::string Number(uint64_t count, const char* what) {
  return std::to_string(count) + (count == 1 ? " backup " : " backups ") + what;
}

// The time of the last full verification; the epoch: there was none. One that
// is yet to come was made while the clock was wrong, and counts as none.
Time LastProof(const CatalogEntry& backup, Time now) {
  const bool counts =
      backup.verified_in_full() && backup.verification->at <= now;
  return counts ? backup.verification->at : Time();
}

// Passes the progress of one part on as that of the whole.
Work PartOf(const Work& whole, uint64_t before, uint64_t total) {
  Work part = whole;
  part.progress = nullptr;
  part.bytes = [report = whole, before, total](uint64_t done, uint64_t) {
    report.Report(std::min(before + done, total), total);
  };
  return part;
}

uint64_t SizeOf(const std::vector<Listing::Entry>& backups) {
  return std::accumulate(backups.begin(), backups.end(), uint64_t{0},
                         [](uint64_t sum, const Listing::Entry& backup) {
                           return sum + backup->size_bytes;
                         });
}

}  // namespace

Status DueReport::status() const {
  if (!damaged.empty()) {
    return Status(StatusCode::kCorruption,
                  std::to_string(damaged.size()) + " of " +
                      std::to_string(sound + damaged.size()) +
                      " verified backups are damaged: " + Join(damaged, ", "),
                  "make a new one: levelkeep create; see levelkeep list");
  }
  return first_not_checked;
}

std::string DueReport::message() const {
  std::string text = Number(sound, sound == 1 ? "is sound" : "are sound");
  if (waiting > 0) {
    text += "; " + Number(waiting, waiting == 1 ? "waits" : "wait") +
            ", because VERIFY_BUDGET is used up: " + first_waiting +
            " is the next one";
  }
  return text;
}

// 1. which backup is the next one?   2. does the budget allow it?   3. verify
// it; the catalog has the verdict, also after a restart   4. the next one
Result<DueReport> DueVerification::Run(Time since, const Work& work) {
  DueReport report;
  std::set<std::string> tried;
  uint64_t done = 0, total = 0;
  for (;;) {
    LEVELKEEP_ASSIGN_OR_RETURN(const Entries due, FindDue(since, tried));
    if (due.empty()) return report;
    total = std::max(total, done + SizeOf(due));
    const CatalogEntry& next = *due.front();
    tried.insert(next.name);
    const uint64_t bytes = next.size_bytes;
    VerifyBudget budget(
        fs_, clock_, JoinPath(ParentPath(engine_->JobsFolder(next)), kAccount));
    LEVELKEEP_ASSIGN_OR_RETURN(
        const bool allowed,
        budget.Take(bytes, engine_->options().verification.budget));
    if (!allowed) {
      report.waiting = due.size();
      report.first_waiting = next.name;
      return report;
    }
    const Status ended = VerifyOne(next, PartOf(work, done, total), &report);
    if (!ended.ok()) {
      budget.GiveBack(bytes);
      return ended;
    }
    done += bytes;
  }
}

// Only what ends the whole run is an error.
Status DueVerification::VerifyOne(const CatalogEntry& backup, const Work& work,
                                  DueReport* report) {
  const Status status =
      engine_->Verify(FoundBackup{backup}, VerifyDepth::kFull, work).status();
  switch (status.code()) {
    case StatusCode::kOk:
      ++report->sound;
      return Status::Ok();
    case StatusCode::kCorruption:
      LogError(kEngineLogTag, "verification failed: " + status.ToString());
      report->damaged.push_back(backup.name);
      return Status::Ok();
    case StatusCode::kBusy:
    case StatusCode::kCancelled:
      return status;
    default:
      break;
  }
  if (engine_->Find(backup.name).status().code() == StatusCode::kNotFound) {
    return Status::Ok();  // rotated away meanwhile
  }
  LogWarn(kEngineLogTag, backup.name + ": not verified: " + status.ToString());
  if (report->not_checked.empty()) {
    report->first_not_checked = status.WithContext(backup.name);
  }
  report->not_checked.push_back(backup.name);
  return Status::Ok();
}

bool DueVerification::HasWork(Time since) {
  const auto due = FindDue(since, {});
  return !due.ok() || !due->empty();
}

// A backup that could not be checked a moment ago rests first.
Result<DueVerification::Entries> DueVerification::FindDue(
    Time since, const std::set<std::string>& tried) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto listing, engine_->ListRecentEntries());
  const Time now = clock_->Now() + RetentionPolicy::kClockTolerance;
  Entries due;
  for (const Listing::Entry& entry : listing->entries()) {
    const bool ours =
        entry->manifest && entry->is_local() && !listing->IsOther(*entry);
    if (!ours || entry->damaged() || tried.contains(entry->name)) continue;
    if (LastProof(*entry, now) >= since) continue;
    if (engine_->RestBeforeRecheck(*entry).count() > 0) continue;
    due.push_back(entry);
  }
  std::ranges::sort(due, {}, [&](const Listing::Entry& entry) {
    return std::tuple(LastProof(*entry, now), entry->created(), entry->name);
  });
  return due;
}

// --- the budget

// Nothing: there is no account, or it is damaged.
std::optional<VerifyBudget::Account> VerifyBudget::Load() const {
  const auto record = LoadRecord(fs_, path_, kAccountTitle);
  if (!record.ok()) return std::nullopt;
  const auto at = ParseTime(record->Get("at"));
  if (!at.ok()) return std::nullopt;
  return Account{record->GetNumber("bytes"), *at};
}

Status VerifyBudget::Store(const Account& account) const {
  Record record;
  record.SetNumber("bytes", account.bytes);
  record.Set("at", FormatTime(account.at));
  return StoreRecord(fs_, path_, kAccountTitle, record);
}

// The first run has a whole day's bytes. A clock that was set back adds none.
Result<bool> VerifyBudget::Take(uint64_t bytes, uint64_t bytes_per_day) {
  constexpr double kDay = 86'400;
  if (bytes_per_day == 0) return true;
  const Time now = clock_->Now();
  const Account account = Load().value_or(Account{bytes_per_day, now});
  const double days =
      std::chrono::duration<double>(now - account.at).count() / kDay;
  const double saved = static_cast<double>(account.bytes) +
                       std::max(days, 0.0) * static_cast<double>(bytes_per_day);
  const uint64_t most = std::max(bytes, bytes_per_day);
  const uint64_t have =
      saved >= static_cast<double>(most) ? most : static_cast<uint64_t>(saved);
  const bool enough = have >= bytes;
  LEVELKEEP_RETURN_IF_ERROR(Store({enough ? have - bytes : have, now}));
  return enough;
}

// Without an account there is no budget. A failure costs the bytes.
void VerifyBudget::GiveBack(uint64_t bytes) {
  const auto account = Load();
  if (account) (void)Store({account->bytes + bytes, account->at});
}

}  // namespace levelkeep
