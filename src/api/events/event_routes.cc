#include "api/events/event_routes.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <semaphore>
#include <string_view>
#include <utility>
#include <variant>

#include "api/call.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/text.h"

namespace levelkeep::api {

namespace {

using http::ErrorResponse;
using http::Request;
using http::Response;

// The bytes of the records in one page; a page with fewer than `limit` events
// says "more". The limit is small, because a page is kept until a slow client
// has read it.
constexpr uint64_t kMaxPageBytes = 256 << 10;
// A JSON tree can take thirty times the memory of its text. For bodies larger
// than this, only one tree exists at a time.
constexpr size_t kLargeBodyBytes = 16 << 10;
// With this number of values, a body's tree takes tens of MiB.
constexpr int64_t kManyValues = 100'000;
// The number of pages built at the same time; each can be an event of 1 MiB.
constexpr int kPagesAtOnce = 2;

// The common state of the event requests.
struct Shared {
  explicit Shared(EventBus* event_bus) : bus(event_bus) {}

  EventBus* const bus;
  Mutex large_trees;
  std::counting_semaphore<kPagesAtOnce> pages{kPagesAtOnce};
};

// glibc keeps small freed blocks unless the process asks for their return.
void ReturnMemory(const std::string& parsed) {
#ifdef __GLIBC__
  const auto values = std::count_if(parsed.begin(), parsed.end(), [](char c) {
    return c == ',' || c == ':' || c == '[';
  });
  if (values > kManyValues) malloc_trim(0);
#else
  static_cast<void>(parsed);
#endif
}
constexpr uint64_t kDefaultPage = 100;
constexpr char kRetryAfterSeconds[] = "2";

// A store that is closed for a moment answers 503, not 409 as for a job in the
// way; a damaged store is the server's fault, not the request's.
Response StoreError(const Status& status) {
  const std::string_view code = StatusCodeName(status.code());
  if (status.code() == StatusCode::kBusy) {
    Response response =
        ErrorResponse(503, code, status.message(), status.hint());
    response.headers["Retry-After"] = kRetryAfterSeconds;
    return response;
  }
  if (status.code() == StatusCode::kCorruption) {
    return ErrorResponse(500, code, status.message(), status.hint());
  }
  return ErrorResponse(status);
}

Response Malformed(const std::string& detail, const std::string& hint = "") {
  return ErrorResponse(400, "invalid_argument", detail, hint);
}

Response TooLarge(const std::string& detail) {
  return ErrorResponse(413, "too_large", detail,
                       "send several smaller batches");
}

Field Number(const std::string& name, uint64_t least, uint64_t most) {
  return {.name = name,
          .kind = Field::Kind::kNumber,
          .min = least,
          .max = most,
          .wrong = "\"" + name + "\" must be a whole number from " +
                   std::to_string(least) + " to " + std::to_string(most)};
}

Result<NewEvent> ParseEvent(nlohmann::json&& json) {
  if (!json.is_object()) {
    return Status(StatusCode::kInvalidArgument, "it is not an object");
  }
  NewEvent event;
  bool has_type = false;
  for (auto& [name, value] : json.items()) {
    if (name == "data") {
      event.data = std::move(value);
    } else if (name != "type" && name != "stream") {
      // A member that is dropped silently would be lost data for the writer.
      return Status(StatusCode::kInvalidArgument,
                    "unknown member \"" + Printable(name, 40) + "\"",
                    "an event has \"type\", \"stream\" and \"data\"");
    } else if (!value.is_string()) {
      return Status(StatusCode::kInvalidArgument,
                    "\"" + name + "\" must be a string");
    } else if (name == "type") {
      event.type = value.get<std::string>();
      has_type = true;
    } else {
      event.stream = value.get<std::string>();
    }
  }
  if (!has_type) {
    return Status(StatusCode::kInvalidArgument, "\"type\" is missing",
                  "an event has \"type\", \"stream\" and \"data\"");
  }
  const Status status = ValidateEvent(event);
  if (!status.ok()) return status;
  return event;
}

// A request body: an object is one event, an array a batch.
struct EventBody {
  std::vector<NewEvent> events;
  bool is_batch = false;
};

// kInvalidArgument names the index and the member.
Result<EventBody> ParseEventBody(const std::string& text) {
  auto json = ParseBody(text);
  if (!json.ok()) return json.status();
  EventBody body;
  body.is_batch = json->is_array();
  if (!body.is_batch) {
    auto event = ParseEvent(std::move(*json));
    if (!event.ok()) return event.status().WithContext("the event");
    body.events.push_back(std::move(*event));
    return body;
  }
  if (json->empty()) {
    return Status(StatusCode::kInvalidArgument, "the array has no events");
  }
  body.events.reserve(json->size());
  for (size_t i = 0; i < json->size(); ++i) {
    auto event = ParseEvent(std::move((*json)[i]));
    if (!event.ok()) {
      return event.status().WithContext("event " + std::to_string(i));
    }
    body.events.push_back(std::move(*event));
  }
  return body;
}

// The encoded events, without the tree that they were read from.
struct EncodedBatch {
  std::vector<std::string> bodies;
  bool is_batch = false;
};

std::variant<EncodedBatch, Response> EncodeBatch(const std::string& text) {
  const auto body = ParseEventBody(text);
  if (!body.ok()) {
    return Malformed(body.status().message(), body.status().hint());
  }
  if (body->events.size() > kMaxEventsInBatch) {
    return TooLarge("a batch may have at most " +
                    std::to_string(kMaxEventsInBatch) + " events");
  }
  auto bodies = EncodeEventBodies(body->events);
  if (!bodies.ok()) return StoreError(bodies.status());
  return EncodedBatch{std::move(*bodies), body->is_batch};
}

std::variant<EncodedBatch, Response> ReadBatch(Mutex* large_trees,
                                               const std::string& text) {
  if (text.size() > kMaxEventBodyBytes) {
    return TooLarge("the body is larger than 1 MiB");
  }
  if (text.size() <= kLargeBodyBytes) return EncodeBatch(text);
  MutexLock one_at_a_time(large_trees);
  auto batch = EncodeBatch(text);
  ReturnMemory(text);
  return batch;
}

Response PostEvents(Shared* shared, const Request& request) {
  // A client that sends a key relies on it.
  if (request.FindHeader("idempotency-key") != nullptr) {
    return ErrorResponse(
        Status(StatusCode::kInvalidArgument,
               "this route does not know the header Idempotency-Key",
               "leave it out, and look with GET /api/events whether an event "
               "whose answer was lost is stored"));
  }
  auto read = ReadBatch(&shared->large_trees, request.body);
  if (auto* refusal = std::get_if<Response>(&read)) return std::move(*refusal);
  auto& batch = std::get<EncodedBatch>(read);
  const size_t count = batch.bodies.size();
  const auto receipt = shared->bus->Append(std::move(batch.bodies));
  if (!receipt.ok()) return StoreError(receipt.status());
  nlohmann::ordered_json json = {{"success", true}};
  if (batch.is_batch) {
    json["first"] = receipt->first;
    json["last"] = receipt->last;
    json["count"] = count;
  } else {
    json["sequence"] = receipt->first;
  }
  return http::JsonResponse(DumpJson(json), 201);
}

Response GetEvents(Shared* shared, const Call& call) {
  const uint64_t start = call.Number("after").value_or(0);
  shared->pages.acquire();
  const std::shared_ptr<void> place(
      nullptr, [shared](void*) { shared->pages.release(); });
  const auto page = shared->bus->Read(
      start, call.Number("limit").value_or(kDefaultPage), kMaxPageBytes);
  if (!page.ok()) return StoreError(page.status());

  // The value of `after` for the next request. A reader that is ahead of a
  // restored store is sent to the store's end.
  const uint64_t next =
      page->texts.empty() ? std::min(start, page->head) : page->last;
  size_t bytes = 200;  // of the text around the events
  for (const std::string& text : page->texts) bytes += text.size() + 1;
  std::string json;
  json.reserve(bytes);
  json += "{\"success\":true,\"events\":[";
  for (const std::string& text : page->texts) {
    if (&text != &page->texts.front()) json += ',';
    json += text;
  }
  json += "],\"last\":" + std::to_string(page->head) +
          ",\"next\":" + std::to_string(next) +
          ",\"more\":" + (next < page->head ? "true" : "false") +
          ",\"epoch\":\"" + page->epoch + "\"}";
  return http::JsonResponse(std::move(json));
}

Response StreamEvents(EventBus* bus, Clock* clock, const Call& call) {
  uint64_t start = call.Number("after").value_or(0);
  // A browser that reconnects repeats the URL; the header is newer.
  const std::string* header = call.request().FindHeader("last-event-id");
  if (header != nullptr) {
    const auto id = ParseUint64(*header);
    if (!id) return Malformed("Last-Event-ID must be a whole number");
    start = *id;
  }
  Response response;
  response.content_type = "text/event-stream; charset=utf-8";
  response.headers["Cache-Control"] = "no-store";
  // nginx would keep events until its buffer is full.
  response.headers["X-Accel-Buffering"] = "no";
  response.stream = std::make_shared<EventStream>(bus, clock, start);
  return response;
}

constexpr uint64_t kChunkEvents = 100;
// The memory for each stream until its client has read it, unless one event is
// larger.
constexpr uint64_t kPageBytes = 64 << 10;
// The delay after which a browser reconnects to a broken stream.
constexpr char kRetry[] = "retry: 2000\n\n";

}  // namespace

std::vector<Route> EventRoutes(EventBus* bus, Clock* clock) {
  const auto shared = std::make_shared<Shared>(bus);
  return {
      {.method = "POST",
       .path = "/api/events",
       .summary = "appends one event, or an array of them as one batch",
       .scope = Scope::kCreate,
       .answers = {201, 409, 507},
       .handler =
           [shared](const Call& call) {
             return PostEvents(shared.get(), call.request());
           },
       .max_body_bytes = kMaxEventBodyBytes},
      {.method = "GET",
       .path = "/api/events",
       .summary = "a page of events",
       .scope = Scope::kRead,
       .query = {Number("after", 0, UINT64_MAX),
                 Number("limit", 1, kMaxEventsInPage)},
       .answers = {200},
       .handler =
           [shared](const Call& call) {
             return GetEvents(shared.get(), call);
           }},
      {.method = "GET",
       .path = "/api/events/stream",
       .summary = "new events as a stream (server-sent events)",
       .scope = Scope::kRead,
       .query = {Number("after", 0, UINT64_MAX)},
       .answers = {200},
       .handler =
           [=](const Call& call) { return StreamEvents(bus, clock, call); }},
  };
}

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
      // A new client that is ahead of the store starts at its end; a client
      // from before the restore gets all later events.
      after_ =
          std::min(after_, epoch_.empty() ? state.last : state.last_at_open);
      epoch_ = state.epoch;
      const nlohmann::ordered_json data = {{"epoch", epoch_},
                                           {"last", state.last}};
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
  const auto page = bus_->Read(after_, kChunkEvents, kPageBytes);
  if (!page.ok()) {
    // Closed for a restore: the stream continues when the store is open again.
    if (page.status().code() == StatusCode::kBusy) return;
    AppendFailure(page.status(), chunk);
    return;
  }
  if (page->epoch != epoch_) return;  // just restored: report it first
  size_t bytes = chunk->size();
  for (const std::string& text : page->texts) bytes += text.size() + 40;
  chunk->reserve(bytes);
  for (const std::string& text : page->texts) {
    after_++;
    *chunk += "id: " + std::to_string(after_) + "\ndata: ";
    chunk->append(text).append("\n\n");
  }
}

// Sends no id, so that a consumer that reconnects asks for the same event and
// learns of the damage again instead of skipping it.
void EventStream::AppendFailure(const Status& status, std::string* chunk) {
  failed_ = true;
  LogError("EventBus", "an event stream ended: " + status.ToString());
  const nlohmann::json data = {{"code", StatusCodeName(status.code())},
                               {"detail", status.message()}};
  *chunk += "event: failure\ndata: " + DumpJson(data) + "\n\n";
}

}  // namespace levelkeep::api
