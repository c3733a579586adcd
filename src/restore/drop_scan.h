// The files in restore/: their identity, whether their copying has ended,
// whether they match the digests beside them, a text for a file that stays
// there, and the list of those that wait while the application runs.

#ifndef LEVELKEEP_RESTORE_DROP_SCAN_H_
#define LEVELKEEP_RESTORE_DROP_SCAN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "archive/archive_reader.h"
#include "base/file_system.h"
#include "base/mutex.h"
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
UnrestoredDrop ExplainIncomplete(const std::string& name,
                                 const std::string& detail = "");
// The drop could not be opened, checked or extracted.
UnrestoredDrop ExplainFailure(const RestoreContext& context,
                              const std::string& name, const Status& failure);
// "NAME: REASON (HINT)".
std::string ToSentence(const UnrestoredDrop& drop);

// --- the drops that wait while the application runs

struct RejectedDrop {
  std::string name;
  std::string reason;
  std::string path;  // the file's present place
};

// Thread safety: all methods may be called concurrently. They read the folder
// and write only to the log.
class DropWatch {
 public:
  // `context` outlives this object.
  explicit DropWatch(const RestoreContext& context) : context_(context) {}

  // Notes the drops that a start left in restore/, and those it moved to
  // rejected/ without restoring another one instead.
  void NoteStart(std::vector<LeftDrop> left,
                 std::vector<RejectedDrop> rejected);
  // A restore succeeded: the drops that the start could not restore are
  // settled.
  void NoteRestore();
  std::vector<UnrestoredDrop> Look();

 private:
  // Empty if the drop was restored before and only could not be moved away.
  std::optional<UnrestoredDrop> Judge(const DropIdentity& drop) const;
  void LogNew(const std::vector<UnrestoredDrop>& found) REQUIRES_LOCK(mutex_);

  const RestoreContext& context_;
  Mutex mutex_;
  std::vector<LeftDrop> left_ GUARDED_BY(mutex_);
  std::vector<RejectedDrop> rejected_ GUARDED_BY(mutex_);
  // Drops that the start left before a later restore succeeded.
  std::vector<DropIdentity> settled_ GUARDED_BY(mutex_);
  std::set<std::string> logged_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_SCAN_H_
