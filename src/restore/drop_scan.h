// The files in restore/: their identity, whether their copying has ended,
// whether they match the digests beside them, and a text for a file that stays
// there.

#ifndef LEVELKEEP_RESTORE_DROP_SCAN_H_
#define LEVELKEEP_RESTORE_DROP_SCAN_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "archive/archive_reader.h"
#include "base/file_system.h"
#include "base/record.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"
#include "restore/context.h"

namespace levelkeep {

// Value type.
struct DropIdentity {
  std::string name;
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  uint64_t inode = 0;

  // True if names, sizes and times are equal. Inodes are not compared:
  // some mounts (virtual machines, FUSE) number their files anew each time.
  bool LooksLike(const DropIdentity& other) const {
    return name == other.name && size_bytes == other.size_bytes &&
           mtime_ns == other.mtime_ns;
  }
};

// Whether one of `drops` looks like `drop`.
bool IsAmong(const std::vector<DropIdentity>& drops, const DropIdentity& drop);

inline DropIdentity IdentifyDrop(const std::string& name,
                                 const FileInfo& info) {
  return DropIdentity{name, info.size_bytes, info.mtime_ns, info.inode};
}

inline void PutDrop(const DropIdentity& drop, Record* record) {
  record->Set("drop_name", drop.name);
  record->SetNumber("drop_size", drop.size_bytes);
  record->SetNumber("drop_mtime", static_cast<uint64_t>(drop.mtime_ns));
  record->SetNumber("drop_inode", drop.inode);
}

inline DropIdentity GetDrop(const Record& record) {
  return DropIdentity{record.Get("drop_name"), record.GetNumber("drop_size"),
                      static_cast<int64_t>(record.GetNumber("drop_mtime")),
                      record.GetNumber("drop_inode")};
}

// The part of the name before ".tar.gz" or ".tgz" (in upper or lower case); the
// whole name if it has neither suffix.
std::string_view StemOfDrop(std::string_view name);
// A file with such a name is meant to be restored. Hidden files are not.
bool IsDropName(std::string_view name);

// A drop that stays in restore/, and the reason.
struct LeftDrop {
  DropIdentity drop;
  UnrestoredDrop why;
};

struct DropScan {
  std::vector<DropIdentity> archives;  // regular files with a drop's name
  std::vector<LeftDrop> unusable;      // drop names that are not regular files
  std::vector<std::string> others;     // all other names
};

// Leaves out hidden files, *.part, and the digests beside drops.
Result<DropScan> ScanDropFolder(const RestoreContext& context);

// Waits, at most settle_limit, until the size and time of every archive did not
// change for settle_time and no process has one open for writing. `growing`
// names the archives that are still changing.
struct SettledDrops {
  DropScan scan;
  std::vector<std::string> growing;
};
Result<SettledDrops> WaitUntilSettled(const RestoreContext& context,
                                      std::stop_token stop);

// An open drop. The same open file is checked, applied and moved; a file that
// takes its name meanwhile is another drop.
struct OpenDrop {
  DropIdentity drop;  // of the open file
  std::shared_ptr<File> file;
  std::unique_ptr<ArchiveReader> reader;  // null: the file is not an archive
};

// Opens the file, but no reader.
Result<OpenDrop> OpenDropFile(const RestoreContext& context,
                              const std::string& name);

// The names in restore/ of the drop's digest files: NAME.sha256, NAME.md5.
Result<std::vector<std::string>> SidecarsOf(const RestoreContext& context,
                                            const std::string& name);
// kCorruption: the drop differs from a digest beside it. kNotChecked: a digest
// file is malformed or can't be read. REQUIRES: `drop` has a reader.
Status CheckDigests(const RestoreContext& context, const OpenDrop& drop,
                    std::stop_token stop);

// Call after an archive fault. True if the file looks like an unfinished copy
// rather than a bad archive.
bool IsIncomplete(const OpenDrop& drop);

// --- why a drop is not restored
UnrestoredDrop ExplainType(const RestoreContext& context,
                           const std::string& name, FileType type);
UnrestoredDrop ExplainIncomplete(const std::string& name,
                                 const std::string& detail = "");
// The drop could not be opened, checked or extracted.
UnrestoredDrop ExplainFailure(const RestoreContext& context,
                              const std::string& name, const Status& failure);
// "NAME: REASON (HINT)".
std::string ToSentence(const UnrestoredDrop& drop);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_SCAN_H_
