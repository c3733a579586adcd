// The common part of all wrappers of destinations. Private to destination and
// to tests.

#ifndef LEVELKEEP_DESTINATION_WRAPPED_DESTINATION_H_
#define LEVELKEEP_DESTINATION_WRAPPED_DESTINATION_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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

}  // namespace levelkeep

#endif  // LEVELKEEP_DESTINATION_WRAPPED_DESTINATION_H_
