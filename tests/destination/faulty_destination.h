// A destination that fails when it is told to.

#ifndef LEVELKEEP_TESTS_DESTINATION_FAULTY_DESTINATION_H_
#define LEVELKEEP_TESTS_DESTINATION_FAULTY_DESTINATION_H_

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/status_macros.h"
#include "destination/wrapped_destination.h"

namespace levelkeep::test {

// The calls are "List", "Stat", "Open", "Read" (of an open object), "Put" and
// "Remove". Thread safety: all methods may be called concurrently.
class FaultyDestination : public WrappedDestination {
 public:
  enum class When {
    kBefore,  // the operation is not done
    kAfter,   // the operation is done, but its answer is lost
  };

  using WrappedDestination::WrappedDestination;

  // The next `times` calls of that kind fail.
  void Fail(const std::string& call, uint64_t times,
            StatusCode code = StatusCode::kIoError, When when = When::kBefore) {
    MutexLock lock(&mutex_);
    faults_[call] = {times, code, when};
  }
  // Each n-th call fails, alternately before and after it is done; 0: no call.
  void FailEvery(uint64_t n) {
    MutexLock lock(&mutex_);
    every_ = n;
  }
  // The bytes of a Put can't be read from that offset on, for the next `times`
  // Puts.
  void CutPuts(uint64_t offset, uint64_t times) {
    MutexLock lock(&mutex_);
    cut_at_ = offset;
    cuts_ = times;
  }
  uint64_t calls(const std::string& call) const {
    MutexLock lock(&mutex_);
    const auto it = calls_.find(call);
    return it == calls_.end() ? 0 : it->second;
  }

  Result<std::vector<StoredObject>> List(const Work& work) override {
    return Pass("List", [&] { return inner()->List(work); });
  }
  Result<StoredObject> Stat(const std::string& name,
                            const Work& work) override {
    return Pass("Stat", [&] { return inner()->Stat(name, work); });
  }
  Result<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                           const std::string& version,
                                           const Work& work) override {
    LEVELKEEP_ASSIGN_OR_RETURN(auto source, Pass("Open", [&] {
                                 return inner()->Open(name, version, work);
                               }));
    return std::unique_ptr<ByteSource>(std::make_unique<GuardedSource>(
        std::move(source), [this](size_t, const GuardedSource::Read& read) {
          return Pass("Read", read);
        }));
  }
  Result<StoredObject> Put(const std::string& name, const PutSource& source,
                           PutRecord* record, const Work& work) override {
    return Pass("Put", [&]() -> Result<StoredObject> {
      const CutSource cut(source.bytes, NextCut());
      PutSource shortened = source;
      shortened.bytes = &cut;
      return inner()->Put(name, shortened, record, work);
    });
  }
  Status Remove(const std::string& name, const Work& work) override {
    return Pass("Remove", [&] { return inner()->Remove(name, work); });
  }

 private:
  struct Faults {
    uint64_t times = 0;
    StatusCode code = StatusCode::kIoError;
    When when = When::kBefore;
  };

  // Fails from an offset on.
  class CutSource : public ByteSource {
   public:
    CutSource(const ByteSource* inner, uint64_t end)
        : inner_(inner), end_(end) {}
    Result<size_t> ReadAt(uint64_t offset, char* buffer,
                          size_t size) const override {
      if (offset + size > end_) {
        return Status(StatusCode::kIoError, "the line was cut");
      }
      return inner_->ReadAt(offset, buffer, size);
    }

   private:
    const ByteSource* const inner_;
    const uint64_t end_;
  };

  uint64_t NextCut() {
    MutexLock lock(&mutex_);
    if (cuts_ == 0) return UINT64_MAX;
    --cuts_;
    return cut_at_;
  }

  Faults NextFault(const std::string& call) {
    MutexLock lock(&mutex_);
    ++calls_[call];
    if (every_ > 0 && ++counted_ % every_ == 0) {
      return {1, StatusCode::kIoError,
              counted_ / every_ % 2 == 0 ? When::kBefore : When::kAfter};
    }
    Faults& armed = faults_[call];
    if (armed.times == 0) return {};
    --armed.times;
    return {1, armed.code, armed.when};
  }

  template <typename Call>
  auto Pass(const std::string& name, const Call& call) -> decltype(call()) {
    const Faults fault = NextFault(name);
    const Status failed(fault.code, name + " failed, as the test wishes");
    if (fault.times == 0) return call();
    if (fault.when == When::kBefore) return failed;
    auto done = call();
    if (!done.ok()) return done;
    return failed;
  }

  mutable Mutex mutex_;
  std::map<std::string, Faults> faults_ GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> calls_ GUARDED_BY(mutex_);
  uint64_t every_ GUARDED_BY(mutex_) = 0;
  uint64_t counted_ GUARDED_BY(mutex_) = 0;
  uint64_t cut_at_ GUARDED_BY(mutex_) = 0;
  uint64_t cuts_ GUARDED_BY(mutex_) = 0;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_DESTINATION_FAULTY_DESTINATION_H_
