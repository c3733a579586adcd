// Where a drop goes when it is dealt with: applied/ or rejected/, under a name
// that fits, with its note and the digests beside it.

#ifndef LEVELKEEP_RESTORE_DROP_PLACE_H_
#define LEVELKEEP_RESTORE_DROP_PLACE_H_

#include <string>
#include <string_view>

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

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_PLACE_H_
