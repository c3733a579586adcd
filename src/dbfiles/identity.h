// Which database a folder holds, and where it is in its life.
//
// DATABASE_ID  whose backups are its own: random, made when a database is
//              first attached or backed up, kept by restores and by a move to
//              another host. A line: the identity, and the history that the
//              present one left, if that is known.
// BACKUP_ID    the present history ("epoch"). A restore begins another one, so
//              that consumers notice that the store went back in time.
//
// LevelDB leaves both alone, also when it destroys or repairs a database. No
// archive holds them.

#ifndef LEVELKEEP_DBFILES_IDENTITY_H_
#define LEVELKEEP_DBFILES_IDENTITY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Each 32 lower-case hexadecimal digits, or empty: none, or not known.
struct DatabaseIdentity {
  std::string id;
  std::string epoch;
  std::string parent;  // the epoch that this one left

  bool operator==(const DatabaseIdentity&) const = default;
};

// What is not there, or is no such text, is empty.
Result<DatabaseIdentity> ReadIdentity(FileSystem* fs,
                                      const std::string& db_dir);
// Durable on return. A crash in between leaves the old epoch without its
// parent, or both as they are asked for. REQUIRES: id and epoch are not empty.
Status WriteIdentity(FileSystem* fs, const std::string& db_dir,
                     const DatabaseIdentity& identity);

bool IsEpoch(std::string_view text);
// The identity in the text of a DATABASE_ID; empty: it is no such text.
std::string ParseDatabaseId(std::string_view text);
// Only the epoch.
Result<std::string> ReadEpoch(FileSystem* fs, const std::string& db_dir);
// Makes one if there is none.
Result<std::string> ReadOrCreateEpoch(FileSystem* fs,
                                      const std::string& db_dir);

// Ends the present history: another epoch follows, whose parent it is.
void BeginEpoch(DatabaseIdentity* identity);
// The same in the folder. Returns the new one. Durable on return.
Result<std::string> BeginEpoch(FileSystem* fs, const std::string& db_dir);

// How far a database has come. LevelDB raises both for ever, except where it
// is repaired, destroyed and made anew, or put back.
struct DatabaseHead {
  uint64_t sequence = 0;         // of its last write
  uint64_t manifest_number = 0;  // NNNNNN of its MANIFEST-NNNNNN

  bool operator==(const DatabaseHead&) const = default;
};

// From CURRENT, the MANIFEST and the logs. Writes nothing; while somebody
// writes to the database, what it says was true a moment ago. kNotFound: there
// is none. `gap`, unless null, gets the log of FindGap (look.h), or "".
Result<DatabaseHead> ReadHead(FileSystem* fs, const std::string& db_dir,
                              std::string* gap = nullptr);

// The sequence of ReadHead; 0 if the database can't be understood.
uint64_t ReadLastSequence(FileSystem* fs, const std::string& db_dir);

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_IDENTITY_H_
