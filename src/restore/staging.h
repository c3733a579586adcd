// To a directory that holds a checked database: from an archive (R0..R5), or
// from what is left of a database that lacks files, for those who have no
// backup of it.

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

struct ExtractRequest {
  RestoreSource source;
  std::string target_dir;   // created; removed again on failure
  std::string scratch_dir;  // for the check; created and removed
  // The identity of the database that this one replaces; empty: it has none,
  // and takes the archive's. Nothing: it is not for the application at hand, so
  // that its comparator does not matter and no identity is written.
  std::optional<std::string> replaced_id;
  Work work;
};

struct ExtractedStore {
  RestoreOutcome outcome;
  StoreCheck check;
};

// R2: what an extraction into a folder in `parent` would be refused for, before
// anything is written: an application that can't use it (unless it is not for
// that, see ExtractRequest), too little space, and files above the limit of
// file sizes. `parent` may be still to be
// made. Returns how many bytes may be written.
Result<uint64_t> CheckFits(const RestoreContext& context,
                           const ArchiveOutline& outline,
                           const std::string& parent, bool for_application);
// kNoSpace unless `needed` bytes for `what` fit into the folder, which may be
// still to be made, and the reserve stays free; how many may be written there.
Result<uint64_t> RequireRoom(const RestoreContext& context,
                             const std::string& what, uint64_t needed,
                             const std::string& folder);
// kIoError: a file of that size is above the limit of file sizes (ulimit -f).
// `what` is that file, for people.
Status CheckFileSize(uint64_t bytes, const std::string& what);
// Where a database is to appear: kAlreadyExists unless it is absent, or an
// empty directory.
Status CheckTarget(FileSystem* fs, const std::string& target_dir,
                   const std::string& db_name);

// Extracts, checks and compares with the manifest. Everything is durable on
// return but the name of `target_dir` itself. See IsArchiveFault.
Result<ExtractedStore> ExtractChecked(const RestoreContext& context,
                                      const ExtractRequest& request);

Result<Restorer::Staged> StageArchive(const RestoreContext& context,
                                      const RestoreSource& source,
                                      const Work& work);

// A name for a directory in the work directory; nothing is made yet.
Restorer::Staged NewStaged(const RestoreContext& context);
// The staged directory gets the live one's mode and is durable. On failure it
// is removed.
Status FinishStaging(const RestoreContext& context,
                     const Restorer::Staged& staged);

struct VerifyRequest {
  ArchiveReader* reader = nullptr;  // of archive_path, just opened
  std::string archive_path;
  // Gets scratch-<id>, which is removed again: what opening writes, and the
  // databases of foreign archives.
  std::string scratch_parent;
  Work work;
  // Is told the archive's SHA-256 as soon as all of it was read; what it
  // returns ends the verification. May be empty.
  std::function<Status(const std::string& sha256)> judge;
};

// Full verification: every digest, then open, scan, compare. Our own archives
// are opened where they are: read once here and once by levelkeep-check.
// kBusy if the archive was changed meanwhile.
Result<StoreCheck> VerifyArchive(const RestoreContext& context,
                                 const VerifyRequest& request);

// Is it the archive that is bad? Else it is the disk, the host or the time, or
// it is well-formed and this version or this application can't use it.
bool IsArchiveFault(StatusCode code);

// As what an undo lists the folder that remains were taken from.
inline constexpr char kRemainsName[] = "accept-loss";

struct Remains {
  // What is wrong with the database, as RequireWhole says it.
  std::string fault;
  // The MANIFEST whose tables are all there: the database goes on with it.
  // Empty: the list of tables is made anew, by LevelDB's repair.
  std::string manifest;
  Version version;                  // where there is a `manifest`
  std::vector<std::string> tables;  // names of files that are used
  std::vector<uint64_t> logs;       // likewise, by number
  std::string comparator;           // empty: no MANIFEST says it
};

// What there is in the database's folder. kNotFound: nothing is lacking there.
// Writes nothing.
Result<Remains> FindRemains(const RestoreContext& context);

// kUnsupported where tables would have to be put in an order that only the
// application knows.
Status CheckRepairable(const RestoreContext& context, const Remains& remains);

// 1. links to the tables, copies of the logs   2. a MANIFEST that names them,
// or LevelDB's repair   3. opened once, as after a crash   4. checked as a
// foreign archive's database   5. the same identity, another history
//
// What can't be read is left out. Refuses what CheckRepairable does.
// kBusy while somebody has the database open; nobody can until it returns.
Result<Restorer::Staged> StageRemains(const RestoreContext& context,
                                      const Remains& remains, const Work& work);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_STAGING_H_
