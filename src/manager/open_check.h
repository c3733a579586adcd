// Opens a database as the application would, and closes it again.

#ifndef LEVELKEEP_MANAGER_OPEN_CHECK_H_
#define LEVELKEEP_MANAGER_OPEN_CHECK_H_

#include <string>

#include "levelkeep/options.h"
#include "levelkeep/status.h"

namespace leveldb {
class Env;
}

namespace levelkeep {

struct Platform;
struct RestorerOptions;

// With an application's own comparator only levelkeep-check, which imitates
// it, can open the database; then this does nothing.
Status OpenAndClose(const BackupOptions& options, leveldb::Env* env,
                    const std::string& db_dir);

// The restorer's part of the options. kNotFound if levelkeep-check is
// missing
// and `platform` brings no checker.
Result<RestorerOptions> ToRestorerOptions(const BackupOptions& options,
                                          const Platform& platform);

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_OPEN_CHECK_H_
