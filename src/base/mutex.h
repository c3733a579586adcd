// std::mutex with clang's thread-safety annotations.

#ifndef LEVELKEEP_BASE_MUTEX_H_
#define LEVELKEEP_BASE_MUTEX_H_

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define LEVELKEEP_ATTRIBUTE(x) __attribute__((x))
#else
#define LEVELKEEP_ATTRIBUTE(x)
#endif
#define GUARDED_BY(x) LEVELKEEP_ATTRIBUTE(guarded_by(x))
#define REQUIRES_LOCK(...) LEVELKEEP_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES_LOCK(...) LEVELKEEP_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace levelkeep {

class LEVELKEEP_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  // BasicLockable, for std::condition_variable_any.
  void lock() LEVELKEEP_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() LEVELKEEP_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class LEVELKEEP_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex* mutex)
      LEVELKEEP_ATTRIBUTE(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_->lock();
  }
  ~MutexLock() LEVELKEEP_ATTRIBUTE(release_capability()) { mutex_->unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mutex_;
};

// Waits take the Mutex itself: cond.wait(mutex) while a MutexLock is alive.
using CondVar = std::condition_variable_any;

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_MUTEX_H_
