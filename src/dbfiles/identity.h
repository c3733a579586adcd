// The identity of the database in a folder, and of its present history.
//
// DATABASE_ID  identifies the database, so that its own backups are found. The
//              text is random, is made when a database is first attached or
//              backed up, and stays the same after restores and moves to other
//              hosts. One line: the identity, and the epoch that the present
//              history left, if that is known.
// BACKUP_ID    identifies the present history ("epoch"). A restore begins a new
//              epoch, so that consumers notice that the store went back in
//              time.
//
// LevelDB never touches these two files, not even when it destroys or repairs a
// database. Archives don't hold them.

#ifndef LEVELKEEP_DBFILES_IDENTITY_H_
#define LEVELKEEP_DBFILES_IDENTITY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Each text is 32 lower-case hexadecimal digits, or empty if not known.
struct DatabaseIdentity {
  std::string id;
  std::string epoch;
  std::string parent;  // the epoch that the present epoch replaced

  bool operator==(const DatabaseIdentity&) const = default;
};

// Fields whose text is missing or malformed are empty.
Result<DatabaseIdentity> ReadIdentity(FileSystem* fs,
                                      const std::string& db_dir);
// Durable on return. After a crash during the call, the folder has either the
// old epoch without its parent, or the new identity. REQUIRES: id and epoch are
// not empty.
Status WriteIdentity(FileSystem* fs, const std::string& db_dir,
                     const DatabaseIdentity& identity);

bool IsEpoch(std::string_view text);
// The identity in the text of a DATABASE_ID; empty if the text is malformed.
std::string ParseDatabaseId(std::string_view text);
// The epoch alone.
Result<std::string> ReadEpoch(FileSystem* fs, const std::string& db_dir);
// Creates an epoch if there is none.
Result<std::string> ReadOrCreateEpoch(FileSystem* fs,
                                      const std::string& db_dir);

// Starts a new epoch, whose parent is the present epoch.
void BeginEpoch(DatabaseIdentity* identity);
// The same in the folder. Returns the new epoch. Durable on return.
Result<std::string> BeginEpoch(FileSystem* fs, const std::string& db_dir);

// How far a database has advanced. LevelDB only raises these numbers; they fall
// when the database is repaired, restored, or destroyed and created again.
struct DatabaseHead {
  uint64_t sequence = 0;         // of its last write
  uint64_t manifest_number = 0;  // NNNNNN of its MANIFEST-NNNNNN

  bool operator==(const DatabaseHead&) const = default;
};

// Reads CURRENT, the MANIFEST and the logs; writes nothing. If the database is
// being written to, the answer may already be old. kNotFound if there is no
// database. `gap`, unless null, gets the log of FindGap (database_files.h), or
// "".
Result<DatabaseHead> ReadHead(FileSystem* fs, const std::string& db_dir,
                              std::string* gap = nullptr);

// The sequence of ReadHead; 0 if the database can't be decoded.
uint64_t ReadLastSequence(FileSystem* fs, const std::string& db_dir);

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_IDENTITY_H_
