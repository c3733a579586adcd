// Events as server-sent events (the WHATWG HTML standard, section 9.2).
//
//   event: epoch                     at the start and after each restore
//   data: {"epoch":"…","last":18}
//
//   id: 17                           one for each event
//   data: {"sequence":17,…}
//
//   : heartbeat                      every 15 s without events
//
// A consumer that sees another epoch than before knows that the store went
// back to a backup; the stream goes on behind the older of where the
// consumer was and the newest event that there is.

#ifndef LEVELKEEP_API_EVENTS_EVENT_STREAM_H_
#define LEVELKEEP_API_EVENTS_EVENT_STREAM_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "eventstore/event_bus.h"
#include "http/router.h"
#include "levelkeep/status.h"

namespace levelkeep::api {

inline constexpr std::chrono::seconds kEventHeartbeat{15};

// Thread safety: one thread at a time.
class EventStream : public http::BodyStream {
 public:
  // Starts behind event `after`. `bus` and `clock` outlive it. `wait` is how
  // long Next() waits for events.
  EventStream(EventBus* bus, Clock* clock, uint64_t after,
              std::chrono::milliseconds wait = std::chrono::seconds(1));

  bool Next(std::string* chunk) override;

 private:
  void AppendEvents(std::string* chunk);
  void AppendFailure(const Status& status, std::string* chunk);

  EventBus* const bus_;
  Clock* const clock_;
  const std::chrono::milliseconds wait_;
  uint64_t after_;
  std::string epoch_;
  std::chrono::steady_clock::time_point last_sent_;
  bool started_ = false;
  bool failed_ = false;
};

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_EVENTS_EVENT_STREAM_H_
