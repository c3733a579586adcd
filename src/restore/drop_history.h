// The history of the files in restore/: the record `applied`, the counter of
// crashed attempts, and the move to applied/ or rejected/, under a name that
// fits, with a note and the digests beside it.
//
// An archive is applied at most once. Three steps in this order guarantee that,
// even with a crash or a read-only folder:
//   1. store an entry with name, size, time and digest: "left in restore/"
//   2. write NAME.applied.txt (or rejected/NAME.reason.txt), then move the file
//   3. change the entry to "moved"
// A file that matches an entry of step 1 is never applied again: it could not
// be moved. A file that matches an entry of step 3, including the inode, is not
// applied either if NAME.applied.txt is gone: then the folder was reset to an
// earlier state (a container's image). But if the note is still there, somebody
// took the archive out of applied/ and dropped it again to have it restored.

#ifndef LEVELKEEP_RESTORE_DROP_HISTORY_H_
#define LEVELKEEP_RESTORE_DROP_HISTORY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/drop_scan.h"

namespace levelkeep {

// "x.tar.gz", "x-2.tar.gz", "x-3.tar.gz" … If the name of the note would be too
// long, the end of the stem is cut off.
std::string NumberedDropName(const std::string& name, int number);

enum class DropVerdict { kApplied, kRejected };

// Value type.
struct DropEntry {
  DropVerdict verdict = DropVerdict::kApplied;
  DropIdentity drop;
  std::string sha256;    // empty: not read; a rejection does not need it
  std::string moved_to;  // name in applied/ or rejected/; empty: not moved
  std::string when;      // RFC 3339
  std::string reason;    // of a rejection
};

// One line of text, protected by its own CRC.
std::string EncodeDropEntry(const DropEntry& entry);
// Empty if the line is damaged.
std::optional<DropEntry> DecodeDropEntry(std::string_view line);

// The oldest entry comes first. Damaged lines are ignored.
Result<std::vector<DropEntry>> LoadDropHistory(const RestoreContext& context);

// The entry that forbids trying `drop`, if there is one. If the entry has a
// digest, the caller still has to compare it.
std::optional<DropEntry> FindDropEntry(const RestoreContext& context,
                                       const std::vector<DropEntry>& history,
                                       const DropIdentity& drop);

// Records the verdict and moves the file away, in the order above. If the
// folder can't be written, that is not an error. Idempotent. `advice` is the
// text for people in the note beside a rejected file; empty: to use another
// backup.
Status FinishDrop(const RestoreContext& context, const DropIdentity& drop,
                  const std::string& sha256, DropVerdict verdict,
                  const std::string& reason, const std::string& advice = "");

// Records a rejection but leaves the file in place: there is no database yet,
// and people still want this drop restored.
Status RecordRejected(const RestoreContext& context, const DropIdentity& drop,
                      const std::string& sha256, const std::string& reason);
// The path of a rejected drop; its old path if it was not moved.
Result<std::string> FindRejected(const RestoreContext& context,
                                 const DropIdentity& drop);

// How many starts began to apply this file and did not finish.
Result<uint64_t> CountAttempts(const RestoreContext& context,
                               const DropIdentity& drop);
Status NoteAttempt(const RestoreContext& context, const DropIdentity& drop,
                   uint64_t count);
Status ForgetAttempts(const RestoreContext& context);

// Records the file that StageForRestart last copied into restore/.
Status StoreDropRequest(const RestoreContext& context,
                        const DropIdentity& drop);
// kNotFound if there is none.
Result<DropIdentity> LoadDropRequest(const RestoreContext& context);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_HISTORY_H_
