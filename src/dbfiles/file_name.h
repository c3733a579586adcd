// The names of the files in a LevelDB directory.
// Source of the grammar: LevelDB's db/filename.h and doc/impl.md.

#ifndef LEVELKEEP_DBFILES_FILE_NAME_H_
#define LEVELKEEP_DBFILES_FILE_NAME_H_

#include <cstdint>
#include <string>
#include <string_view>

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

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_FILE_NAME_H_
