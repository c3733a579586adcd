#include "eventstore/event_api.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "eventstore/event_stream.h"
#include "http/json_body.h"

namespace levelkeep {
namespace {

using http::ErrorResponse;
using http::Request;
using http::Response;

// Of records in one page; a page with less than `limit` events says "more".
constexpr uint64_t kMaxPageBytes = 8 << 20;
constexpr uint64_t kDefaultPage = 100;
constexpr char kRetryAfterSeconds[] = "2";

// A store that is closed for a moment is 503, not the 409 of a job that is
// in the way; a damaged one is our fault, not the request's.
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

// Nothing: the parameter is not there. An error: it is no such number.
Result<std::optional<uint64_t>> NumberParameter(const Request& request,
                                                const std::string& name,
                                                uint64_t least, uint64_t most) {
  const auto it = request.query.find(name);
  if (it == request.query.end()) return std::optional<uint64_t>();
  const auto value = ParseUint64(it->second);
  if (!value || *value < least || *value > most) {
    return Status(StatusCode::kInvalidArgument,
                  "\"" + name + "\" must be a whole number from " +
                      std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
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
      // A member that we drop would be data that the writer believes saved.
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

Response PostEvents(EventBus* bus, const Request& request) {
  if (request.body.size() > kMaxEventBodyBytes) {
    return TooLarge("the body is larger than 1 MiB");
  }
  auto body = ParseEventBody(request.body);
  if (!body.ok()) {
    return Malformed(body.status().message(), body.status().hint());
  }
  if (body->events.size() > kMaxEventsInBatch) {
    return TooLarge("a batch holds at most " +
                    std::to_string(kMaxEventsInBatch) + " events");
  }
  auto receipt = bus->Append(body->events);
  if (!receipt.ok()) return StoreError(receipt.status());
  nlohmann::ordered_json json;
  json["success"] = true;
  if (body->is_batch) {
    json["first"] = receipt->first;
    json["last"] = receipt->last;
    json["count"] = body->events.size();
  } else {
    json["sequence"] = receipt->first;
  }
  return http::JsonResponse(json.dump(), 201);
}

Response GetEvents(EventBus* bus, const Request& request) {
  auto after = NumberParameter(request, "after", 0, UINT64_MAX);
  if (!after.ok()) return Malformed(after.status().message());
  auto limit = NumberParameter(request, "limit", 1, kMaxEventsInPage);
  if (!limit.ok()) return Malformed(limit.status().message());
  const uint64_t start = after->value_or(0);
  auto page = bus->Read(start, limit->value_or(kDefaultPage), kMaxPageBytes);
  if (!page.ok()) return StoreError(page.status());

  // What the next request passes as `after`. A reader that is ahead of a
  // store that was restored is sent back to its end.
  const uint64_t next = page->events.empty() ? std::min(start, page->head)
                                             : page->events.back().sequence;
  std::string json = "{\"success\":true,\"events\":[";
  for (size_t i = 0; i < page->events.size(); ++i) {
    if (i > 0) json += ',';
    json += EncodeEvent(page->events[i]);
  }
  json += "],\"last\":" + std::to_string(page->head) +
          ",\"next\":" + std::to_string(next) +
          ",\"more\":" + (next < page->head ? "true" : "false") +
          ",\"epoch\":\"" + page->epoch + "\"}";
  return http::JsonResponse(std::move(json));
}

Response StreamEvents(EventBus* bus, Clock* clock, const Request& request) {
  auto after = NumberParameter(request, "after", 0, UINT64_MAX);
  if (!after.ok()) return Malformed(after.status().message());
  uint64_t start = after->value_or(0);
  // A browser that connects again repeats the URL; the header is newer.
  const auto header = request.headers.find("last-event-id");
  if (header != request.headers.end()) {
    const auto id = ParseUint64(header->second);
    if (!id) return Malformed("Last-Event-ID must be a whole number");
    start = *id;
  }
  Response response;
  response.content_type = "text/event-stream; charset=utf-8";
  response.headers["Cache-Control"] = "no-store";
  // nginx would hold events back until its buffer is full.
  response.headers["X-Accel-Buffering"] = "no";
  response.stream = std::make_shared<EventStream>(bus, clock, start);
  return response;
}

}  // namespace

Result<EventBody> ParseEventBody(const std::string& text) {
  auto json = http::ParseBody(text);
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
    return Status(StatusCode::kInvalidArgument, "the array holds no event");
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

void AddEventRoutes(http::Api* api, EventBus* bus, Clock* clock) {
  http::RouteOptions post_options;
  post_options.max_body_bytes = kMaxEventBodyBytes;
  api->AddRoute(
      "POST", "/api/events",
      [bus](const Request& request) { return PostEvents(bus, request); },
      post_options);
  api->AddRoute("GET", "/api/events", [bus](const Request& request) {
    return GetEvents(bus, request);
  });
  api->AddRoute("GET", "/api/events/stream",
                [bus, clock](const Request& request) {
                  return StreamEvents(bus, clock, request);
                });
}

}  // namespace levelkeep
