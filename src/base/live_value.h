// A value that is replaced while other threads read it.

#ifndef LEVELKEEP_BASE_LIVE_VALUE_H_
#define LEVELKEEP_BASE_LIVE_VALUE_H_

#include <atomic>
#include <list>
#include <utility>

#include "base/mutex.h"

namespace levelkeep {

// Keeps every value that it ever had, so that readers need no lock and their
// references stay valid: for settings, which a person changes now and then.
// Thread safety: all methods may be called concurrently.
template <typename T>
class LiveValue {
 public:
  explicit LiveValue(T value) { Set(std::move(value)); }
  LiveValue(const LiveValue&) = delete;
  LiveValue& operator=(const LiveValue&) = delete;

  // The present value. The reference stays valid as long as this object, and
  // its value never changes.
  const T& Get() const { return *present_.load(std::memory_order_acquire); }
  void Set(T value) {
    MutexLock lock(&mutex_);
    values_.push_back(std::move(value));
    present_.store(&values_.back(), std::memory_order_release);
  }

 private:
  Mutex mutex_;
  std::list<T> values_ GUARDED_BY(mutex_);
  std::atomic<const T*> present_ = nullptr;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_LIVE_VALUE_H_
