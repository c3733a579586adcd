// levelkeep-check on a simulated disk: the same checks and the same scan, in
// this process.

#ifndef LEVELKEEP_TESTS_CRASH_SIMULATED_CHECK_H_
#define LEVELKEEP_TESTS_CRASH_SIMULATED_CHECK_H_

#include <map>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "leveldb/env.h"
#include "levelkeep/status.h"
#include "restore/restorer.h"

namespace levelkeep::test {

using Entries = std::map<std::string, std::string>;
using Content = std::shared_ptr<const Entries>;

// For Platform; `fs` and `env` lead to one disk and outlive the checkers.
StoreChecker SimulatedStoreChecker(FileSystem* fs, leveldb::Env* env);
StoreChecker SimulatedArchiveChecker(FileSystem* fs, leveldb::Env* env);

// Every entry of the database in an archive of ours, which passed all of
// levelkeep-check's checks. `scratch_dir` is made and removed.
Result<Content> ReadArchivedEntries(FileSystem* fs, leveldb::Env* env,
                                    const std::string& archive_path,
                                    const std::string& scratch_dir);

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_CRASH_SIMULATED_CHECK_H_
