#include "api/events/event_stream.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"

namespace levelkeep::api {
namespace {

constexpr uint64_t kChunkEvents = 100;
// Each stream keeps so much, or one larger event, until its client has read.
constexpr uint64_t kPageBytes = 64 << 10;
// How soon a browser connects again when the stream broke.
constexpr char kRetry[] = "retry: 2000\n\n";

}  // namespace

EventStream::EventStream(EventBus* bus, Clock* clock, uint64_t after,
                         std::chrono::milliseconds wait)
    : bus_(bus), clock_(clock), wait_(wait), after_(after) {}

bool EventStream::Next(std::string* chunk) {
  if (failed_) return false;
  const size_t size_before = chunk->size();
  if (!started_) {
    started_ = true;
    last_sent_ = clock_->SteadyNow();
    *chunk += kRetry;
  }
  const EventBusState state = bus_->WaitForEvents(after_, epoch_, wait_);
  if (state.ended) return false;
  if (state.open) {
    if (state.epoch != epoch_) {
      // A new client that is ahead of the store is put at its end; one that
      // was here before the restore gets all that came after it.
      after_ =
          std::min(after_, epoch_.empty() ? state.last : state.last_at_open);
      epoch_ = state.epoch;
      auto data = nlohmann::ordered_json::object();
      data["epoch"] = epoch_;
      data["last"] = state.last;
      *chunk += "event: epoch\ndata: " + DumpJson(data) + "\n\n";
    }
    AppendEvents(chunk);
  }
  const auto now = clock_->SteadyNow();
  if (chunk->size() > size_before) {
    last_sent_ = now;
  } else if (now - last_sent_ >= kEventHeartbeat) {
    *chunk += ": heartbeat\n\n";
    last_sent_ = now;
  }
  return true;
}

void EventStream::AppendEvents(std::string* chunk) {
  const auto page = bus_->ReadRecords(after_, kChunkEvents, kPageBytes);
  if (!page.ok()) {
    // Closed for a restore: the stream goes on when it is open again.
    if (page.status().code() == StatusCode::kBusy) return;
    AppendFailure(page.status(), chunk);
    return;
  }
  if (page->epoch != epoch_) return;  // restored just now: say so first
  size_t bytes = chunk->size();
  for (const std::string& text : page->texts) bytes += text.size() + 40;
  chunk->reserve(bytes);
  for (const std::string& text : page->texts) {
    after_++;
    *chunk += "id: " + std::to_string(after_) + "\ndata: ";
    chunk->append(text).append("\n\n");
  }
}

// Without an id: a consumer that connects again asks for the same event and
// hears of the damage again, rather than passing over it.
void EventStream::AppendFailure(const Status& status, std::string* chunk) {
  failed_ = true;
  LogError("EventBus", "an event stream ended: " + status.ToString());
  auto data = nlohmann::json::object();
  data["code"] = StatusCodeName(status.code());
  data["detail"] = status.message();
  *chunk += "event: failure\ndata: " + DumpJson(data) + "\n\n";
}

}  // namespace levelkeep::api
