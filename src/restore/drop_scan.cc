#include "restore/drop_scan.h"

#include <algorithm>
#include <array>
#include <utility>

#include "archive/parallel.h"
#include "base/log.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "format/backup_name.h"
#include "restore/drop_history.h"

namespace levelkeep {

namespace {

constexpr std::array<std::string_view, 2> kDropSuffixes = {".tar.gz", ".tgz"};

// Whether one of `drops` looks like `drop`.
bool IsAmong(const std::vector<DropIdentity>& drops, const DropIdentity& drop) {
  return std::ranges::any_of(
      drops, [&](const auto& other) { return other.LooksLike(drop); });
}

bool SameDrops(const DropScan& a, const DropScan& b) {
  return std::ranges::equal(a.archives, b.archives, &DropIdentity::LooksLike);
}

// Names of archives that differ between the two scans.
std::vector<std::string> ChangedNames(const DropScan& before,
                                      const DropScan& after) {
  std::vector<std::string> names;
  for (const DropIdentity& drop : after.archives) {
    if (!IsAmong(before.archives, drop)) names.push_back(drop.name);
  }
  return names;
}

// Archives that a process has open for writing. Unreadable ones fail later.
std::vector<std::string> WrittenNames(const RestoreContext& context,
                                      const DropScan& scan) {
  std::vector<std::string> names;
  for (const DropIdentity& drop : scan.archives) {
    const auto file =
        context.fs->Open(context.InDrop(drop.name), OpenMode::kRead);
    if (file.ok() && (*file)->HasWriter()) names.push_back(drop.name);
  }
  return names;
}

// Whether the entry is one of our folders, or made by the file system itself.
bool BelongsThere(const RestoreContext& context, const std::string& name) {
  const std::string path = context.InDrop(name);
  return path == context.applied_dir() || path == context.rejected_dir() ||
         name == "lost+found";
}

bool IsSidecar(const std::string& name, const std::vector<std::string>& names) {
  const auto kind = DigestKindOfName(name);
  if (!kind) return false;
  const std::string archive =
      name.substr(0, name.size() - DigestSuffix(*kind).size());
  return IsDropName(archive) && std::ranges::binary_search(names, archive);
}

// A drop name that is not a regular file.
UnrestoredDrop ExplainType(const RestoreContext& context,
                           const std::string& name, FileType type) {
  const std::string path = QuotedForShell(context.InDrop(name));
  switch (type) {
    case FileType::kSymlink:
      return {name, "it is a symbolic link, and links are not followed",
              "put the file itself there: cp --remove-destination \"$(readlink "
              "-f " +
                  path + ")\" " + path};
    case FileType::kDirectory:
      return {name, "it is a folder, not an archive",
              "give it another name, or pack the database folder in it with "
              "tar czf"};
    default:
      return {name, "it is not a regular file", "remove it"};
  }
}

// Leaves out hidden files, *.part, and the digests beside drops.
Result<DropScan> ScanDropFolder(const RestoreContext& context) {
  DropScan scan;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names,
                             context.fs->List(context.options.restore_dir));
  for (const std::string& name : names) {
    if (name.starts_with('.') || name.ends_with(kPartSuffix) ||
        BelongsThere(context, name) || IsSidecar(name, names)) {
      continue;
    }
    if (!IsDropName(name)) {
      scan.others.push_back(name);
      continue;
    }
    const auto info = context.fs->Stat(context.InDrop(name));
    if (info.status().code() == StatusCode::kNotFound) continue;
    if (!info.ok()) return info.status();
    const DropIdentity drop = IdentifyDrop(name, *info);
    if (info->type == FileType::kRegular) {
      scan.archives.push_back(drop);
    } else {
      scan.unusable.push_back({drop, ExplainType(context, name, info->type)});
    }
  }
  return scan;
}

constexpr uint64_t kMaxSidecarBytes = 64u << 10;
// Some programs give a copy its final size first and then fill it. No gzip file
// ends in so many zeros.
constexpr uint64_t kZerosOfACopy = 4096;
constexpr std::string_view kGzipMagic = "\x1f\x8b";

std::string BytesAt(const File& file, uint64_t offset, uint64_t size) {
  std::string bytes(size, 'x');
  return ReadExactly(file, offset, bytes.data(), size).ok() ? bytes : "x";
}

bool AllZeros(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// True if the file begins like a gzip file, as far as its beginning was
// written.
bool MayBecomeGzip(const File& file, uint64_t size) {
  const std::string begin = BytesAt(file, 0, std::min<uint64_t>(size, 2));
  return kGzipMagic.starts_with(begin) || AllZeros(begin);
}

Result<std::string> DigestOf(const OpenDrop& drop, DigestKind kind,
                             std::stop_token stop) {
  if (kind == DigestKind::kSha256) return drop.reader->Sha256(std::move(stop));
  return DigestOfSource(kind, *drop.file, drop.reader->outline().archive_bytes,
                        std::move(stop));
}

Status CheckSidecar(const RestoreContext& context, const OpenDrop& drop,
                    const std::string& sidecar, std::stop_token stop) {
  const DigestKind kind = *DigestKindOfName(sidecar);
  const std::string what(DigestName(kind));
  const auto text =
      ReadFile(context.fs, context.InDrop(sidecar), kMaxSidecarBytes);
  const std::string expected =
      text.ok() ? ParseDigest(*text, kind, drop.drop.name) : "";
  if (expected.empty()) {
    return Status(
        StatusCode::kNotChecked,
        Printable(sidecar, 300) +
            (text.ok() ? " does not hold its " + what
                       : " can't be read: " + text.status().message()),
        "write it anew (" +
            std::string(kind == DigestKind::kSha256 ? "sha256sum" : "md5sum") +
            ") or remove it");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string actual,
                             DigestOf(drop, kind, stop));
  if (actual == expected) return Status::Ok();
  // This read finds out whether the file is incomplete; see IsIncomplete.
  ArchiveReadOptions read;
  read.work.stop = std::move(stop);
  (void)drop.reader->Check(read);
  return Status(StatusCode::kCorruption,
                "its " + what + " is not the one in " + Printable(sidecar, 300),
                "the file was changed or damaged on its way: copy it again, or "
                "use another backup");
}

}  // namespace

std::string_view StemOfDrop(std::string_view name) {
  const std::string lower = Lower(name);
  for (const std::string_view suffix : kDropSuffixes) {
    if (lower.size() > suffix.size() && lower.ends_with(suffix)) {
      return name.substr(0, name.size() - suffix.size());
    }
  }
  return name;
}

bool IsDropName(std::string_view name) {
  return !name.starts_with('.') && StemOfDrop(name).size() < name.size();
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
    settled.growing = SameDrops(settled.scan, now)
                          ? WrittenNames(context, now)
                          : ChangedNames(settled.scan, now);
    const bool at_rest =
        settled.growing.empty() && SameDrops(settled.scan, now);
    settled.scan = std::move(now);
    if (at_rest ||
        context.clock->SteadyNow() - start >= context.options.settle_limit) {
      break;
    }
  }
  return settled;
}

Result<OpenDrop> OpenDropFile(const RestoreContext& context,
                              const std::string& name) {
  OpenDrop drop;
  LEVELKEEP_ASSIGN_OR_RETURN(
      drop.file, context.fs->Open(context.InDrop(name), OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, drop.file->Stat());
  drop.drop = IdentifyDrop(name, info);
  return drop;
}

Result<std::vector<std::string>> SidecarsOf(const RestoreContext& context,
                                            const std::string& name) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto names,
                             context.fs->List(context.options.restore_dir));
  std::erase_if(names, [&](const std::string& other) {
    const auto kind = DigestKindOfName(other);
    return !kind ||
           other.substr(0, other.size() - DigestSuffix(*kind).size()) != name;
  });
  return names;
}

Status CheckDigests(const RestoreContext& context, const OpenDrop& drop,
                    std::stop_token stop) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto sidecars,
                             SidecarsOf(context, drop.drop.name));
  for (const std::string& sidecar : sidecars) {
    LEVELKEEP_RETURN_IF_ERROR(CheckSidecar(context, drop, sidecar, stop));
  }
  return Status::Ok();
}

bool IsIncomplete(const OpenDrop& drop) {
  if (drop.reader != nullptr && drop.reader->cut_short()) return true;
  const uint64_t size = drop.drop.size_bytes;
  if (!MayBecomeGzip(*drop.file, size)) return false;
  return size < kGzipMagic.size() ||
         (size >= kZerosOfACopy &&
          AllZeros(BytesAt(*drop.file, size - kZerosOfACopy, kZerosOfACopy)));
}

UnrestoredDrop ExplainIncomplete(const std::string& name,
                                 const std::string& detail) {
  return {name,
          "it is incomplete or still being copied" +
              (detail.empty() ? "" : " (" + detail + ")"),
          "wait until the copy is done, or copy it again; then start again"};
}

UnrestoredDrop ExplainFailure(const RestoreContext& context,
                              const std::string& name, const Status& failure) {
  const std::string path = context.InDrop(name);
  const bool unreadable =
      failure.code() == StatusCode::kPermissionDenied &&
      (failure.hint().empty() ||
       failure.hint().find("may not read " + Printable(path, 500)) !=
           path.npos);
  if (!unreadable) return {name, failure.message(), failure.hint()};
  // The file was dropped for this process, so the hint gives it access.
  const std::string user = std::to_string(EffectiveUser());
  return {name, failure.message() + " (this process runs as user " + user + ")",
          "let that user read it: chown " + user + " " + QuotedForShell(path)};
}

std::string ToSentence(const UnrestoredDrop& drop) {
  return Printable(drop.name) + ": " + drop.reason +
         (drop.hint.empty() ? "" : " (hint: " + drop.hint + ")");
}

void DropWatch::NoteStart(std::vector<LeftDrop> left,
                          std::vector<RejectedDrop> rejected) {
  MutexLock lock(&mutex_);
  settled_.clear();
  logged_.clear();
  for (const LeftDrop& drop : left) logged_.insert(ToSentence(drop.why));
  left_ = std::move(left);
  rejected_ = std::move(rejected);
}

void DropWatch::NoteRestore() {
  MutexLock lock(&mutex_);
  for (const LeftDrop& drop : left_) settled_.push_back(drop.drop);
  left_.clear();
  rejected_.clear();
}

std::vector<UnrestoredDrop> DropWatch::Look() {
  std::vector<UnrestoredDrop> found;
  const auto scan = ScanDropFolder(context_);
  MutexLock lock(&mutex_);
  if (!scan.ok()) {
    found.push_back(ExplainFailure(context_, "", scan.status()));
    found.back().name = BaseName(context_.options.restore_dir);
    return found;
  }
  for (const RejectedDrop& drop : rejected_) {
    if (!PathExists(context_.fs, drop.path)) continue;
    found.push_back({drop.name, drop.reason,
                     "it was moved to " + drop.path +
                         "; restore another backup, or remove that file"});
  }
  for (const DropIdentity& drop : scan->archives) {
    if (IsAmong(settled_, drop)) continue;
    const auto left = std::ranges::find_if(
        left_, [&](const LeftDrop& one) { return one.drop.LooksLike(drop); });
    const auto why = left != left_.end() ? left->why : Judge(drop);
    if (why) found.push_back(*why);
  }
  for (const LeftDrop& drop : scan->unusable) {
    if (!IsAmong(settled_, drop.drop)) found.push_back(drop.why);
  }
  LogNew(found);
  return found;
}

std::optional<UnrestoredDrop> DropWatch::Judge(const DropIdentity& drop) const {
  const auto history = LoadDropHistory(context_);
  const auto known =
      history.ok() ? FindDropEntry(context_, *history, drop) : std::nullopt;
  if (known && known->verdict == DropVerdict::kApplied) return std::nullopt;
  const auto open = OpenDropFile(context_, drop.name);
  if (open.status().code() == StatusCode::kNotFound) return std::nullopt;
  if (!open.ok()) return ExplainFailure(context_, drop.name, open.status());
  if (open->file->HasWriter()) return ExplainIncomplete(drop.name);
  const auto request = LoadDropRequest(context_);
  const bool staged = request.ok() && request->LooksLike(drop);
  return UnrestoredDrop{
      drop.name,
      staged ? "it is staged for the next start" : "it came after the start",
      "restart the application, which restores it"};
}

void DropWatch::LogNew(const std::vector<UnrestoredDrop>& found) {
  std::set<std::string> now;
  for (const UnrestoredDrop& drop : found) {
    const std::string sentence = ToSentence(drop);
    if (!logged_.contains(sentence)) {
      LogWarn(kRestoreLogTag,
              context_.options.restore_dir +
                  " holds a file that is not restored: " + sentence);
    }
    now.insert(sentence);
  }
  logged_ = std::move(now);
}

}  // namespace levelkeep
