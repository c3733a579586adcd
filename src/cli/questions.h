// Somebody asks what a service is at.

#ifndef LEVELKEEP_CLI_QUESTIONS_H_
#define LEVELKEEP_CLI_QUESTIONS_H_

#include <condition_variable>
#include <stop_token>

#include "base/mutex.h"

namespace levelkeep::cli {

// Thread safety: all methods may be called concurrently.
class Questions {
 public:
  void Ask() {
    MutexLock lock(&mutex_);
    asked_ = true;
    wake_.notify_all();
  }
  // Waits for one and takes it. False: stopped.
  bool Wait(std::stop_token stop) {
    MutexLock lock(&mutex_);
    wake_.wait(mutex_, stop, [this]() REQUIRES_LOCK(mutex_) { return asked_; });
    asked_ = false;
    return !stop.stop_requested();
  }

 private:
  Mutex mutex_;
  std::condition_variable_any wake_;
  bool asked_ GUARDED_BY(mutex_) = false;
};

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_QUESTIONS_H_
