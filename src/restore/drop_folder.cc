#include "restore/drop_folder.h"

#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "restore/apply.h"
#include "restore/drop_history.h"
#include "restore/staging.h"

namespace levelkeep {
namespace {

// The first attempt, and two more after crashes.
constexpr uint64_t kMaxAttempts = 3;

// One start's work on the drop folder.
class DropRun {
 public:
  DropRun(const RestoreContext& context, std::stop_token stop)
      : context_(context), stop_(std::move(stop)) {}

  Result<DropOutcome> Run();

 private:
  // Leaves what was dealt with before, or crashed too often, out.
  Status Consider(const DropIdentity& drop);
  Status HandleKnown(const DropIdentity& drop, const DropEntry& entry);
  Status ApplyFirst(const std::vector<DropCandidate>& candidates);
  // Sets *applied; a bad archive is no error.
  Status TryOne(const DropCandidate& candidate, bool* applied);
  // A failure of this archive: rejects it, or leaves it and says why.
  Status Judge(const DropIdentity& drop, const Status& failure);
  Status Reject(const DropIdentity& drop, const std::string& reason,
                const std::string& advice = "");
  void Refuse(const std::string& text);

  const RestoreContext& context_;
  const std::stop_token stop_;
  std::vector<DropEntry> history_;
  std::vector<DropCandidate> candidates_;
  DropOutcome outcome_;
};

Result<DropOutcome> DropRun::Run() {
  LEVELKEEP_ASSIGN_OR_RETURN(SettledDrops settled,
                             WaitUntilSettled(context_, stop_));
  outcome_.ignored = settled.scan.ignored;
  for (const std::string& name : outcome_.ignored) {
    LogWarn(kRestoreLogTag, Printable(name) + " in " +
                                context_.options.restore_dir +
                                " is left alone: only *.tar.gz files are "
                                "restored");
  }
  if (!settled.growing.empty()) {
    Refuse(
        "still being written: " + Printable(Join(settled.growing, ", "), 400) +
        "; the next start looks again");
    return outcome_;
  }
  if (settled.scan.archives.empty()) {
    // A crash may have come between the move and the end of the attempt.
    LEVELKEEP_RETURN_IF_ERROR(ForgetAttempts(context_));
    return outcome_;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(history_, LoadDropHistory(context_));
  for (const DropIdentity& drop : settled.scan.archives) {
    LEVELKEEP_RETURN_IF_ERROR(Consider(drop));
  }
  // An archive that can't even be looked at may be the one that is meant.
  if (!outcome_.refused.empty()) return outcome_;
  std::optional<DropIdentity> requested;
  const auto request = LoadDropRequest(context_);
  if (request.ok()) requested = *request;
  std::string why;
  const auto ordered = OrderCandidates(std::move(candidates_), requested, &why);
  if (!why.empty()) Refuse(why);
  LEVELKEEP_RETURN_IF_ERROR(ApplyFirst(ordered));
  return outcome_;
}

Status DropRun::Consider(const DropIdentity& drop) {
  auto reader = ArchiveReader::Open(context_.fs, context_.InDrop(drop.name));
  const auto known = FindDropEntry(context_, history_, drop);
  if (known.has_value()) {
    std::string sha256;
    if (reader.ok() && !known->sha256.empty()) {
      LEVELKEEP_ASSIGN_OR_RETURN(sha256, (*reader)->Sha256(stop_));
    }
    if (sha256 == known->sha256) return HandleKnown(drop, *known);
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t attempts,
                             CountAttempts(context_, drop));
  if (attempts >= kMaxAttempts) {
    return Reject(drop, "the start ended unexpectedly each of the " +
                            std::to_string(attempts) + " times it was tried");
  }
  if (!reader.ok()) return Judge(drop, reader.status());
  candidates_.push_back(DropCandidate{drop, (*reader)->outline()});
  return Status::Ok();
}

Status DropRun::HandleKnown(const DropIdentity& drop, const DropEntry& entry) {
  if (entry.verdict == DropVerdict::kRejected) {
    return Reject(drop, entry.reason);
  }
  LogWarn(kRestoreLogTag,
          Printable(drop.name) + " was applied before (" + entry.when +
              ") and is not applied again; touch it, or restore it by name");
  outcome_.skipped.push_back(drop.name);
  return FinishDrop(context_, drop, entry.sha256, DropVerdict::kApplied, "");
}

Status DropRun::ApplyFirst(const std::vector<DropCandidate>& candidates) {
  bool applied = false;
  for (const DropCandidate& candidate : candidates) {
    if (!applied) {
      LEVELKEEP_RETURN_IF_ERROR(TryOne(candidate, &applied));
      // The one that is meant has to wait: an older one must not win.
      if (!outcome_.refused.empty()) return Status::Ok();
      continue;
    }
    LEVELKEEP_RETURN_IF_ERROR(
        Reject(candidate.drop,
               Printable(outcome_.applied->archive_name) +
                   " was applied instead; this one is older, or it was not "
                   "the one asked for last",
               "drop it alone if it is the one that is meant"));
  }
  return Status::Ok();
}

Status DropRun::TryOne(const DropCandidate& candidate, bool* applied) {
  const DropIdentity& drop = candidate.drop;
  LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t attempts,
                             CountAttempts(context_, drop));
  LEVELKEEP_RETURN_IF_ERROR(NoteAttempt(context_, drop, attempts + 1));
  // If we die here: the drop is tried again, a limited number of times.
  auto staged =
      StageArchive(context_, context_.InDrop(drop.name), {stop_, nullptr});
  if (!staged.ok()) return Judge(drop, staged.status());
  auto outcome = ApplyStaged(context_, *staged, drop);
  if (outcome.ok()) {
    *applied = true;
    outcome_.applied = std::move(*outcome);
    return Status::Ok();
  }
  if (LoadJournal(context_).status().code() != StatusCode::kNotFound) {
    return outcome.status();  // the next start has to settle it
  }
  // Nothing was exchanged, or it was taken back; the latter has removed it.
  (void)Discard(context_, BaseName(staged->directory));
  return Judge(drop, outcome.status());
}

Status DropRun::Judge(const DropIdentity& drop, const Status& failure) {
  switch (failure.code()) {
    case StatusCode::kNotFound:
    case StatusCode::kNoSpace:
    case StatusCode::kPermissionDenied:
    case StatusCode::kUnsupported:  // by this version or this application
    case StatusCode::kNotChecked:
      Refuse(Printable(drop.name) + ": " + failure.ToString());
      return ForgetAttempts(context_);
    default:
      break;
  }
  if (IsArchiveFault(failure.code())) {
    return Reject(drop, failure.message(), failure.hint());
  }
  LEVELKEEP_RETURN_IF_ERROR(ForgetAttempts(context_));
  return failure.WithContext(Printable(drop.name));
}

// Its digest is not worth reading all of it: name, size and time will do.
Status DropRun::Reject(const DropIdentity& drop, const std::string& reason,
                       const std::string& advice) {
  LogWarn(kRestoreLogTag, Printable(drop.name) + " is not restored: " + reason);
  outcome_.rejected.push_back({drop.name, reason});
  return FinishDrop(context_, drop, "", DropVerdict::kRejected, reason, advice);
}

void DropRun::Refuse(const std::string& text) {
  LogWarn(kRestoreLogTag, "nothing is restored from " +
                              context_.options.restore_dir + ": " + text);
  if (!outcome_.refused.empty()) outcome_.refused += "; ";
  outcome_.refused += text;
}

}  // namespace

Result<DropOutcome> ApplyDropFolder(const RestoreContext& context,
                                    std::stop_token stop) {
  return DropRun(context, std::move(stop)).Run();
}

}  // namespace levelkeep
