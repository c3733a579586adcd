// Data that looks like the data of event stores: JSON records of a few hundred
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

// A small, fast generator (SplitMix64). The slower std::mt19937 would be part
// of the measured time.
// Thread safety: one thread at a time.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next();
  // A number below `limit`, which is not 0.
  uint64_t Below(uint64_t limit) { return Next() % limit; }
  std::string Hex(size_t digits);

 private:
  uint64_t state_;
};

// An event as an application might store it: in the layout of src/eventstore,
// 200 to 1200 bytes, with fields that repeat and differ as real ones do. It
// depends on the arguments alone, so that another process can append to a
// database.
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
// A LevelDB table (with Snappy) of events, at least `size` bytes: backups
// consist mostly of such tables.
std::string EventTable(size_t size);

// Writes events of `value_size` bytes with new keys from `first` on until about
// `bytes` are written. Returns the key after the last.
Result<uint64_t> FillWithEvents(leveldb::DB* db, uint64_t bytes,
                                size_t value_size, uint64_t first);

}  // namespace levelkeep::bench

#endif  // LEVELKEEP_BENCH_SUPPORT_EVENT_DATA_H_
