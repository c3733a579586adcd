// The files of a database in its folder, and the files its MANIFEST names.

#ifndef LEVELKEEP_DBFILES_DATABASE_FILES_H_
#define LEVELKEEP_DBFILES_DATABASE_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "dbfiles/version.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The MANIFEST's name, from CURRENT of `db_dir`. kNotFound if there is no
// CURRENT.
Result<std::string> ReadCurrent(FileSystem* fs, const std::string& db_dir);

// Whether `db_dir` holds CURRENT, a table or a log, even if files are missing.
bool HoldsDatabase(FileSystem* fs, const std::string& db_dir);

// The numbers of the logs in `db_dir`, ascending.
Result<std::vector<uint64_t>> ListLogs(FileSystem* fs,
                                       const std::string& db_dir);

// Whether LevelDB must replay this log when it opens `version`.
bool NeedsLog(const Version& version, uint64_t log_number);

// The numbers of the logs that `version` names, ascending. LevelDB opens the
// database even without these logs and then lacks their writes. Number 0, which
// new and repaired databases have, names no log.
std::vector<uint64_t> NamedLogs(const Version& version);

// The tables and logs that `version` names and that are not in `names`, the
// content of the database's folder. A table may have either suffix.
std::vector<std::string> MissingFiles(const Version& version,
                                      const std::vector<std::string>& names);

// The sum of the edits in `manifest_name`, which CURRENT names. A torn tail, as
// a crash leaves it, is ignored. kCorruption if the MANIFEST is missing or
// can't be decoded.
Result<Version> ReadVersion(FileSystem* fs, const std::string& db_dir,
                            const std::string& manifest_name);

// kUnsupported if the folder holds files that only RocksDB writes: some of
// RocksDB's files have the same names as LevelDB's.
Status RefuseRocksDb(FileSystem* fs, const std::string& db_dir);

// The hint for a database that lacks files.
inline constexpr char kRestoreHint[] = "restore the last verified backup";
// kCorruption: "PATH is missing, but `names_it` names it".
Status MissingFile(const std::string& path, const std::string& names_it);

// The entries in the folder of a database that belong neither to LevelDB nor to
// LevelKeep: files of the application, and what RepairDB moved aside. Backups
// don't hold these entries, and LevelKeep never removes them.
Result<std::vector<std::string>> FindStrangers(FileSystem* fs,
                                               const std::string& db_dir);

// The files that the database in `db_dir` lacks: CURRENT, the MANIFEST that
// CURRENT names, and the tables and logs that the MANIFEST names. LevelDB would
// ignore most of these losses and open without the data. Empty if no file is
// missing, or if there is no database. Reads CURRENT and the MANIFEST, and
// changes nothing. kCorruption if one of these two can't be decoded,
// kUnsupported if it is RocksDB's. REQUIRES: nobody writes to the database.
Result<std::vector<std::string>> FindMissingFiles(FileSystem* fs,
                                                  const std::string& db_dir);

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_DATABASE_FILES_H_
