// A small database, the same in every run, that seeds and fuzzers start from.

#ifndef LEVELKEEP_FUZZ_SAMPLE_DATABASE_H_
#define LEVELKEEP_FUZZ_SAMPLE_DATABASE_H_

#include <cstdint>
#include <string>

#include "support.h"

namespace levelkeep::fuzz {

inline constexpr char kDbName[] = "event_registry_db";
inline constexpr char kComparator[] = "leveldb.BytewiseComparator";

// Flat names. Two tables and a log, written by LevelDB itself.
const Files& SampleDatabase();
// Of its last write.
inline constexpr uint64_t kSampleSequence = 12;

// A few hundred bytes that are a database as far as names, CURRENT, MANIFEST
// and sizes go; its tables are not.
Files TinyDatabase();

}  // namespace levelkeep::fuzz

#endif  // LEVELKEEP_FUZZ_SAMPLE_DATABASE_H_
