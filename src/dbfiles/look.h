// Checks of a database before anything opens it.
//
// If CURRENT is missing, LevelDB makes a new database and removes the tables of
// the old one. LevelDB ignores missing logs, and replays logs that another
// state of the same folder left there.

#ifndef LEVELKEEP_DBFILES_LOOK_H_
#define LEVELKEEP_DBFILES_LOOK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct ScannedLog {
  uint64_t number = 0;
  LogScan scan;
};

// The logs that LevelDB replays when it opens `version`, by number.
Result<std::vector<ScannedLog>> ScanNeededLogs(FileSystem* fs,
                                               const std::string& db_dir,
                                               const Version& version);

// The first log before which, or in which, sequence numbers that follow
// `version` are missing; null if none are. Those writes are lost: a log was
// removed, power failed before the log was on disk, or a write failed.
const ScannedLog* FindGap(const Version& version,
                          const std::vector<ScannedLog>& logs);

// Detects that an older CURRENT and MANIFEST were put into the folder while
// newer files stayed there. Returns the number of the first log of the newer
// state, or 0. LevelDB would replay that log over the older state. Evidence: a
// MANIFEST that CURRENT does not name, and its log has writes that do not
// follow the writes of the older state.
Result<uint64_t> FindLaterState(FileSystem* fs, const std::string& db_dir,
                                const std::string& manifest_name,
                                const Version& version);

// kPermissionDenied unless this process may write in the folder and read the
// files that LevelDB reads. (LevelDB finds out late, and says less.) Ok if
// there is no folder. Opens none of the files.
Status RequireAccess(FileSystem* fs, const std::string& db_dir);

// Ok if the folder holds a complete database or none. kCorruption if files are
// missing that the database names, or if it holds logs of another state: the
// message names the files, the hint says what to do. kUnsupported if it is
// RocksDB's. Files that can't be decoded are not reported: LevelDB reports
// them. Reads CURRENT and the MANIFEST, and the logs only if there is a second
// MANIFEST; changes nothing. REQUIRES: nobody writes to the database.
Status RequireWhole(FileSystem* fs, const std::string& db_dir);

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_LOOK_H_
