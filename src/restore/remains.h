// A database from what is left of one that lacks files, for those who have no
// backup of it.

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

// As what an undo lists the folder that remains were taken from.
inline constexpr char kRemainsName[] = "accept-loss";

struct Remains {
  // What is wrong with the database, as RequireWhole says it.
  std::string fault;
  // The MANIFEST whose tables are all there: the database goes on with it.
  // Empty: the list of tables is made anew, by LevelDB's repair.
  std::string manifest;
  Version version;                  // where there is a `manifest`
  std::vector<std::string> tables;  // names of files that are used
  std::vector<uint64_t> logs;       // likewise, by number
  std::string comparator;           // empty: no MANIFEST says it
};

// What there is in the database's folder. kNotFound: nothing is lacking there.
// Writes nothing.
Result<Remains> FindRemains(const RestoreContext& context);

// kUnsupported where tables would have to be put in an order that only the
// application knows.
Status CheckRepairable(const RestoreContext& context, const Remains& remains);

// 1. links to the tables, copies of the logs   2. a MANIFEST that names them,
// or LevelDB's repair   3. opened once, as after a crash   4. checked as a
// foreign archive's database   5. the same identity, another history
//
// What can't be read is left out. Refuses what CheckRepairable does.
// kBusy while somebody has the database open; nobody can until it returns.
Result<Restorer::Staged> StageRemains(const RestoreContext& context,
                                      const Remains& remains, const Work& work);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_REMAINS_H_
