// What the programs of this folder share: opening databases, reading the
// clock, failing.

#ifndef LEVELKEEP_BENCH_PEERS_SUPPORT_H_
#define LEVELKEEP_BENCH_PEERS_SUPPORT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "leveldb/db.h"
#include "leveldb/options.h"
#include "levelkeep/status.h"

namespace levelkeep::bench {

// Prints "program: status" to standard error if it is not ok. For main().
int ExitCode(const std::string& program, const Status& status);

// kIoError with LevelDB's words and the database's folder.
Status FromLevelDb(const leveldb::Status& status, const std::string& dir);

Result<std::unique_ptr<leveldb::DB>> OpenDatabase(
    const leveldb::Options& options, const std::string& dir);

// The newest event by `meta:head`; 0 if the database has none.
Result<uint64_t> LastEvent(leveldb::DB* db, const std::string& dir);

// Appends events and moves `meta:head`, in one batch. Not synced.
Status AppendEvents(leveldb::DB* db, uint64_t seed, uint64_t first,
                    uint64_t count);

// Processor time of all threads of this process, user and system.
double CpuSeconds();

}  // namespace levelkeep::bench

#endif  // LEVELKEEP_BENCH_PEERS_SUPPORT_H_
