// A destination that hides faults that pass.

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
  // Before the n-th new try there is a pause of random length, at most
  // first_pause * 2^(n-1) and at most longest_pause. It is random so that many
  // clients that one fault hit don't return at the same moment ("full jitter").
  std::chrono::milliseconds first_pause{500};
  std::chrono::milliseconds longest_pause{60'000};
  // A task fails for good after this time without any progress.
  std::chrono::milliseconds patience{15 * 60'000};
};

// Repeats calls that end with kIoError, and no others. If a Put succeeded but
// reported a failure, its object is recognised by its bytes; a Put with a
// record continues. Reads of sources that Open returned are repeated, too.
// Progress never goes back. Thread safety: as Destination.
class RetryingDestination : public WrappedDestination {
 public:
  // `clock` outlives this object and all sources it opens; this object outlives
  // the sources.
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
  // Runs `attempt` until it succeeds or fails for good.
  template <typename Attempt>
  auto Try(const Work& work, const Attempt& attempt) const;
  // The existing object, if an earlier attempt of this Put created it; else the
  // error `taken`.
  Result<StoredObject> Recognise(const std::string& name,
                                 const PutSource& source, const Status& taken,
                                 const Work& work);

  Clock* const clock_;
  const RetryPolicy policy_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_DESTINATION_RETRYING_DESTINATION_H_
