#include "eventstore/event.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

constexpr std::string_view kEventPrefix = "event:";
constexpr size_t kSequenceDigits = 20;  // the largest uint64_t has 20 digits
constexpr int kHeadFormat = 1;

size_t CountCharacters(std::string_view utf8) {
  return static_cast<size_t>(std::ranges::count_if(utf8, [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

Status ValidateName(std::string_view member, const std::string& value,
                    size_t least) {
  const auto invalid = [&](const std::string& why) {
    return Status(StatusCode::kInvalidArgument,
                  "\"" + std::string(member) + "\" " + why);
  };
  if (!IsValidUtf8(value)) return invalid("is not valid UTF-8");
  const size_t length = CountCharacters(value);
  if (length < least || length > kMaxEventNameLength) {
    return invalid("must be a string of " + std::to_string(least) + " to " +
                   std::to_string(kMaxEventNameLength) + " characters");
  }
  if (std::ranges::any_of(value, IsAsciiControl)) {
    return invalid("must not hold control characters");
  }
  return Status::Ok();
}

// Makes at most `limit` + 1 nested calls, however deep the data is.
bool IsDeeperThan(const nlohmann::json& json, int limit) {
  if (!json.is_structured()) return false;
  if (limit == 0) return true;
  return std::ranges::any_of(json, [limit](const auto& element) {
    return IsDeeperThan(element, limit - 1);
  });
}

Status Damaged(uint64_t sequence, const std::string& what) {
  return Status(StatusCode::kCorruption,
                "event " + std::to_string(sequence) + " is damaged: " + what,
                kRestoreVerified);
}

}  // namespace

Status ValidateEvent(const NewEvent& event) {
  Status status = ValidateName("type", event.type, 1);
  if (status.ok()) status = ValidateName("stream", event.stream, 0);
  if (status.ok() && IsDeeperThan(event.data, kMaxEventDataDepth)) {
    return Status(StatusCode::kInvalidArgument,
                  "\"data\" is nested deeper than " +
                      std::to_string(kMaxEventDataDepth) + " levels");
  }
  return status;
}

std::string EventKey(uint64_t sequence) {
  const std::string digits = std::to_string(sequence);
  std::string key(kEventPrefix);
  key.append(kSequenceDigits - digits.size(), '0');
  return key + digits;
}

std::optional<uint64_t> ParseEventKey(std::string_view key) {
  if (key.size() != kEventPrefix.size() + kSequenceDigits ||
      key.substr(0, kEventPrefix.size()) != kEventPrefix) {
    return std::nullopt;
  }
  const auto sequence = ParseUint64(key.substr(kEventPrefix.size()));
  if (!sequence || *sequence == 0) return std::nullopt;
  return sequence;
}

// Written by hand to keep the members in the order in which people read them;
// nlohmann::json would sort them.
std::string EncodeEventBody(const NewEvent& event) {
  std::string body = "\"type\":";
  AppendQuoted(event.type, &body);
  body += ",\"stream\":";
  AppendQuoted(event.stream, &body);
  body += ",\"time\":\"";
  body += '\0';
  return body + "\",\"data\":" + DumpJson(event.data) + "}";
}

std::string EncodeEvent(uint64_t sequence, std::string_view time,
                        std::string_view event_body) {
  // JSON text never holds a raw NUL except the one that EncodeEventBody put in.
  const size_t gap = event_body.find('\0');
  std::string record = "{\"sequence\":" + std::to_string(sequence) + ",";
  record += event_body.substr(0, gap);
  record += time;
  record += event_body.substr(gap + 1);
  return record;
}

std::string EncodeEvent(const Event& event) {
  return EncodeEvent(
      event.sequence, event.time,
      EncodeEventBody(NewEvent{event.type, event.stream, event.data}));
}

Result<Event> DecodeEvent(uint64_t sequence, std::string_view record) {
  auto json = ParseJson(record, "it");
  if (!json.ok()) return Damaged(sequence, json.status().message());
  if (!json->is_object()) return Damaged(sequence, "it is not an object");
  const auto stored = RequireUint(*json, "sequence");
  if (!stored.ok()) return Damaged(sequence, "it has no sequence number");
  if (*stored != sequence) {
    return Damaged(sequence,
                   "it says that it is event " + std::to_string(*stored));
  }
  auto type = RequireText(*json, "type");
  auto stream = RequireText(*json, "stream");
  auto time = RequireText(*json, "time");
  if (!type.ok() || !stream.ok() || !time.ok() || !json->contains("data")) {
    return Damaged(sequence, "a member is missing or not a string");
  }
  if (!ParseTime(*time).ok()) return Damaged(sequence, "its time is malformed");
  return Event{sequence, std::move(*type), std::move(*stream), std::move(*time),
               std::move((*json)["data"])};
}

Result<std::vector<std::string>> EncodeEventBodies(
    const std::vector<NewEvent>& events) {
  std::vector<std::string> bodies;
  bodies.reserve(events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    const Status status = ValidateEvent(events[i]);
    if (!status.ok()) return status.WithContext("event " + std::to_string(i));
    bodies.push_back(EncodeEventBody(events[i]));
  }
  return bodies;
}

Result<std::string> CheckedRecord(uint64_t sequence, std::string_view record) {
  // LevelDB has just compared the block's CRC: a record that begins as
  // EncodeEvent writes it is ours. A line break would end a field of the event
  // stream.
  const std::string begin =
      "{\"sequence\":" + std::to_string(sequence) + ",\"type\":\"";
  if (record.starts_with(begin) &&
      std::ranges::none_of(record, IsAsciiControl) &&
      nlohmann::json::accept(record)) {
    return std::string(record);
  }
  // The record is damaged, or another writer wrote it.
  LEVELKEEP_ASSIGN_OR_RETURN(const Event event, DecodeEvent(sequence, record));
  return EncodeEvent(event);
}

std::string EncodeEventHead(uint64_t last) {
  return "{\"format\":" + std::to_string(kHeadFormat) +
         ",\"last\":" + std::to_string(last) + "}";
}

Result<uint64_t> DecodeEventHead(std::string_view record) {
  const Status damaged(StatusCode::kCorruption,
                       std::string("the record ") + kEventHeadKey +
                           " is damaged: " + Printable(record),
                       "restore a verified backup");
  const auto json = ParseJson(record, "it");
  if (!json.ok()) return damaged;
  const auto format = RequireUint(*json, "format");
  if (!format.ok()) return damaged;
  if (*format != kHeadFormat) {
    return Status(StatusCode::kUnsupported,
                  "the events have format " + std::to_string(*format) +
                      ", but this version knows format " +
                      std::to_string(kHeadFormat),
                  "use the version of LevelKeep that wrote them");
  }
  const auto last = RequireUint(*json, "last");
  return last.ok() ? last : damaged;
}

}  // namespace levelkeep
