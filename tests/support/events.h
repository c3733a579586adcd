// Events for tests: appended from values, and read back as values.

#ifndef LEVELKEEP_TESTS_SUPPORT_EVENTS_H_
#define LEVELKEEP_TESTS_SUPPORT_EVENTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "eventstore/event.h"
#include "eventstore/event_registry.h"

namespace levelkeep::test {

struct EventPage {
  std::vector<Event> events;
  uint64_t head = 0;
  std::string epoch;
};

// `store` is an EventBus or an EventRegistry.
template <typename Store>
Result<AppendReceipt> AppendEvents(Store* store,
                                   const std::vector<NewEvent>& events) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto bodies, EncodeEventBodies(events));
  return store->Append(std::move(bodies));
}

template <typename Store>
Result<EventPage> ReadEvents(Store* store, uint64_t after, uint64_t limit,
                             uint64_t max_bytes) {
  LEVELKEEP_ASSIGN_OR_RETURN(const EventRecords records,
                             store->Read(after, limit, max_bytes));
  EventPage page{{}, records.head, records.epoch};
  for (const std::string& text : records.texts) {
    LEVELKEEP_ASSIGN_OR_RETURN(Event event, DecodeEvent(++after, text));
    page.events.push_back(std::move(event));
  }
  return page;
}

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_EVENTS_H_
