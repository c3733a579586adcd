// Data that looks like what event stores keep: JSON records of a few hundred
// bytes, half of which repeats. The same on every machine.

#ifndef LEVELKEEP_BENCH_SUPPORT_EVENT_DATA_H_
#define LEVELKEEP_BENCH_SUPPORT_EVENT_DATA_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "levelkeep/status.h"

namespace leveldb {
class DB;
}

namespace levelkeep::bench {

// A small, fast generator (SplitMix64): std::mt19937's speed would be part of
// what is measured.
// Thread safety: one thread at a time.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next();
  // Below `limit`, which is not 0.
  uint64_t Below(uint64_t limit) { return Next() % limit; }
  std::string Hex(size_t digits);

 private:
  uint64_t state_;
};

// Thread safety: one thread at a time.
class EventGenerator {
 public:
  explicit EventGenerator(uint64_t seed) : random_(seed) {}
  // Exactly `size` bytes of JSON, cut off where it is too short for them.
  std::string Next(size_t size);

 private:
  Random random_;
};

// "evt:" and 16 digits, so that byte order is number order.
std::string EventKey(uint64_t number);

// About `size` bytes of raw events.
std::string RawEvents(size_t size);
// A LevelDB table (with Snappy) of events, at least `size` bytes: what
// backups are mostly made of.
std::string EventTable(size_t size);

// Writes events of `value_size` bytes under new keys from `first` on until
// about `bytes` were written. The key after the last.
Result<uint64_t> FillWithEvents(leveldb::DB* db, uint64_t bytes,
                                size_t value_size, uint64_t first);

}  // namespace levelkeep::bench

#endif  // LEVELKEEP_BENCH_SUPPORT_EVENT_DATA_H_
