// Downloads and event streams: one thread each, in limited number.

#ifndef LEVELKEEP_HTTP_SERVER_TRANSFERS_H_
#define LEVELKEEP_HTTP_SERVER_TRANSFERS_H_

#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "http/api.h"

namespace levelkeep::http {

// Thread safety: all methods may be called concurrently.
class TransferSet {
 public:
  struct Limits {
    int max_downloads = 32;
    int max_streams = 32;
    std::chrono::milliseconds send_timeout{10000};
  };

  explicit TransferSet(const Limits& limits) : limits_(limits) {}
  ~TransferSet();  // Cut()

  // Sends `head`, then the file or stream of `response`, and closes. False,
  // with `*fd` untouched, when there are as many of that kind already.
  bool Start(UniqueFd* fd, std::string head, Response response, bool chunked);
  // Event streams end after their current part.
  void EndStreams();
  // How many run.
  int active();
  // Ends all at once and waits for their threads.
  void Cut();

 private:
  struct Transfer {
    UniqueFd fd;
    std::string head;
    Response response;
    bool chunked = false;
    std::atomic<bool> done{false};
    std::jthread thread;  // last: joined before the rest goes
  };

  void Reap() REQUIRES_LOCK(mutex_);
  void Run(std::stop_token stop, Transfer* transfer) const;
  bool SendAll(std::stop_token stop, int fd, std::string_view data) const;
  bool SendFile(std::stop_token stop, const Transfer& transfer) const;
  bool SendStream(std::stop_token stop, Transfer* transfer) const;

  const Limits limits_;
  Mutex mutex_;
  std::list<Transfer> transfers_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_SERVER_TRANSFERS_H_
