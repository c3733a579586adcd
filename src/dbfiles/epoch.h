// BACKUP_ID: the name of one history of a database. A restore starts another
// one, so that consumers notice that the store went back in time.

#ifndef LEVELKEEP_DBFILES_EPOCH_H_
#define LEVELKEEP_DBFILES_EPOCH_H_

#include <string>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Durable on return.
Status WriteEpoch(FileSystem* fs, const std::string& db_dir,
                  const std::string& epoch);
// Empty if there is no valid one.
Result<std::string> ReadEpoch(FileSystem* fs, const std::string& db_dir);
// The random 128-bit id of a database directory; makes one if there is none.
Result<std::string> ReadOrCreateEpoch(FileSystem* fs,
                                      const std::string& db_dir);

// The sequence number of the last write that a closed database holds, read
// from its MANIFEST and logs. 0 if it holds none or can't be understood.
// REQUIRES: its LOCK is held, or nobody else knows of the directory.
uint64_t ReadLastSequence(FileSystem* fs, const std::string& db_dir);

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_EPOCH_H_
