// Makes a folder with a checked database: from an archive (R0..R5), or from the
// remaining files of a database that lacks files and has no backup.

#ifndef LEVELKEEP_RESTORE_STAGING_H_
#define LEVELKEEP_RESTORE_STAGING_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "base/work.h"
#include "dbfiles/version.h"
#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/restorer.h"

namespace levelkeep {

// R2: the reasons to refuse an extraction into a folder in `parent` before
// anything is written: an application that can't use the database (only if
// `for_application`), too little space, or files above the limit of file sizes.
// `parent` need not exist. Returns how many bytes may be written.
Result<uint64_t> CheckFits(const RestoreContext& context,
                           const ArchiveOutline& outline,
                           const std::string& parent, bool for_application);
// kNoSpace unless `needed` bytes for `what` fit into the folder, which may be
// still to be made, and the reserve stays free; how many may be written there.
Result<uint64_t> RequireRoom(const RestoreContext& context,
                             const std::string& what, uint64_t needed,
                             const std::string& folder);
// kIoError if `bytes` exceeds the limit of file sizes (ulimit -f). `what` names
// the file in the message.
Status CheckFileSize(uint64_t bytes, const std::string& what);
// Checks the place of a new database: kAlreadyExists unless `target_dir` is
// absent or an empty directory.
Status CheckTarget(FileSystem* fs, const std::string& target_dir,
                   const std::string& db_name);

Result<Restorer::Staged> StageArchive(const RestoreContext& context,
                                      const RestoreSource& source,
                                      const Work& work);

// A name for a directory in the work directory; creates nothing.
Restorer::Staged NewStaged(const RestoreContext& context);
// Gives the staged directory the mode of the live one and makes it durable. If
// that fails, the directory is removed.
Status FinishStaging(const RestoreContext& context,
                     const Restorer::Staged& staged);

struct VerifyRequest {
  ArchiveReader* reader = nullptr;  // of archive_path, just opened
  // Reads the same bytes, perhaps more slowly.
  ArchiveReader* paced_reader = nullptr;
  std::string archive_path;
  // scratch-<id> is created in here and removed again: for files that opening
  // writes, and for the databases of foreign archives.
  std::string scratch_parent;
  Work work;
  // Called with the archive's SHA-256 as soon as the archive has been read. An
  // error that it returns ends the verification. May be empty.
  std::function<Status(const std::string& sha256)> judge;
};

// Full verification: every digest, then open, scan, compare. LevelKeep archives
// are opened in place: read once here and once by levelkeep-check. kBusy if the
// archive was changed meanwhile.
Result<StoreCheck> VerifyArchive(const RestoreContext& context,
                                 const VerifyRequest& request);

struct DrillRequest {
  ArchiveReader* reader = nullptr;  // just opened
  std::string archive_name;
  // An empty folder of the caller, who removes it.
  std::string folder;
  // Whether the application of this storage has to be able to use the database.
  bool for_application = true;
  Work work;
};
struct DrillOutcome {
  RestoreOutcome restored;
  StoreCheck check;
};

// Extracts the archive into `folder` with the steps and the checks of a restore
// (R2, R4, R5); every key is read, even if the archive is known. Errors as of a
// restore.
Result<DrillOutcome> DrillArchive(const RestoreContext& context,
                                  const DrillRequest& request);

// True if the archive itself is bad. Else the disk, the host or the time is the
// cause, or this version or application can't use a well-formed archive.
bool IsArchiveFault(StatusCode code);

struct Remains {
  // The fault of the database, in the words of RequireWhole.
  std::string fault;
  // A MANIFEST whose tables all exist; the database continues with it. Empty:
  // LevelDB's repair makes a new list of tables.
  std::string manifest;
  Version version;                  // of `manifest`, if that is set
  std::vector<std::string> tables;  // names of the table files to use
  std::vector<uint64_t> logs;       // numbers of the logs to use
  std::string comparator;           // empty: no MANIFEST names it
};

// The remaining files in the database's folder. kNotFound: no file is missing.
// Writes nothing.
Result<Remains> FindRemains(const RestoreContext& context);

// kUnsupported if the repair would have to sort tables in an order that only
// the application knows.
Status CheckRepairable(const RestoreContext& context, const Remains& remains);

// 1. links to the tables, copies of the logs   2. a MANIFEST that names them,
// or LevelDB's repair   3. one open, as after a crash   4. the check for
// databases of foreign archives   5. the old identity with a new history
//
// Leaves out what can't be read. Fails where CheckRepairable fails. kBusy while
// somebody has the database open; until it returns, nobody else can open it.
Result<Restorer::Staged> StageRemains(const RestoreContext& context,
                                      const Remains& remains, const Work& work);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_STAGING_H_
