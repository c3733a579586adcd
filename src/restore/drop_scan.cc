#include "restore/drop_scan.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/ascii.h"
#include "base/status_macros.h"
#include "format/sidecar.h"
#include "restore/drop_check.h"

namespace levelkeep {
namespace {

constexpr std::array<std::string_view, 2> kDropSuffixes = {".tar.gz", ".tgz"};

bool SameDrops(const DropScan& a, const DropScan& b) {
  return std::equal(a.archives.begin(), a.archives.end(), b.archives.begin(),
                    b.archives.end(),
                    [](const DropIdentity& x, const DropIdentity& y) {
                      return x.LooksLike(y);
                    });
}

// Names of archives that differ between the two scans.
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
  return IsDropName(archive) &&
         std::binary_search(names.begin(), names.end(), archive);
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

}  // namespace levelkeep
