// The files of a database in its folder: their names, which of them its
// MANIFEST names, and where a table ends in its file. Source of the grammar:
// LevelDB's db/filename.h and doc/impl.md.

#ifndef LEVELKEEP_DBFILES_DATABASE_FILES_H_
#define LEVELKEEP_DBFILES_DATABASE_FILES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
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
  kUnknown,  // everything else, BACKUP_ID and DATABASE_ID among it
};

struct DbFileName {
  DbFileKind kind = DbFileKind::kUnknown;
  uint64_t number = 0;  // of manifests, tables, logs, temps
};

DbFileName ParseDbFileName(std::string_view name);
// Does a backup hold files of this kind? CURRENT, MANIFEST, tables, logs.
bool IsBackedUp(DbFileKind kind);

std::string ManifestFileName(uint64_t number);  // MANIFEST-000005
std::string TableFileName(uint64_t number);     // 000012.ldb
std::string OldTableFileName(uint64_t number);  // 000012.sst
std::string LogFileName(uint64_t number);       // 000013.log

// CURRENT of `db_dir`: the MANIFEST's name. kNotFound if there is none.
Result<std::string> ReadCurrent(FileSystem* fs, const std::string& db_dir);

// Is there a database, whole or not: CURRENT, a table or a log?
bool HoldsDatabase(FileSystem* fs, const std::string& db_dir);

// The numbers of the logs in `db_dir`, ascending.
Result<std::vector<uint64_t>> ListLogs(FileSystem* fs,
                                       const std::string& db_dir);

// Must LevelDB replay this log when it opens `version`?
bool NeedsLog(const Version& version, uint64_t log_number);

// The numbers of the logs that `version` names, ascending: LevelDB opens
// without them, too, and has lost what they hold. 0, of new and of repaired
// databases, is none.
std::vector<uint64_t> NamedLogs(const Version& version);

// Which of the tables and logs that `version` names are not among `names`, the
// content of its folder. A table may have either suffix.
std::vector<std::string> MissingFiles(const Version& version,
                                      const std::vector<std::string>& names);

// The version that `manifest_name`, which CURRENT names, adds up to; a torn
// tail, as a crash leaves it, is passed over. kCorruption if it is missing or
// can't be understood.
Result<Version> ReadVersion(FileSystem* fs, const std::string& db_dir,
                            const std::string& manifest_name);

// kUnsupported if the folder holds what RocksDB writes and LevelDB does not:
// some of its files look as if they were LevelDB's.
Status RefuseRocksDb(FileSystem* fs, const std::string& db_dir);

// For what a file of the database lacks.
inline constexpr char kRestoreHint[] = "restore the last verified backup";
// kCorruption: "PATH is missing, `names_it` names it".
Status MissingFile(const std::string& path, const std::string& names_it);

// What lies in the folder of a database and is neither LevelDB's nor ours:
// files and folders of the application, what RepairDB put aside. No backup
// holds it, and nobody but its owner removes it.
Result<std::vector<std::string>> FindStrangers(FileSystem* fs,
                                               const std::string& db_dir);

// Which files the database in `db_dir` lacks: CURRENT, the MANIFEST that it
// names, tables and logs that this one names. LevelDB would pass over most of
// them and be without their data. Empty if all are there, and where there is
// no database. Reads CURRENT and the MANIFEST, and changes nothing.
// kCorruption if one of these can't be understood, kUnsupported if they are
// RocksDB's. REQUIRES: nobody writes to it.
Result<std::vector<std::string>> FindMissingFiles(FileSystem* fs,
                                                  const std::string& db_dir);

// The size of the table in `file`, of which the MANIFEST says `named_bytes`.
// They are believed where the file has as many. Else the footer decides, which
// ends each table: LevelDB finds it where the MANIFEST says, also in a longer
// file; iq80's LevelDB for Java states four bytes more than it wrote when it
// compacts, and looks at the end of the file. kCorruption: it is at neither
// place.
Result<uint64_t> FindTableEnd(const ByteSource& file, uint64_t file_bytes,
                              uint64_t named_bytes);

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_DATABASE_FILES_H_
