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

// An event as an application might store it: the layout of src/eventstore, 200
// to 1200 bytes whose fields repeat and differ as real ones do. It depends on
// the arguments alone, so that a database can be appended to by another
// process.
// Thread safety: may be called concurrently.
std::string EventRecord(uint64_t seed, uint64_t sequence);

// Thread safety: one thread at a time.
class EventGenerator {
 public:
  explicit EventGenerator(uint64_t seed) : seed_(seed) {}
  // Exactly `size` bytes of event records, the last one cut off.
  std::string Next(size_t size);

 private:
  const uint64_t seed_;
  uint64_t sequence_ = 0;
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
