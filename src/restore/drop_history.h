// What became of the files in restore/: the record `applied`, the counter of
// crashed attempts, and the move to applied/ or rejected/, under a name that
// fits, with a note and the digests beside it.
//
// An archive is applied at most once. Three things happen in this order, so
// that a crash or a read-only folder can't break that:
//   1. an entry with name, size, time and digest: "left in restore/"
//   2. NAME.applied.txt (or rejected/NAME.reason.txt), then the move
//   3. the entry says "moved"
// A file that fits an entry of step 1 is never applied again: it could not
// be moved. One that fits an entry of step 3, inode and all, is not applied
// either if NAME.applied.txt is gone: then the folder was put back as it was
// (a container's image), not used. But if the note is still there, somebody
// took the archive out of applied/ and dropped it again: that is a wish.

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

// What stands beside an archive in applied/ and in rejected/.
inline constexpr std::string_view kAppliedNote = ".applied.txt";
inline constexpr std::string_view kReasonNote = ".reason.txt";

// "x.tar.gz", "x-2.tar.gz", "x-3.tar.gz" … A name that is so long that its note
// would have no name loses the end of its stem.
std::string NumberedDropName(const std::string& name, int number);

// Writes the note, then moves the digests, then the drop, durably. Returns the
// new name. kNotFound: another file has taken the drop's name, and stays.
// kAlreadyExists: too many of that name are there.
Result<std::string> MoveDrop(const RestoreContext& context,
                             const DropIdentity& drop,
                             const std::string& folder,
                             std::string_view note_suffix,
                             const std::string& note);

enum class DropVerdict { kApplied, kRejected };

// Value type.
struct DropEntry {
  DropVerdict verdict = DropVerdict::kApplied;
  DropIdentity drop;
  std::string sha256;    // empty: not read, which a rejection does without
  std::string moved_to;  // name in applied/ or rejected/; empty: left
  std::string when;      // RFC 3339
  std::string reason;    // of a rejection
};

// One line, protected by a CRC of its own.
std::string EncodeDropEntry(const DropEntry& entry);
// Nothing if the line is damaged.
std::optional<DropEntry> DecodeDropEntry(std::string_view line);

// Oldest first. Damaged lines count as absent.
Result<std::vector<DropEntry>> LoadDropHistory(const RestoreContext& context);

// The entry because of which `drop` must not be tried, if there is one. Its
// digest, where it has one, still has to be compared.
std::optional<DropEntry> FindDropEntry(const RestoreContext& context,
                                       const std::vector<DropEntry>& history,
                                       const DropIdentity& drop);

// Records the verdict and moves the file out of the way, in the order above.
// A folder that can't be written is not an error. Idempotent. `advice` is what
// the note beside a rejected file tells people to do; empty: to use another.
Status FinishDrop(const RestoreContext& context, const DropIdentity& drop,
                  const std::string& sha256, DropVerdict verdict,
                  const std::string& reason, const std::string& advice = "");

// Records a rejection and leaves the file where it is: there is no database
// yet, and the drop is still wanted.
Status RecordRejected(const RestoreContext& context, const DropIdentity& drop,
                      const std::string& sha256, const std::string& reason);
// The path of a drop that FinishDrop rejected; its old one if it was not moved.
Result<std::string> FindRejected(const RestoreContext& context,
                                 const DropIdentity& drop);

// How often a start began with this file and did not come to an end.
Result<uint64_t> CountAttempts(const RestoreContext& context,
                               const DropIdentity& drop);
Status NoteAttempt(const RestoreContext& context, const DropIdentity& drop,
                   uint64_t count);
Status ForgetAttempts(const RestoreContext& context);

// The file that StageForRestart put there last.
Status StoreDropRequest(const RestoreContext& context,
                        const DropIdentity& drop);
// kNotFound if there is none.
Result<DropIdentity> LoadDropRequest(const RestoreContext& context);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_HISTORY_H_
