// The event routes of the reference application.
//
//   POST /api/events          one event or an array of them
//   GET  /api/events          ?after=0&limit=100
//   GET  /api/events/stream   server-sent events; ?after= or Last-Event-ID
//
// The stream follows the WHATWG HTML standard, section 9.2:
//
//   event: epoch                     at the start and after each restore
//   data: {"epoch":"…","last":18}
//
//   id: 17                           one for each event
//   data: {"sequence":17,…}
//
//   : heartbeat                      every 15 s without events
//
// If the epoch differs from the one before, the store was restored from a
// backup; the stream then continues after the consumer's position or after the
// newest event, whichever is older.

#ifndef LEVELKEEP_API_EVENTS_EVENT_ROUTES_H_
#define LEVELKEEP_API_EVENTS_EVENT_ROUTES_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "api/route.h"
#include "base/clock.h"
#include "eventstore/event.h"
#include "eventstore/event_bus.h"
#include "http/router.h"
#include "levelkeep/status.h"

namespace levelkeep::api {

inline constexpr std::chrono::seconds kEventHeartbeat{15};

// Thread safety: one thread at a time.
class EventStream : public http::BodyStream {
 public:
  // Starts after event `after`. `bus` and `clock` must outlive this object.
  // `wait` limits how long Next() waits for events.
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

inline constexpr size_t kMaxEventBodyBytes = 1 << 20;
inline constexpr size_t kMaxEventsInBatch = 10'000;
inline constexpr uint64_t kMaxEventsInPage = 1000;

// `bus` and `clock` must outlive the router and its streams; every stream ends
// within a second after bus->Shutdown().
std::vector<Route> EventRoutes(EventBus* bus, Clock* clock = Clock::System());

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_EVENTS_EVENT_ROUTES_H_
