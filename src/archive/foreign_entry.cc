#include "archive/foreign_entry.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/file_name.h"
#include "format/manifest.h"

namespace levelkeep {
namespace {

Status Refuse(const TarEntry& entry, const std::string& why,
              const std::string& hint = "") {
  return Status(StatusCode::kCorruption,
                "entry " + Printable(entry.path) + " " + why,
                hint.empty() ? "pack the database folder alone, for example "
                               "tar czf backup.tar.gz event_registry_db"
                             : hint);
}

// goleveldb keeps the old CURRENT as CURRENT.bak, and writes CURRENT.5 first.
bool IsAnotherCurrent(std::string_view flat_name) {
  constexpr std::string_view kPrefix = "CURRENT.";
  if (!flat_name.starts_with(kPrefix)) return false;
  flat_name.remove_prefix(kPrefix.size());
  return flat_name == "bak" || ParseUint64(flat_name).has_value();
}

// The folder in which RepairDB puts files it no longer needs.
bool IsLostFolder(std::string_view folder) {
  return folder == "lost" || folder.ends_with("/lost");
}

// LevelKeep's work folder beside a database. A tar of a whole STORAGE_DIR holds
// it, with replaced databases and lock files.
bool IsWorkFolder(std::string_view folder) {
  constexpr std::string_view kName = ".levelkeep";
  for (const std::string_view part : Split(folder, '/')) {
    if (part == kName) return true;
  }
  return false;
}

// Files of LevelDB, LevelKeep or a desktop that are not part of the data.
bool IsIgnorable(std::string_view flat_name) {
  switch (ParseDbFileName(flat_name).kind) {
    case DbFileKind::kLock:
    case DbFileKind::kInfoLog:
    case DbFileKind::kTemp:  // LevelDB deletes these itself
      return true;
    default:
      return flat_name.substr(0, 2) == "._" || flat_name == ".DS_Store" ||
             flat_name == "BACKUP_ID" || IsAnotherCurrent(flat_name);
  }
}

}  // namespace

Status ForeignClassifier::CheckPath(const TarEntry& entry,
                                    std::string* clean) const {
  const std::string& path = entry.path;
  if (path.empty()) return Refuse(entry, "has no name that can be read");
  if (path.size() > max_path_length_) return Refuse(entry, "has a long name");
  if (path.front() == '/') return Refuse(entry, "has an absolute path");
  size_t begin = 0;
  while (begin <= path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part =
        std::string_view(path).substr(begin, end - begin);
    if (part == "..") return Refuse(entry, "leads out of the archive");
    // "./x", "x//y" and the final slash of a directory have no meaning.
    if (!part.empty() && part != ".") {
      if (!clean->empty()) *clean += '/';
      *clean += part;
    }
    begin = end + 1;
  }
  return Status::Ok();
}

Result<ForeignEntry> ForeignClassifier::Classify(const TarEntry& entry) {
  std::string path;
  LEVELKEEP_RETURN_IF_ERROR(CheckPath(entry, &path));
  if (entry.kind == TarEntry::Kind::kOther) {
    return Refuse(entry, "is a " + entry.what);
  }
  // Packing "." can repeat a directory, which has no content.
  if (entry.kind == TarEntry::Kind::kDirectory) return ForeignEntry();
  if (path.empty()) return Refuse(entry, "has no name that can be read");
  if (!seen_.insert(path).second) return Refuse(entry, "appears twice");
  const size_t slash = path.rfind('/');
  const std::string folder =
      slash == std::string::npos ? "" : path.substr(0, slash);
  ForeignEntry result;
  if (IsWorkFolder(folder)) return result;
  result.flat_name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (result.flat_name == kManifestEntryName ||
      result.flat_name == kTocEntryName) {
    result.kind = result.flat_name == kManifestEntryName
                      ? ForeignKind::kManifest
                      : ForeignKind::kToc;
    // At most one of each, in any folder.
    if (!seen_.insert("//" + result.flat_name).second) {
      return Refuse(entry, "appears twice");
    }
    return result;
  }
  if (IsBackedUp(ParseDbFileName(result.flat_name).kind)) {
    if (IsLostFolder(folder)) return result;
    if (folder_known_ && folder != folder_) {
      return Refuse(entry, "is outside of " + Printable(folder_) +
                               "/, which holds the database");
    }
    folder_ = folder;
    folder_known_ = true;
    result.kind = ForeignKind::kDatabase;
    return result;
  }
  if (result.flat_name == "DATABASE_ID") {
    result.kind = ForeignKind::kIdentity;
    return result;
  }
  if (IsIgnorable(result.flat_name)) return result;
  return Refuse(entry, "is not a file of a LevelDB database");
}

}  // namespace levelkeep
