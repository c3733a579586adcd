// What lies in restore/: which file it is, whether it stands still, whether it
// is what the digests beside it say, and why it stays where it is, in words for
// people.

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

  // The same file as far as names and times tell. Inodes do not count:
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

// The name's part before ".tar.gz" or ".tgz", in any case; the whole name if it
// ends in neither.
std::string_view StemOfDrop(std::string_view name);
// Such a name is a wish: the file is to be restored. Hidden ones are not.
bool IsDropName(std::string_view name);

// A drop that is left where it is, and why.
struct LeftDrop {
  DropIdentity drop;
  UnrestoredDrop why;
};

struct DropScan {
  std::vector<DropIdentity> archives;  // regular files with a drop's name
  std::vector<LeftDrop> unusable;      // with a drop's name, and no such file
  std::vector<std::string> others;     // what else lies there
};

// Hidden files, *.part, and the digests beside drops are not mentioned.
Result<DropScan> ScanDropFolder(const RestoreContext& context);

// Waits until the size and the time of every archive stand still for
// settle_time and nobody has one open for writing, at most settle_limit. Names
// those that are not at rest then.
struct SettledDrops {
  DropScan scan;
  std::vector<std::string> growing;
};
Result<SettledDrops> WaitUntilSettled(const RestoreContext& context,
                                      std::stop_token stop);

// An open drop: what is looked at is what is checked, applied and moved. A file
// that takes its name meanwhile is another drop.
struct OpenDrop {
  DropIdentity drop;  // of the open file
  std::shared_ptr<File> file;
  std::unique_ptr<ArchiveReader> reader;  // none: it can't be an archive
};

// Opens the file. Its reader is opened by OpenReader.
Result<OpenDrop> OpenDropFile(const RestoreContext& context,
                              const std::string& name);
Status OpenReader(const RestoreContext& context, OpenDrop* drop);

// The names in restore/ of the digests beside it: NAME.sha256, NAME.md5.
Result<std::vector<std::string>> SidecarsOf(const RestoreContext& context,
                                            const std::string& name);
// kCorruption: it is not what a digest beside it says. kNotChecked: what lies
// there is no digest, or can't be read. REQUIRES: it has a reader.
Status CheckDigests(const RestoreContext& context, const OpenDrop& drop,
                    std::stop_token stop);

// After an archive fault: the file looks like a copy of which the rest is
// missing, rather than like a bad archive.
bool IsIncomplete(const OpenDrop& drop);

// --- why it stays
UnrestoredDrop ExplainType(const RestoreContext& context,
                           const std::string& name, FileType type);
UnrestoredDrop ExplainIncomplete(const std::string& name,
                                 const std::string& detail = "");
// It could not be opened, checked or extracted.
UnrestoredDrop ExplainFailure(const RestoreContext& context,
                              const std::string& name, const Status& failure);
// "NAME: REASON (HINT)".
std::string ToSentence(const UnrestoredDrop& drop);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_SCAN_H_
