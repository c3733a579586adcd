// Events, and how they lie in LevelDB.
//
//   event:00000000000000000017  {"sequence":17,"type":"user.created",
//                                "stream":"users","time":"2024-12-27T…Z",
//                                "data":{…}}
//   meta:head                   {"format":1,"last":17}
//
// Decimal keys of fixed width sort like numbers and can be read by people
// with any LevelDB tool. A key that is not exactly of one of these two forms
// belongs to somebody else (a database that another application began): it
// is kept, copied by backups, and never shown or changed.

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

// What a writer hands in.
struct NewEvent {
  std::string type;    // 1..200 characters, none of them a control character
  std::string stream;  // 0..200 characters, likewise
  nlohmann::json data;
};

struct Event {
  uint64_t sequence = 0;  // from 1, without gaps
  std::string type;
  std::string stream;
  std::string time;  // RFC 3339, UTC, milliseconds
  nlohmann::json data;
};

// kInvalidArgument names the member: `"type" must be …`.
Status ValidateEvent(const NewEvent& event);

std::string EventKey(uint64_t sequence);
// Nothing if the key is not one of ours.
std::optional<uint64_t> ParseEventKey(std::string_view key);

// The part of a record that does not depend on when it is written.
std::string EncodeEventBody(const NewEvent& event);
// A record from that part; also what HTTP clients get.
std::string EncodeEvent(uint64_t sequence, std::string_view time,
                        std::string_view event_body);
std::string EncodeEvent(const Event& event);
// The bodies of all of them. kInvalidArgument names the first bad one by its
// index.
Result<std::vector<std::string>> EncodeEventBodies(
    const std::vector<NewEvent>& events);
// kCorruption names the event: "event 17 is damaged: …".
Result<Event> DecodeEvent(uint64_t sequence, std::string_view record);
// The record as HTTP clients get it: JSON in one line. One that begins as ours
// goes out as it is; others are checked as by DecodeEvent.
Result<std::string> CheckedRecord(uint64_t sequence, std::string_view record);

std::string EncodeEventHead(uint64_t last);
// kCorruption, or kUnsupported if a newer version wrote it.
Result<uint64_t> DecodeEventHead(std::string_view record);

}  // namespace levelkeep

#endif  // LEVELKEEP_EVENTSTORE_EVENT_H_
