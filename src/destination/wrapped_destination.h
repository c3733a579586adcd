// Wrappers of destinations: one that takes no more than its share of the line,
// one whose passing faults nobody sees, and what they have in common.

#ifndef LEVELKEEP_DESTINATION_WRAPPED_DESTINATION_H_
#define LEVELKEEP_DESTINATION_WRAPPED_DESTINATION_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/work.h"
#include "destination/destination.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Forwards every call; a wrapper overrides the calls it changes. Owns the inner
// destination. Thread safety: as Destination.
class WrappedDestination : public Destination {
 public:
  explicit WrappedDestination(std::unique_ptr<Destination> inner)
      : inner_(std::move(inner)) {}

  std::string Id() const override { return inner_->Id(); }
  Abilities abilities() const override { return inner_->abilities(); }
  Result<std::vector<StoredObject>> List(const Work& work) override {
    return inner_->List(work);
  }
  Result<StoredObject> Stat(const std::string& name,
                            const Work& work) override {
    return inner_->Stat(name, work);
  }
  Result<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                           const std::string& version,
                                           const Work& work) override {
    return inner_->Open(name, version, work);
  }
  Result<StoredObject> Put(const std::string& name, const PutSource& source,
                           PutRecord* record, const Work& work) override {
    return inner_->Put(name, source, record, work);
  }
  Status Remove(const std::string& name, const Work& work) override {
    return inner_->Remove(name, work);
  }

 protected:
  Destination* inner() const { return inner_.get(); }

 private:
  const std::unique_ptr<Destination> inner_;
};

// Passes each read of a source to `guard`, with the number of bytes and the
// read itself. `guard` may run the read later, repeatedly, or not at all.
// Thread safety: as ByteSource, if `guard` may be called by several threads.
class GuardedSource : public ByteSource {
 public:
  using Read = std::function<Result<size_t>()>;
  using Guard = std::function<Result<size_t>(size_t size, const Read& read)>;

  // `inner` outlives this object.
  GuardedSource(const ByteSource* inner, Guard guard)
      : inner_(inner), guard_(std::move(guard)) {}
  // Owns `inner`.
  GuardedSource(std::unique_ptr<ByteSource> inner, Guard guard)
      : owned_(std::move(inner)),
        inner_(owned_.get()),
        guard_(std::move(guard)) {}

  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    return guard_(size, [&] { return inner_->ReadAt(offset, buffer, size); });
  }
  Result<size_t> ReadFromDevice(uint64_t offset, char* buffer,
                                size_t size) const override {
    return guard_(size,
                  [&] { return inner_->ReadFromDevice(offset, buffer, size); });
  }
  void WillNeed(uint64_t offset, uint64_t size) const override {
    inner_->WillNeed(offset, size);
  }
  void DontNeed(uint64_t offset, uint64_t size) const override {
    inner_->DontNeed(offset, size);
  }
  bool IsCached(uint64_t offset) const override {
    return inner_->IsCached(offset);
  }

 private:
  const std::unique_ptr<ByteSource> owned_;
  const ByteSource* const inner_;
  const Guard guard_;
};

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

#endif  // LEVELKEEP_DESTINATION_WRAPPED_DESTINATION_H_
