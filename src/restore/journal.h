// The journal: what an exchange of databases intends, so that the next start
// can finish it or take it back.

#ifndef LEVELKEEP_RESTORE_JOURNAL_H_
#define LEVELKEEP_RESTORE_JOURNAL_H_

#include <cstdint>
#include <string>

#include "restore/context.h"
#include "restore/drop_scan.h"
#include "restore/restorer.h"

namespace levelkeep {

// In the order in which a restore that works passes through them.
enum class JournalState {
  kReady,       // both databases are whole; direction: the new one goes in
  kSwapped,     // the new one is in place, not yet opened
  kCommitted,   // it opened; what is left is tidying
  kRolledBack,  // direction: the old one goes back
};

enum class JournalKind { kRestore, kUndo };

// Value type.
struct Journal {
  std::string id;
  JournalKind kind = JournalKind::kRestore;
  JournalState state = JournalState::kReady;

  // Directories under the work directory: where the new database comes from
  // and where the old one goes to.
  std::string incoming;
  std::string outgoing;
  // What tells them apart, wherever they are and whatever a file system does
  // with inodes at a rename: the BACKUP_ID inside. Old is empty if there was no
  // database.
  std::string old_epoch;
  std::string new_epoch;
  // The same in a journal that 0.1.0 left, which has no epochs.
  uint64_t old_inode = 0;
  uint64_t new_inode = 0;
  uint64_t old_sequence = 0;

  uint64_t crashes = 0;  // starts that did not survive opening it
  std::string reason;    // kRolledBack: why
  bool reject = false;   // kRolledBack: the archive is to blame

  DropIdentity drop;       // of the file in restore/; no name: none
  RestoreOutcome outcome;  // without manifest

  bool had_old() const { return !old_epoch.empty() || old_inode != 0; }
};

Status StoreJournal(const RestoreContext& context, const Journal& journal);
// kNotFound, kCorruption: none that counts.
Result<Journal> LoadJournal(const RestoreContext& context);
Status RemoveJournal(const RestoreContext& context);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_JOURNAL_H_
