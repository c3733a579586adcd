// The event routes of the reference application.
//
//   POST /api/events          one event or an array of them
//   GET  /api/events          ?after=0&limit=100
//   GET  /api/events/stream   server-sent events; ?after= or Last-Event-ID

#ifndef LEVELKEEP_API_EVENTS_EVENT_ROUTES_H_
#define LEVELKEEP_API_EVENTS_EVENT_ROUTES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "api/route.h"
#include "eventstore/event.h"
#include "eventstore/event_bus.h"
#include "levelkeep/status.h"

namespace levelkeep::api {

inline constexpr size_t kMaxEventBodyBytes = 1 << 20;
inline constexpr size_t kMaxEventsInBatch = 10'000;
inline constexpr uint64_t kMaxEventsInPage = 1000;

// `bus` and `clock` outlive the router and its streams; after bus->Shutdown()
// every stream ends within a second.
std::vector<Route> EventRoutes(EventBus* bus, Clock* clock = Clock::System());

// A request body as events. kInvalidArgument names the index and the member;
// an object is one event, an array a batch (see `is_batch`).
struct EventBody {
  std::vector<NewEvent> events;
  bool is_batch = false;
};
Result<EventBody> ParseEventBody(const std::string& body);

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_EVENTS_EVENT_ROUTES_H_
