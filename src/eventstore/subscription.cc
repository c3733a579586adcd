// Subscription: a cursor with a thread. It reads missed events from the
// database, so a slow callback costs no memory and loses no events.

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "eventstore/event_bus.h"

namespace levelkeep {
namespace {

constexpr uint64_t kBatchEvents = 100;
constexpr uint64_t kBatchBytes = 1 << 20;
// The destructor waits at most this long for the idle thread.
constexpr std::chrono::milliseconds kPoll{200};

}  // namespace

Subscription::Subscription(EventBus* bus, uint64_t after, Callback callback)
    : bus_(bus),
      callback_(std::move(callback)),
      thread_([this, after](std::stop_token stop) { Run(stop, after); }) {}

Subscription::~Subscription() = default;  // the jthread stops and joins

void Subscription::Run(std::stop_token stop, uint64_t after) {
  std::string epoch = bus_->State().epoch;
  while (!stop.stop_requested()) {
    const EventBusState state = bus_->WaitForEvents(after, epoch, kPoll);
    if (state.ended) return;
    if (!state.open) continue;
    if (state.epoch != epoch) {  // restored, perhaps to an older state
      epoch = state.epoch;
      after = std::min(after, state.last_at_open);
    }
    auto page = bus_->Read(after, kBatchEvents, kBatchBytes);
    if (!page.ok()) {
      if (page.status().code() == StatusCode::kBusy) continue;
      LogError("EventBus", "a subscription ended: " + page.status().ToString());
      return;
    }
    if (page->epoch != epoch) continue;  // a restore has just happened
    for (const Event& event : page->events) {
      if (stop.stop_requested()) return;
      callback_(event);
      after = event.sequence;
    }
  }
}

}  // namespace levelkeep
