// The journal: the intention of an exchange of databases, so that the next
// start can finish the exchange or undo it.

#ifndef LEVELKEEP_RESTORE_JOURNAL_H_
#define LEVELKEEP_RESTORE_JOURNAL_H_

#include <cstdint>
#include <string>

#include "restore/context.h"
#include "restore/drop_identity.h"
#include "restore/restorer.h"

namespace levelkeep {

// In the order of a restore that succeeds.
enum class JournalState {
  kReady,       // both databases are complete; next: the new one goes in
  kSwapped,     // the new database is live, but was not opened yet
  kCommitted,   // the new database opened; only clean-up is left
  kRolledBack,  // next: the old database goes back
};

enum class JournalKind { kRestore, kUndo };

// Value type.
struct Journal {
  std::string id;
  JournalKind kind = JournalKind::kRestore;
  JournalState state = JournalState::kReady;

  // Directories in the work directory: the source of the new database, and the
  // destination of the old one.
  std::string incoming;
  std::string outgoing;
  // The BACKUP_IDs inside the two databases. They identify the databases
  // wherever these are, even if a rename changes inodes. `old_epoch` is empty
  // if there was no database.
  std::string old_epoch;
  std::string new_epoch;
  // The inodes instead, in a journal of 0.1.0, which has no epochs.
  uint64_t old_inode = 0;
  uint64_t new_inode = 0;
  uint64_t old_sequence = 0;

  uint64_t crashes = 0;  // starts that died while opening the database
  std::string reason;    // kRolledBack: why
  bool reject = false;   // kRolledBack: the archive caused it

  DropIdentity drop;       // the file in restore/; empty name: no file
  RestoreOutcome outcome;  // without manifest

  bool had_old() const { return !old_epoch.empty() || old_inode != 0; }
};

Status StoreJournal(const RestoreContext& context, const Journal& journal);
// kNotFound or kCorruption if there is no valid journal.
Result<Journal> LoadJournal(const RestoreContext& context);
Status RemoveJournal(const RestoreContext& context);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_JOURNAL_H_
