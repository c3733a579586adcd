#include <algorithm>
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
constexpr char kTryAnother[] =
    "use another backup, or touch this file: then it is tried again";

// Cuts the path off the message; the report names the file already.
Status WithoutPath(const Status& problem, const std::string& path) {
  const std::string prefix = path + ": ";
  if (!problem.message().starts_with(prefix)) return problem;
  return Status(problem.code(), problem.message().substr(prefix.size()),
                problem.hint());
}

std::string NameAll(const std::vector<OpenDrop>& drops) {
  std::vector<std::string> names;
  names.reserve(drops.size());
  for (const OpenDrop& open : drops) {
    names.push_back(Printable(open.drop.name));
  }
  return Join(names, ", ");
}

const Manifest* ManifestOf(const OpenDrop& open) {
  return open.reader->outline().manifest.get();
}

// REQUIRES: all drops have a manifest.
std::vector<OpenDrop> SortNewestFirst(std::vector<OpenDrop> drops) {
  std::vector<OrderKey> keys;
  keys.reserve(drops.size());
  for (const OpenDrop& open : drops) {
    // The name of a dropped file need not be a backup's name.
    keys.emplace_back(*ManifestOf(open), 0, open.drop.name);
  }
  std::vector<OpenDrop> sorted;
  sorted.reserve(drops.size());
  for (const size_t i : NewestFirst(keys)) {
    sorted.push_back(std::move(drops[i]));
  }
  return sorted;
}

// Sorts the drops: the first is to be applied, the others are older.
// `requested` goes first, wherever it is. If the drops can't be ordered, `why`
// says so. REQUIRES: each drop has a reader.
std::vector<OpenDrop> OrderDrops(std::vector<OpenDrop> drops,
                                 const std::optional<DropIdentity>& requested,
                                 std::string* why) {
  const auto is_requested = [&](const OpenDrop& open) {
    return requested.has_value() && open.drop.LooksLike(*requested);
  };
  const bool has_request = std::ranges::any_of(drops, is_requested);
  const bool comparable = std::ranges::all_of(drops, [&](const auto& open) {
    const Manifest* const manifest = ManifestOf(open);
    const Manifest* const first = ManifestOf(drops.front());
    return manifest != nullptr && first != nullptr &&
           manifest->db_name == first->db_name;
  });
  if (drops.size() > 1 && !comparable && !has_request) {
    *why =
        "several archives are there, and it is not clear which one to "
        "restore: " +
        NameAll(drops);
    return drops;
  }
  if (comparable) drops = SortNewestFirst(std::move(drops));
  std::stable_partition(drops.begin(), drops.end(), is_requested);
  return drops;
}

// One start's work on the drop folder.
class DropRun {
 public:
  DropRun(const RestoreContext& context, BadDrops bad_drops,
          std::stop_token stop)
      : context_(context), bad_drops_(bad_drops), stop_(std::move(stop)) {}

  Result<DropOutcome> Run() {
    LEVELKEEP_ASSIGN_OR_RETURN(const SettledDrops settled,
                               WaitUntilSettled(context_, stop_));
    outcome_.others = settled.scan.others;
    if (!outcome_.others.empty()) {
      LogWarn(kRestoreLogTag,
              NamesOf(outcome_.others) + " in " + context_.options.restore_dir +
                  " is left alone: only files named *.tar.gz or "
                  "*.tgz are restored");
    }
    // With a database in place, links and folders do not stop the start.
    if (BadOnesStay()) LeaveUnusable(settled.scan);
    LEVELKEEP_RETURN_IF_ERROR(Handle(settled));
    if (bad_drops_ == BadDrops::kMoveAside) LeaveUnusable(settled.scan);
    return std::move(outcome_);
  }

 private:
  // A drop that stays may be the wanted one, so that no other is applied then.
  Status Handle(const SettledDrops& settled) {
    const std::vector<std::string>& growing = settled.growing;
    for (const DropIdentity& drop : settled.scan.archives) {
      if (std::ranges::find(growing, drop.name) != growing.end()) {
        Leave(drop, ExplainIncomplete(drop.name));
      }
    }
    if (!outcome_.left.empty()) return Status::Ok();
    if (settled.scan.archives.empty()) {
      // A crash may have come between the last move and the end of the attempt.
      return ForgetAttempts(context_);
    }
    LEVELKEEP_ASSIGN_OR_RETURN(history_, LoadDropHistory(context_));
    for (const DropIdentity& drop : settled.scan.archives) {
      LEVELKEEP_RETURN_IF_ERROR(Consider(drop));
    }
    if (!outcome_.left.empty()) return Status::Ok();
    std::optional<DropIdentity> requested;
    const auto request = LoadDropRequest(context_);
    if (request.ok()) requested = *request;
    std::string why;
    drops_ = OrderDrops(std::move(drops_), requested, &why);
    if (why.empty()) return ApplyFirst();
    for (const OpenDrop& open : drops_) {
      Leave(open.drop, {open.drop.name, why, "leave only one of them"});
    }
    return Status::Ok();
  }

  // Skips a drop that was handled before, crashed too often, or is bad.
  Status Consider(const DropIdentity& drop) {
    auto opened = OpenDropFile(context_, drop.name);
    if (opened.status().code() == StatusCode::kNotFound) return Status::Ok();
    if (!opened.ok()) return Judge({drop, nullptr, nullptr}, opened.status());
    OpenDrop& open = *opened;
    if (!open.drop.LooksLike(drop)) {
      Leave(drop, ExplainIncomplete(drop.name));
      return Status::Ok();
    }
    auto reader =
        ArchiveReader::Open(context_.fs, context_.InDrop(drop.name), open.file);
    if (reader.ok()) open.reader = std::move(*reader);
    LEVELKEEP_ASSIGN_OR_RETURN(const auto known, FindKnown(open));
    if (known) return HandleKnown(drop, *known);
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t attempts,
                               CountAttempts(context_, drop));
    if (attempts >= kMaxAttempts) {
      return Reject(drop,
                    "the start ended unexpectedly each of the " +
                        std::to_string(attempts) + " times it was tried",
                    kTryAnother);
    }
    if (!reader.ok()) return Judge(open, reader.status());
    const Status same = CheckDigests(context_, open, stop_);
    if (!same.ok()) return Judge(open, same);
    drops_.push_back(std::move(open));
    return Status::Ok();
  }

  // The entry of an earlier start that forbids trying the drop again.
  Result<std::optional<DropEntry>> FindKnown(const OpenDrop& open) {
    auto known = FindDropEntry(context_, history_, open.drop);
    if (!known || known->sha256.empty()) return known;
    if (open.reader == nullptr) return std::optional<DropEntry>();
    LEVELKEEP_ASSIGN_OR_RETURN(const std::string sha256,
                               open.reader->Sha256(stop_));
    return sha256 == known->sha256 ? known : std::nullopt;
  }

  Status HandleKnown(const DropIdentity& drop, const DropEntry& entry) {
    if (entry.verdict == DropVerdict::kRejected) {
      return Reject(drop, entry.reason);
    }
    const std::string why =
        "it was applied before (" + entry.when + ") and is not applied again";
    const std::string hint = "to restore it again, touch it or name it";
    if (BadOnesStay()) {
      Leave(drop, {drop.name, why, hint});
      return Status::Ok();
    }
    LogWarn(kRestoreLogTag, Printable(drop.name) + ": " + why + "; " + hint);
    outcome_.skipped.push_back(drop.name);
    return FinishDrop(context_, drop, entry.sha256, DropVerdict::kApplied, "");
  }

  Status ApplyFirst() {
    for (const OpenDrop& open : drops_) {
      if (!outcome_.applied) {
        LEVELKEEP_RETURN_IF_ERROR(TryOne(open));
        // A drop that stays may be the wanted one: an older one must not win.
        if (!outcome_.left.empty()) return Status::Ok();
        continue;
      }
      LEVELKEEP_RETURN_IF_ERROR(
          Reject(open.drop,
                 Printable(outcome_.applied->archive_name) +
                     " was applied instead; this one is older, or it was not "
                     "the one asked for last",
                 "to restore this one, drop it alone"));
    }
    return Status::Ok();
  }

  // Sets outcome_.applied on success. A bad archive is not an error.
  Status TryOne(const OpenDrop& open) {
    const DropIdentity& drop = open.drop;
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t attempts,
                               CountAttempts(context_, drop));
    LEVELKEEP_RETURN_IF_ERROR(NoteAttempt(context_, drop, attempts + 1));
    // If we die here: the next starts try the drop again, up to kMaxAttempts.
    RestoreSource source(context_.InDrop(drop.name));
    source.reader = open.reader.get();
    Work work{stop_, nullptr};
    if (context_.options.drop_progress) {
      work.progress = [&](double fraction) {
        context_.options.drop_progress(drop.name, fraction);
      };
      work.progress(0);
    }
    auto staged = StageArchive(context_, source, work);
    if (!staged.ok()) return Judge(open, staged.status());
    auto outcome = ApplyStaged(context_, *staged, drop);
    if (outcome.ok()) {
      outcome_.applied = std::move(*outcome);
      return Status::Ok();
    }
    if (LoadJournal(context_).status().code() != StatusCode::kNotFound) {
      return outcome.status();  // the next start has to settle it
    }
    // Either no exchange began, or RollBack has removed the staged database.
    (void)Discard(context_, BaseName(staged->directory));
    return Judge(open, outcome.status());
  }

  // Handles a failure of this archive: rejects it, or leaves it and says why.
  Status Judge(const OpenDrop& open, const Status& problem) {
    const DropIdentity& drop = open.drop;
    const Status failure = WithoutPath(problem, context_.InDrop(drop.name));
    const bool fault = IsArchiveFault(failure.code());
    LEVELKEEP_RETURN_IF_ERROR(ForgetAttempts(context_));
    if (fault && open.file != nullptr && IsIncomplete(open)) {
      Leave(drop, ExplainIncomplete(drop.name, failure.message()));
      return Status::Ok();
    }
    switch (failure.code()) {
      case StatusCode::kNotFound:
      case StatusCode::kNoSpace:
      case StatusCode::kPermissionDenied:
      case StatusCode::kUnsupported:  // by this version or this application
      case StatusCode::kNotChecked:
        Leave(drop, ExplainFailure(context_, drop.name, failure));
        return Status::Ok();
      default:
        break;
    }
    if (fault) return Reject(drop, failure.message(), failure.hint());
    return failure.WithContext(Printable(drop.name));
  }

  // Records no digest, which would cost a read of the whole file: name, size
  // and time identify the drop.
  Status Reject(const DropIdentity& drop, const std::string& reason,
                const std::string& advice = "") {
    if (BadOnesStay()) {
      Leave(drop, {drop.name, reason, advice.empty() ? kTryAnother : advice});
      return Status::Ok();
    }
    LogWarn(kRestoreLogTag,
            Printable(drop.name) + " is not restored: " + reason);
    LEVELKEEP_RETURN_IF_ERROR(
        FinishDrop(context_, drop, "", DropVerdict::kRejected, reason, advice));
    LEVELKEEP_ASSIGN_OR_RETURN(const std::string path,
                               FindRejected(context_, drop));
    outcome_.rejected.push_back({drop.name, reason, path});
    return Status::Ok();
  }

  void Leave(const DropIdentity& drop, const UnrestoredDrop& why) {
    const std::string sentence = ToSentence(why);
    LogWarn(kRestoreLogTag,
            context_.options.restore_dir +
                " holds a file that is not restored: " + sentence);
    if (!outcome_.refused.empty()) outcome_.refused += "; ";
    outcome_.refused += sentence;
    outcome_.left.push_back({drop, why});
  }

  void LeaveUnusable(const DropScan& scan) {
    for (const LeftDrop& drop : scan.unusable) Leave(drop.drop, drop.why);
  }

  // True if there is no database yet: an empty one would be wrong.
  bool BadOnesStay() const {
    return bad_drops_ == BadDrops::kStay && !outcome_.applied;
  }

  const RestoreContext& context_;
  const BadDrops bad_drops_;
  const std::stop_token stop_;
  std::vector<DropEntry> history_;
  std::vector<OpenDrop> drops_;
  DropOutcome outcome_;
};

// Removes an archive name that a copy had claimed: an empty file beside the
// copy's part. Without a part, an empty archive is a drop like any other.
Status SweepClaims(const RestoreContext& context,
                   const std::vector<std::string>& names,
                   std::vector<std::string>* swept) {
  if (std::ranges::none_of(names, IsPartName)) return Status::Ok();
  bool removed = false;
  for (const std::string& name : names) {
    if (!IsDropName(name)) continue;
    const std::string path = context.InDrop(name);
    const auto info = context.fs->Stat(path);
    if (!info.ok() || !IsClaim(*info)) continue;
    LEVELKEEP_RETURN_IF_ERROR(context.fs->RemoveFile(path));
    swept->push_back(path);
    removed = true;
  }
  // Durable before the parts are removed, because only they identify claims.
  return removed ? context.fs->SyncDirectory(context.options.restore_dir)
                 : Status::Ok();
}

}  // namespace

Result<DropOutcome> ApplyDropFolder(const RestoreContext& context,
                                    BadDrops bad_drops, std::stop_token stop) {
  return DropRun(context, bad_drops, std::move(stop)).Run();
}

Status SweepDropFolder(const RestoreContext& context,
                       std::vector<std::string>* swept) {
  // Removes hidden parts of copies, and half-written notes of moved drops.
  for (const std::string& folder :
       {context.options.restore_dir, context.applied_dir(),
        context.rejected_dir()}) {
    const auto names = context.fs->List(folder);
    if (names.status().code() == StatusCode::kNotFound) continue;
    if (!names.ok()) return names.status();
    if (folder == context.options.restore_dir) {
      LEVELKEEP_RETURN_IF_ERROR(SweepClaims(context, *names, swept));
    }
    for (const std::string& name : *names) {
      if (!IsTemporaryName(name)) continue;
      const std::string path = JoinPath(folder, name);
      if (context.fs->RemoveFile(path).ok()) swept->push_back(path);
    }
  }
  return Status::Ok();
}

}  // namespace levelkeep
