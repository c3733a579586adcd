// LevelDB handles for benchmarks.

#ifndef LEVELKEEP_BENCH_SUPPORT_DATABASE_H_
#define LEVELKEEP_BENCH_SUPPORT_DATABASE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "leveldb/db.h"
#include "leveldb/env.h"
#include "leveldb/options.h"
#include "leveldb/status.h"
#include "levelkeep/status.h"

namespace levelkeep::bench {

// kIoError with LevelDB's message after `where`, such as a folder.
Status FromLevelDb(const leveldb::Status& status,
                   const std::string& where = "leveldb");

Result<std::unique_ptr<leveldb::DB>> OpenDatabase(
    const leveldb::Options& options, const std::string& dir);

// If `env` is null, LevelDB's own. Creates a database that does not exist.
Result<std::unique_ptr<leveldb::DB>> OpenDatabase(const std::string& dir,
                                                  leveldb::Env* env);

// Makes a database of about `bytes` of events as applications write them
// (600 B), finishes its compactions and closes it. Says on stderr that this
// takes a moment. Returns the number of events.
Result<uint64_t> MakeDatabase(const std::string& dir, uint64_t bytes);

}  // namespace levelkeep::bench

#endif  // LEVELKEEP_BENCH_SUPPORT_DATABASE_H_
