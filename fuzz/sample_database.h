// A small database, the same in every run: the base of seeds and fuzzers.

#ifndef LEVELKEEP_FUZZ_SAMPLE_DATABASE_H_
#define LEVELKEEP_FUZZ_SAMPLE_DATABASE_H_

#include <cstdint>
#include <string>

#include "support.h"

namespace levelkeep::fuzz {

inline constexpr char kDbName[] = "event_registry_db";
inline constexpr char kComparator[] = "leveldb.BytewiseComparator";

// Files by name: two tables and a log, written by LevelDB itself.
const Files& SampleDatabase();
// The sequence number of its last write.
inline constexpr uint64_t kSampleSequence = 12;

// A few hundred bytes that pass as a database if only names, CURRENT, MANIFEST
// and sizes are checked; its tables are no tables.
Files TinyDatabase();

}  // namespace levelkeep::fuzz

#endif  // LEVELKEEP_FUZZ_SAMPLE_DATABASE_H_
