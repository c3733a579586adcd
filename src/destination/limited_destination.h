// A destination that takes no more than its share of the line.

#ifndef LEVELKEEP_DESTINATION_LIMITED_DESTINATION_H_
#define LEVELKEEP_DESTINATION_LIMITED_DESTINATION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/rate_limiter.h"
#include "destination/wrapped_destination.h"

namespace levelkeep {

// What is sent and what is read share one budget, whatever number of threads
// does it; ranges that are shared are not sent and cost nothing. A time without
// work can't be saved up. Thread safety: as Destination.
class LimitedDestination : public WrappedDestination {
 public:
  // 0: no limit. `clock` outlives this object and what it opens, and this
  // object what it opens.
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
