// Makes a database from the remaining files of one that lacks files, for people
// without a backup.

#ifndef LEVELKEEP_RESTORE_REMAINS_H_
#define LEVELKEEP_RESTORE_REMAINS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/work.h"
#include "dbfiles/version.h"
#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/restorer.h"

namespace levelkeep {

// The name under which an undo lists the folder that remains were taken from.
inline constexpr char kRemainsName[] = "accept-loss";

struct Remains {
  // The fault of the database, in the words of RequireWhole.
  std::string fault;
  // A MANIFEST whose tables all exist; the database continues with it. Empty:
  // LevelDB's repair makes a new list of tables.
  std::string manifest;
  Version version;                  // of `manifest`, if that is set
  std::vector<std::string> tables;  // names of the table files to use
  std::vector<uint64_t> logs;       // numbers of the logs to use
  std::string comparator;           // empty: no MANIFEST names it
};

// The remaining files in the database's folder. kNotFound: no file is missing.
// Writes nothing.
Result<Remains> FindRemains(const RestoreContext& context);

// kUnsupported if the repair would have to sort tables in an order that only
// the application knows.
Status CheckRepairable(const RestoreContext& context, const Remains& remains);

// 1. links to the tables, copies of the logs   2. a MANIFEST that names them,
// or LevelDB's repair   3. one open, as after a crash   4. the check for
// databases of foreign archives   5. the old identity with a new history
//
// Leaves out what can't be read. Fails where CheckRepairable fails. kBusy while
// somebody has the database open; until it returns, nobody else can open it.
Result<Restorer::Staged> StageRemains(const RestoreContext& context,
                                      const Remains& remains, const Work& work);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_REMAINS_H_
