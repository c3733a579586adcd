// The files of a database in its folder: their names, which of them its
// MANIFEST names, where a table ends in its file, and what is missing or does
// not fit together. Source of the grammar: LevelDB's db/filename.h and
// doc/impl.md.

#ifndef LEVELKEEP_DBFILES_DATABASE_FILES_H_
#define LEVELKEEP_DBFILES_DATABASE_FILES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "levelkeep/status.h"

namespace levelkeep {

enum class DbFileKind {
  kCurrent,
  kManifest,
  kTable,  // .ldb, or .sst of old versions
  kLog,    // the write-ahead log, .log
  kLock,
  kInfoLog,  // LOG, LOG.old
  kTemp,     // .dbtmp
  kUnknown,  // everything else, including BACKUP_ID and DATABASE_ID
};

struct DbFileName {
  DbFileKind kind = DbFileKind::kUnknown;
  uint64_t number = 0;  // of manifests, tables, logs, temps
};

DbFileName ParseDbFileName(std::string_view name);
// Whether backups hold files of this kind: CURRENT, MANIFEST, tables, logs.
bool IsBackedUp(DbFileKind kind);

std::string ManifestFileName(uint64_t number);  // MANIFEST-000005
std::string TableFileName(uint64_t number);     // 000012.ldb
std::string OldTableFileName(uint64_t number);  // 000012.sst
std::string LogFileName(uint64_t number);       // 000013.log

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

// The true size of the table in `file`, whose MANIFEST says `named_bytes`. If
// the file has exactly `named_bytes`, that is the size. Else the table's
// footer, which ends every table, decides: LevelDB finds the footer by the
// MANIFEST's size even if the file is longer; iq80's LevelDB for Java, when it
// compacts, states four bytes more than it wrote, and looks for the footer at
// the end of the file. kCorruption if the footer is at neither place.
Result<uint64_t> FindTableEnd(const ByteSource& file, uint64_t file_bytes,
                              uint64_t named_bytes);

// --- checks of a database before anything opens it
//
// If CURRENT is missing, LevelDB makes a new database and removes the tables of
// the old one. LevelDB ignores missing logs, and replays logs that another
// state of the same folder left there.

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

#endif  // LEVELKEEP_DBFILES_DATABASE_FILES_H_
