// A destination whose passing faults nobody sees.

#ifndef LEVELKEEP_DESTINATION_RETRYING_DESTINATION_H_
#define LEVELKEEP_DESTINATION_RETRYING_DESTINATION_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "destination/wrapped_destination.h"

namespace levelkeep {

struct RetryPolicy {
  // Before the n-th new try: a random time up to the first one times 2^(n-1),
  // and up to the longest one. Random, so that many who were cut off by one
  // fault don't come back at one moment ("full jitter").
  std::chrono::milliseconds first_pause{500};
  std::chrono::milliseconds longest_pause{60'000};
  // A task is given up when for so long nothing of it went on.
  std::chrono::milliseconds patience{15 * 60'000};
};

// Tries again what ended with kIoError, and only that. A Put that was done
// although it said that it was not is recognised by its bytes; one with a
// record goes on where it was. The reads of what Open returned are tried again,
// too. Progress never goes back. Thread safety: as Destination.
class RetryingDestination : public WrappedDestination {
 public:
  // `clock` outlives this object and what it opens, and this object what it
  // opens.
  RetryingDestination(std::unique_ptr<Destination> inner, Clock* clock,
                      RetryPolicy policy = {});

  Result<std::vector<StoredObject>> List(const Work& work) override;
  Result<StoredObject> Stat(const std::string& name, const Work& work) override;
  Result<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                           const std::string& version,
                                           const Work& work) override;
  Result<StoredObject> Put(const std::string& name, const PutSource& source,
                           PutRecord* record, const Work& work) override;
  Status Remove(const std::string& name, const Work& work) override;

 private:
  // Runs `attempt` until it succeeds, or its failure is none that passes.
  template <typename Attempt>
  auto Try(const Work& work, const Attempt& attempt) const;
  // The object that is there, if it is what an earlier attempt has put; else
  // `taken`.
  Result<StoredObject> Recognise(const std::string& name,
                                 const PutSource& source, const Status& taken,
                                 const Work& work);

  Clock* const clock_;
  const RetryPolicy policy_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_DESTINATION_RETRYING_DESTINATION_H_
