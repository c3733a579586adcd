// Delivers the notices of one receiver, one after the other, with pauses and
// limits. Each receiver has a lane of its own, so that one that hangs delays no
// other.

#ifndef LEVELKEEP_NOTIFY_LANE_H_
#define LEVELKEEP_NOTIFY_LANE_H_

#include <chrono>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "levelkeep/status.h"
#include "notify/outbox.h"

namespace levelkeep {

// The outcome of one try.
struct Delivery {
  Status status;
  // kLater: it may succeed later; kRefused: hardly, so that it is tried a few
  // times only; kGone: never.
  enum class Hope { kLater, kRefused, kGone } hope = Hope::kLater;
  // The receiver's own wish.
  std::optional<std::chrono::seconds> retry_after = {};
};

struct Receiver {
  std::string name;    // plain, for its folder: "webhook"
  std::string called;  // for people: "the webhook https://host:443"
  OutboxLimits limits;
  // Delivers; ends within a second after a stop. Called by one thread at a
  // time.
  std::function<Delivery(const Notice& notice, const std::stop_token& stop)>
      deliver;
};

// Thread safety: all methods may be called concurrently, but Open before Add.
class Lane {
 public:
  // The objects that the pointers lead to must outlive this object.
  Lane(FileSystem* fs, Clock* clock, Receiver receiver);
  ~Lane() { Close(); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Notices are kept in a folder of the receiver's name in `folder`; empty: in
  // memory. Those that an earlier process left are sent.
  void Open(const std::string& folder);
  // Takes the notice over; never waits and never fails. A thread stores and
  // sends it; the thread lives only while something is to be sent.
  void Add(Notice notice);
  // Returns when nothing waits any more or all that waits has failed once, at
  // most after `patience` of real time.
  void Flush(std::chrono::milliseconds patience);
  // Stores what is not stored yet and ends the thread, within a second. Nothing
  // can be added afterwards.
  void Close();
  // Notices wait that no try has delivered yet, or were given up; a sentence
  // for health, or empty.
  std::string Problem() const;

 private:
  void Start() REQUIRES_LOCK(mutex_);
  void Run();
  // One step: ends with the pause until the next one; no value: nothing waits.
  std::optional<std::chrono::milliseconds> Step();
  void Try();
  void Conclude(const Delivery& delivery);
  void TakeAdded();
  void NameOldProblem();
  std::string GivenUp() const;
  bool RestUntilWoken(std::chrono::milliseconds pause);

  FileSystem* const fs_;
  Clock* const clock_;
  const Receiver receiver_;
  std::stop_source stop_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::unique_ptr<Outbox> outbox_;  // of the thread
  std::deque<Notice> added_ GUARDED_BY(mutex_);
  std::stop_source wake_ GUARDED_BY(mutex_);
  bool running_ GUARDED_BY(mutex_) = false;
  bool resting_ GUARDED_BY(mutex_) = false;  // nothing to do now
  bool closed_ GUARDED_BY(mutex_) = false;
  std::string problem_ GUARDED_BY(mutex_);
  std::jthread thread_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_NOTIFY_LANE_H_
