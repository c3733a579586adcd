// Makes small LevelDB databases for tests, and checks what became of them.
//
// Link levelkeep_test_leveldb.

#ifndef LEVELKEEP_TESTS_SUPPORT_LEVELDB_FIXTURE_H_
#define LEVELKEEP_TESTS_SUPPORT_LEVELDB_FIXTURE_H_

#include <cstdint>
#include <map>
#include <string>

#include "leveldb/env.h"
#include "snapshot/snapshot.h"

namespace levelkeep::test {

struct BuildOptions {
  uint64_t first_event = 1;
  size_t write_buffer_bytes = 64 << 10;  // small: several tables
  size_t value_bytes = 200;
  leveldb::Env* env = nullptr;  // null: the stock one
};

// The key and value of event `number` (from 1): "evt:00000000000000000001"
// and a JSON object padded to `value_bytes`.
std::string EventKey(uint64_t number);
std::string EventValue(uint64_t number, size_t value_bytes = 200);

// Creates the database or adds to it: `events` events, one Put each, so that
// last_sequence grows by `events`. Then closes it. Aborts on failure.
void BuildDatabase(const std::string& dir, uint64_t events,
                   const BuildOptions& options = BuildOptions());

// Every entry, read with checksums by a paranoid stock LevelDB. Opening the
// database changes its folder. `problem` gets the error, or "".
std::map<std::string, std::string> ReadDatabase(const std::string& dir,
                                                std::string* problem);

// "" if the database holds exactly the events 1..`events` as BuildDatabase
// writes them, else the first problem.
std::string CheckDatabase(const std::string& dir, uint64_t events,
                          size_t value_bytes = 200);

// Reads every file of the snapshot into `dir` (created), as a backup would.
Status Materialise(const Snapshot& snapshot, const std::string& dir);

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_LEVELDB_FIXTURE_H_
