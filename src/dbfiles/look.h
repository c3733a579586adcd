// What to see of a database before anybody opens it.
//
// Where CURRENT is missing LevelDB makes a new database and removes the tables
// of the old one; it passes over logs that are missing; and it replays logs
// that another state of the same folder has left there.

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

// The first log before or in which sequence numbers are missing, behind those
// of `version`; null if there is none. Writes were lost there: a log was
// removed, power failed before it was on the disk, or a write failed.
const ScannedLog* FindGap(const Version& version,
                          const std::vector<ScannedLog>& logs);

// Somebody put an older CURRENT and MANIFEST into the folder and left what had
// been written since: the number of the first log of that later state, or 0.
// LevelDB would replay it over the older one. Told by a MANIFEST that CURRENT
// does not name, whose log got writes after it, and which do not follow those
// before.
Result<uint64_t> FindLaterState(FileSystem* fs, const std::string& db_dir,
                                const std::string& manifest_name,
                                const Version& version);

// kPermissionDenied unless this process may write in the folder, and read the
// files that LevelDB reads: it finds out late, and says less. Ok if there is no
// folder. Opens none of them.
Status RequireAccess(FileSystem* fs, const std::string& db_dir);

// Ok if there is a whole database or none. kCorruption: files are missing that
// it names, or logs of another state are there; the message names them, the
// hint says what to do. kUnsupported if it is RocksDB's. What is there and
// can't be understood is left to LevelDB's verdict. Reads CURRENT and the
// MANIFEST, the logs only where another MANIFEST lies there, too; changes
// nothing. REQUIRES: nobody writes to it.
Status RequireWhole(FileSystem* fs, const std::string& db_dir);

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_LOOK_H_
