// A destination with a limit on the bytes per second.

#ifndef LEVELKEEP_DESTINATION_LIMITED_DESTINATION_H_
#define LEVELKEEP_DESTINATION_LIMITED_DESTINATION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/rate_limiter.h"
#include "destination/wrapped_destination.h"

namespace levelkeep {

// Sending and reading share one budget, for all threads together. Shared ranges
// are not sent and cost nothing. Unused budget can't be saved for later. Thread
// safety: as Destination.
class LimitedDestination : public WrappedDestination {
 public:
  // 0: no limit. `clock` outlives this object and all sources it opens; this
  // object outlives the sources.
  LimitedDestination(std::unique_ptr<Destination> inner, Clock* clock,
                     uint64_t bytes_per_second);

  Result<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                           const std::string& version,
                                           const Work& work) override;
  Result<StoredObject> Put(const std::string& name, const PutSource& source,
                           PutRecord* record, const Work& work) override;

 private:
  GuardedSource::Guard Limit(const Work& work);

  RateLimiter limiter_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_DESTINATION_LIMITED_DESTINATION_H_
