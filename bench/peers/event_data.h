// Events as an application might store them: the layout of src/eventstore,
// values of 200 to 1200 bytes whose fields repeat and differ as real ones do.

#ifndef LEVELKEEP_BENCH_PEERS_EVENT_DATA_H_
#define LEVELKEEP_BENCH_PEERS_EVENT_DATA_H_

#include <cstdint>
#include <string>

namespace levelkeep::bench {

// The record of event `sequence`, a JSON object. It depends on the arguments
// alone, so that a database can be appended to by another process.
// Thread safety: may be called concurrently.
std::string EventRecord(uint64_t seed, uint64_t sequence);

}  // namespace levelkeep::bench

#endif  // LEVELKEEP_BENCH_PEERS_EVENT_DATA_H_
