// Events, and their format in LevelDB.
//
//   event:00000000000000000017  {"sequence":17,"type":"user.created",
//                                "stream":"users","time":"2024-12-27T…Z",
//                                "data":{…}}
//   meta:head                   {"format":1,"last":17}
//
// Decimal keys of fixed width sort like numbers, and people can read them with
// any LevelDB tool. A key in neither of these two forms belongs to another
// application that uses the same database: it is kept and backed up, but never
// shown or changed.

#ifndef LEVELKEEP_EVENTSTORE_EVENT_H_
#define LEVELKEEP_EVENTSTORE_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "levelkeep/status.h"

namespace levelkeep {

inline constexpr size_t kMaxEventNameLength = 200;  // of type and stream
inline constexpr int kMaxEventDataDepth = 31;       // nested arrays and objects
inline constexpr char kEventHeadKey[] = "meta:head";

// The hint of kCorruption.
inline constexpr char kRestoreVerified[] =
    "restore a verified backup; the damaged database is kept for undo";

// An event as a writer hands it in.
struct NewEvent {
  std::string type;    // 1..200 characters, no control characters
  std::string stream;  // 0..200 characters, no control characters
  nlohmann::json data;
};

struct Event {
  uint64_t sequence = 0;  // from 1, without gaps
  std::string type;
  std::string stream;
  std::string time;  // RFC 3339, UTC, milliseconds
  nlohmann::json data;
};

// The message of kInvalidArgument names the member: `"type" must be …`.
Status ValidateEvent(const NewEvent& event);

std::string EventKey(uint64_t sequence);
// Empty if the key is not an event's key.
std::optional<uint64_t> ParseEventKey(std::string_view key);

// The part of a record that does not depend on the time of writing.
std::string EncodeEventBody(const NewEvent& event);
// Makes a record of `event_body`. HTTP clients get the same text.
std::string EncodeEvent(uint64_t sequence, std::string_view time,
                        std::string_view event_body);
std::string EncodeEvent(const Event& event);
// The bodies of all events. The message of kInvalidArgument names the first bad
// event by its index.
Result<std::vector<std::string>> EncodeEventBodies(
    const std::vector<NewEvent>& events);
// The message of kCorruption names the event: "event 17 is damaged: …".
Result<Event> DecodeEvent(uint64_t sequence, std::string_view record);
// The record as HTTP clients get it: JSON in one line. A record that begins as
// EncodeEvent writes it is returned unchanged; others are checked as in
// DecodeEvent.
Result<std::string> CheckedRecord(uint64_t sequence, std::string_view record);

std::string EncodeEventHead(uint64_t last);
// kCorruption; kUnsupported if a newer version wrote the record.
Result<uint64_t> DecodeEventHead(std::string_view record);

}  // namespace levelkeep

#endif  // LEVELKEEP_EVENTSTORE_EVENT_H_
