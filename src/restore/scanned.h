// Which archives of ours were scanned key by key for this storage: their
// databases are not scanned once more by a restore. Kept in the work folder,
// since who can write to backups/ can write there that an archive is verified,
// and nothing of such an archive may be opened unchecked.

#ifndef LEVELKEEP_RESTORE_SCANNED_H_
#define LEVELKEEP_RESTORE_SCANNED_H_

#include <string>

#include "levelkeep/status.h"
#include "restore/context.h"

namespace levelkeep {

// Remembers the archive with this SHA-256; of many, the last ones. Where the
// storage belongs to another user, or there is none yet, nothing.
// REQUIRES: one caller at a time.
Status AddScanned(const RestoreContext& context, const std::string& sha256);
// What can't be read says no.
bool WasScanned(const RestoreContext& context, const std::string& sha256);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_SCANNED_H_
