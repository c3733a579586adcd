// Writes at a fixed rate into a database, like an application under steady
// load, and records how long each write took.

#ifndef LEVELKEEP_BENCH_HOST_PACED_WRITER_H_
#define LEVELKEEP_BENCH_HOST_PACED_WRITER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "leveldb/db.h"
#include "levelkeep/status.h"

namespace levelkeep::bench {

struct WriterSettings {
  double rate = 2000;  // writes a second
  size_t value_size = 600;
  bool sync = false;
  uint64_t first_number = 0;  // keys from this number on are new
};

struct WriteSample {
  double scheduled = 0;  // WallSeconds() when the write was due
  // From that time to the end of the write. A write that waits for an earlier
  // slow write counts its waiting, as users would (no coordinated omission).
  double latency = 0;
  double service = 0;  // the call alone
  // How late the thread woke up, which is the kernel's part of `latency`; below
  // 0 if an earlier write was still running and the thread did not sleep.
  double wake_up = -1;
};

// Writes from construction to Stop, in a thread of its own.
// Thread safety: all methods may be called concurrently.
class PacedWriter {
 public:
  // `db` outlives this object.
  PacedWriter(leveldb::DB* db, const WriterSettings& settings);
  ~PacedWriter();
  PacedWriter(const PacedWriter&) = delete;
  PacedWriter& operator=(const PacedWriter&) = delete;

  // Samples are kept between Record and TakeSamples only.
  void Record(size_t expected);
  std::vector<WriteSample> TakeSamples();
  // The first write that failed, if any; the writer then has stopped.
  Status Stop();

 private:
  void Run();

  leveldb::DB* const db_;
  const WriterSettings settings_;
  std::atomic<bool> stop_ = false;

  std::mutex mutex_;
  bool recording_ = false;
  std::vector<WriteSample> samples_;
  Status status_;

  std::thread thread_;  // last, because it uses the other members
};

}  // namespace levelkeep::bench

#endif  // LEVELKEEP_BENCH_HOST_PACED_WRITER_H_
