// Moves a handled drop to applied/ or rejected/, under a free name, together
// with a note and the digests beside it.

#ifndef LEVELKEEP_RESTORE_DROP_PLACE_H_
#define LEVELKEEP_RESTORE_DROP_PLACE_H_

#include <string>
#include <string_view>

#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/drop_scan.h"

namespace levelkeep {

// Suffixes of the notes beside archives in applied/ and rejected/.
inline constexpr std::string_view kAppliedNote = ".applied.txt";
inline constexpr std::string_view kReasonNote = ".reason.txt";

// "x.tar.gz", "x-2.tar.gz", "x-3.tar.gz" … If the name of the note would be too
// long, the end of the stem is cut off.
std::string NumberedDropName(const std::string& name, int number);

// Writes the note, then moves the digests, then the drop, durably. Returns the
// new name. kNotFound: another file has taken the drop's name; it stays there.
// kAlreadyExists: the folder has too many files of that name.
Result<std::string> MoveDrop(const RestoreContext& context,
                             const DropIdentity& drop,
                             const std::string& folder,
                             std::string_view note_suffix,
                             const std::string& note);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_PLACE_H_
