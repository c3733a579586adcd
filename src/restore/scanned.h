// The LevelKeep archives whose databases were already scanned key by key for
// this storage; a restore does not scan them again. The record is in the work
// folder: anybody who can write to backups/ could claim there that an archive
// is verified, and no database may be opened unchecked because of such a claim.

#ifndef LEVELKEEP_RESTORE_SCANNED_H_
#define LEVELKEEP_RESTORE_SCANNED_H_

#include <string>

#include "levelkeep/status.h"
#include "restore/context.h"

namespace levelkeep {

// Remembers the archive with this SHA-256; the oldest ones are dropped. Does
// nothing if the storage belongs to another user or does not exist.
// REQUIRES: one caller at a time.
Status AddScanned(const RestoreContext& context, const std::string& sha256);
// False if the record can't be read.
bool WasScanned(const RestoreContext& context, const std::string& sha256);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_SCANNED_H_
