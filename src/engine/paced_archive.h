// BACKUP_RATE_LIMIT for what reads archives: verifications and drills.

#ifndef LEVELKEEP_ENGINE_PACED_ARCHIVE_H_
#define LEVELKEEP_ENGINE_PACED_ARCHIVE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "archive/archive_reader.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "base/work.h"
#include "destination/wrapped_destination.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Limits how fast an archive is read. Thread safety: any thread.
class PacedArchive {
 public:
  // 0: no limit. `clock` outlives this object.
  PacedArchive(Clock* clock, uint64_t bytes_per_second, std::stop_token stop)
      : clock_(clock),
        bytes_per_second_(bytes_per_second),
        limiter_(clock, bytes_per_second),
        stop_(std::move(stop)) {}
  PacedArchive(const PacedArchive&) = delete;

  // `inner`, or a reader of this object that reads the bytes of `inner`, which
  // outlives this object.
  Result<ArchiveReader*> Open(FileSystem* fs, const std::string& name,
                              ArchiveReader* inner) {
    if (bytes_per_second_ == 0) return inner;
    const auto guard = [this](size_t size, const GuardedSource::Read& read) {
      return Wait(size, read);
    };
    LEVELKEEP_ASSIGN_OR_RETURN(
        reader_,
        ArchiveReader::Open(
            fs, name, std::make_shared<GuardedSource>(&inner->bytes(), guard),
            inner->outline().archive_bytes));
    return reader_.get();
  }
  std::chrono::nanoseconds waited() const {
    return std::chrono::nanoseconds(waited_ns_.load());
  }

 private:
  Result<size_t> Wait(size_t size, const GuardedSource::Read& read) {
    const auto begun = clock_->SteadyNow();
    LEVELKEEP_RETURN_IF_ERROR(limiter_.Take(size, stop_));
    waited_ns_ += std::chrono::nanoseconds(clock_->SteadyNow() - begun).count();
    return read();
  }

  Clock* const clock_;
  const uint64_t bytes_per_second_;
  RateLimiter limiter_;
  const std::stop_token stop_;
  std::atomic<int64_t> waited_ns_{0};
  std::unique_ptr<ArchiveReader> reader_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ENGINE_PACED_ARCHIVE_H_
