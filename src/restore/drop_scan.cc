// Finding, awaiting and ordering what lies in restore/, and putting a copy
// there.

#include <algorithm>
#include <array>
#include <chrono>

#include "base/new_name.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "format/backup_order.h"
#include "restore/drop_folder.h"
#include "restore/drop_history.h"

namespace levelkeep {
namespace {

constexpr std::string_view kArchiveSuffix = ".tar.gz";
// What people drop in the belief that it will be restored.
constexpr std::array<std::string_view, 12> kLookAlikes = {
    ".tgz", ".tar", ".zip", ".gz",  ".bz2", ".xz",
    ".zst", ".7z",  ".rar", ".ldb", ".gpg", ".age"};

bool SameDrops(const DropScan& a, const DropScan& b) {
  return std::equal(a.archives.begin(), a.archives.end(), b.archives.begin(),
                    b.archives.end(),
                    [](const DropIdentity& x, const DropIdentity& y) {
                      return x.LooksLike(y);
                    });
}

// Names of archives that are not in both scans unchanged.
std::vector<std::string> ChangedNames(const DropScan& before,
                                      const DropScan& after) {
  std::vector<std::string> names;
  for (const DropIdentity& drop : after.archives) {
    const bool same =
        std::any_of(before.archives.begin(), before.archives.end(),
                    [&](const DropIdentity& b) { return b.LooksLike(drop); });
    if (!same) names.push_back(drop.name);
  }
  return names;
}

bool LooksLikeArchive(const std::string& name) {
  return std::any_of(
      kLookAlikes.begin(), kLookAlikes.end(),
      [&](std::string_view suffix) { return name.ends_with(suffix); });
}

std::string NameAll(const std::vector<DropCandidate>& candidates) {
  std::vector<std::string> names;
  names.reserve(candidates.size());
  for (const DropCandidate& candidate : candidates) {
    names.push_back(Printable(candidate.drop.name));
  }
  return Join(names, ", ");
}

Result<DropIdentity> CopyUnderFreeName(const RestoreContext& context,
                                       const std::string& part,
                                       const std::string& name) {
  const std::string stem =
      name.ends_with(kArchiveSuffix)
          ? name.substr(0, name.size() - kArchiveSuffix.size())
          : name;
  for (int number = 1; number <= 1000; ++number) {
    const std::string target =
        number == 1 ? stem : stem + "-" + std::to_string(number);
    const std::string final_name = target + std::string(kArchiveSuffix);
    const Status moved =
        MoveToNewName(context.fs, part, context.InDrop(final_name));
    if (moved.code() == StatusCode::kAlreadyExists) continue;
    LEVELKEEP_RETURN_IF_ERROR(moved);
    LEVELKEEP_RETURN_IF_ERROR(
        context.fs->SyncDirectory(context.options.restore_dir));
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info,
                               context.fs->Stat(context.InDrop(final_name)));
    return IdentifyDrop(final_name, info);
  }
  return Status(
      StatusCode::kAlreadyExists,
      context.options.restore_dir + " holds too many copies of " + name,
      "remove them or restart to have one applied");
}

Status CopyDurably(FileSystem* fs, const std::string& source_path,
                   const std::string& target_path) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto source,
                             fs->Open(source_path, OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, source->Stat());
  LEVELKEEP_ASSIGN_OR_RETURN(const auto target,
                             fs->Open(target_path, OpenMode::kCreateNew));
  LEVELKEEP_RETURN_IF_ERROR(
      source->CopyRangeTo(target.get(), 0, info.size_bytes));
  LEVELKEEP_RETURN_IF_ERROR(target->Sync());
  return target->Close();
}

Status CheckSpaceForCopy(const RestoreContext& context,
                         const std::string& archive_path) {
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info,
                             context.fs->Stat(archive_path));
  LEVELKEEP_ASSIGN_OR_RETURN(
      const uint64_t free, context.fs->FreeSpace(context.options.restore_dir));
  const uint64_t reserve = context.options.reserve_bytes;
  if (free >= reserve && free - reserve >= info.size_bytes) {
    return Status::Ok();
  }
  return Status(StatusCode::kNoSpace,
                "a copy of " + archive_path + " needs " +
                    FormatBytes(info.size_bytes) + " and " +
                    FormatBytes(reserve) + " must stay free, but " +
                    context.options.restore_dir + " has only " +
                    FormatBytes(free) + " left",
                "free some space or lower BACKUP_RESERVE");
}

// REQUIRES: all have a manifest.
std::vector<DropCandidate> SortNewestFirst(
    std::vector<DropCandidate> candidates) {
  std::vector<OrderKey> keys;
  keys.reserve(candidates.size());
  for (const DropCandidate& candidate : candidates) {
    // What somebody dropped need not have a name of ours.
    keys.emplace_back(*candidate.outline.manifest, 0, candidate.drop.name);
  }
  std::vector<DropCandidate> sorted;
  sorted.reserve(candidates.size());
  for (const size_t i : NewestFirst(keys)) {
    sorted.push_back(std::move(candidates[i]));
  }
  return sorted;
}

}  // namespace

Result<DropScan> ScanDropFolder(const RestoreContext& context) {
  DropScan scan;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names,
                             context.fs->List(context.options.restore_dir));
  for (const std::string& name : names) {
    if (name.front() == '.' || name.ends_with(kPartSuffix)) continue;
    const bool is_archive = name.ends_with(kArchiveSuffix);
    if (!is_archive && !LooksLikeArchive(name)) continue;
    const auto info = context.fs->Stat(context.InDrop(name));
    if (info.status().code() == StatusCode::kNotFound) continue;
    if (!info.ok()) return info.status();
    if (is_archive && info->type == FileType::kRegular) {
      scan.archives.push_back(IdentifyDrop(name, *info));
    } else {
      scan.ignored.push_back(name);
    }
  }
  return scan;
}

Result<SettledDrops> WaitUntilSettled(const RestoreContext& context,
                                      std::stop_token stop) {
  SettledDrops settled;
  LEVELKEEP_ASSIGN_OR_RETURN(settled.scan, ScanDropFolder(context));
  const auto start = context.clock->SteadyNow();
  while (!settled.scan.archives.empty()) {
    if (!context.clock->SleepFor(context.options.settle_time, stop)) {
      return Status(
          StatusCode::kCancelled,
          "stopped while waiting for files in " + context.options.restore_dir);
    }
    LEVELKEEP_ASSIGN_OR_RETURN(DropScan now, ScanDropFolder(context));
    if (SameDrops(settled.scan, now)) break;
    settled.growing = ChangedNames(settled.scan, now);
    settled.scan = std::move(now);
    if (context.clock->SteadyNow() - start >= context.options.settle_limit) {
      return settled;
    }
  }
  settled.growing.clear();
  return settled;
}

std::vector<DropCandidate> OrderCandidates(
    std::vector<DropCandidate> candidates,
    const std::optional<DropIdentity>& requested, std::string* why) {
  const auto is_requested = [&](const DropCandidate& candidate) {
    return requested.has_value() && candidate.drop.LooksLike(*requested);
  };
  const bool has_request =
      std::any_of(candidates.begin(), candidates.end(), is_requested);
  bool comparable = true;
  for (const DropCandidate& candidate : candidates) {
    const auto& manifest = candidate.outline.manifest;
    const auto& first = candidates.front().outline.manifest;
    if (manifest == nullptr || first == nullptr ||
        manifest->db_name != first->db_name) {
      comparable = false;
    }
  }
  if (candidates.size() > 1 && !comparable && !has_request) {
    *why =
        "several archives lie there and it can't be told which one is "
        "meant: " +
        NameAll(candidates) + "; leave only one of them";
    return {};
  }
  if (comparable) candidates = SortNewestFirst(std::move(candidates));
  std::stable_partition(candidates.begin(), candidates.end(), is_requested);
  return candidates;
}

Status Restorer::StageForRestart(const std::string& archive_path) {
  const RestoreContext& context = context_;
  FileSystem* const fs = context.fs;
  LEVELKEEP_RETURN_IF_ERROR(CheckSpaceForCopy(context, archive_path));
  const std::string part = context.InDrop(NewTemporaryName(kPartSuffix));
  Status copied = CopyDurably(fs, archive_path, part);
  // If we die here: a hidden part, swept at the next start.
  if (copied.ok()) {
    const auto drop = CopyUnderFreeName(context, part, BaseName(archive_path));
    // If we die here: the copy lies there like one that a person dropped.
    if (drop.ok()) return StoreDropRequest(context, *drop);
    copied = drop.status();
  }
  (void)fs->RemoveFile(part);  // best effort: swept otherwise
  return copied;
}

namespace {

// A copy that was about to get its name is still the part beside it. Without
// a part, an empty archive is somebody's, and dropped like any other.
Status SweepClaims(const RestoreContext& context,
                   const std::vector<std::string>& names,
                   std::vector<std::string>* swept) {
  if (std::none_of(names.begin(), names.end(), IsPartName)) {
    return Status::Ok();
  }
  bool removed = false;
  for (const std::string& name : names) {
    if (!name.ends_with(kArchiveSuffix)) continue;
    const std::string path = context.InDrop(name);
    const auto info = context.fs->Stat(path);
    if (!info.ok() || !IsClaim(*info)) continue;
    LEVELKEEP_RETURN_IF_ERROR(context.fs->RemoveFile(path));
    swept->push_back(path);
    removed = true;
  }
  // Before the part goes, which is what tells.
  return removed ? context.fs->SyncDirectory(context.options.restore_dir)
                 : Status::Ok();
}

}  // namespace

Status SweepDropFolder(const RestoreContext& context,
                       std::vector<std::string>* swept) {
  // Hidden parts of copies, and half-written notes beside what was moved.
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
