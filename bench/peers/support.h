// Shared by the programs of this folder: the event store's keys, errors.

#ifndef LEVELKEEP_BENCH_PEERS_SUPPORT_H_
#define LEVELKEEP_BENCH_PEERS_SUPPORT_H_

#include <cstdint>
#include <string>

#include "leveldb/db.h"
#include "levelkeep/status.h"
#include "support/database.h"

namespace levelkeep::bench {

// Prints "program: status" to standard error if it is not ok. For main().
int ExitCode(const std::string& program, const Status& status);

// The number of the newest event, from `meta:head`; 0 without events.
Result<uint64_t> LastEvent(leveldb::DB* db, const std::string& dir);

// Appends events and moves `meta:head`, in one batch. Not synced.
Status AppendEvents(leveldb::DB* db, uint64_t seed, uint64_t first,
                    uint64_t count);

}  // namespace levelkeep::bench

#endif  // LEVELKEEP_BENCH_PEERS_SUPPORT_H_
