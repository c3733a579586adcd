// How much of what runs at once: handlers, downloads, event streams.

#ifndef LEVELKEEP_HTTP_SERVER_LIMITS_H_
#define LEVELKEEP_HTTP_SERVER_LIMITS_H_

#include <atomic>

#include "base/mutex.h"
#include "http/api.h"

namespace levelkeep::http {

// Requests wait here for their turn. A quarter of the places is for those
// that only read: a health check never waits for a restore.
// Thread safety: all methods may be called concurrently.
class WorkGate {
 public:
  // REQUIRES: places >= 2.
  explicit WorkGate(int places);

  // False, without a place: Close was called.
  bool Enter(bool changes);
  void Leave(bool changes);
  void Close();

 private:
  const int max_;
  const int max_changes_;
  Mutex mutex_;
  CondVar left_;
  bool closed_ GUARDED_BY(mutex_) = false;
  int running_ GUARDED_BY(mutex_) = 0;
  int running_changes_ GUARDED_BY(mutex_) = 0;
};

// Thread safety: all methods may be called concurrently.
class TransferLimits {
 public:
  TransferLimits(int max_downloads, int max_streams)
      : max_downloads_(max_downloads), max_streams_(max_streams) {}

  // A response with a file or a stream takes a place until it is gone; one
  // for which there is no place becomes a 503. Streams end with EndStreams.
  // This object outlives the response.
  Response Admit(Response response);
  void EndStreams() { streams_end_ = true; }

 private:
  const int max_downloads_;
  const int max_streams_;
  std::atomic<int> downloads_{0};
  std::atomic<int> streams_{0};
  std::atomic<bool> streams_end_{false};
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_LIMITS_H_
