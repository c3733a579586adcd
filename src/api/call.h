// A request to a route. Its fields are read and checked by the route's table.

#ifndef LEVELKEEP_API_CALL_H_
#define LEVELKEEP_API_CALL_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "api/route.h"
#include "levelkeep/status.h"

namespace levelkeep::api {

// Parses a body as strict JSON, whatever the Content-Type says. An empty body
// is {}. Depth at most 32, no duplicate keys, UTF-8 only; at most `max_values`
// values, which take up to 150 bytes of memory each. kInvalidArgument gives the
// fault and its position. The time is linear in the size.
Result<nlohmann::json> ParseBody(const std::string& body,
                                 size_t max_values = SIZE_MAX);

// Thread safety: all methods may be called concurrently.
class Call {
 public:
  // `route` and `request` must outlive this object.
  Call(const Route& route, const http::Request& request);

  // The first fault in query or body, with the field's name; or ok.
  const Status& status() const { return status_; }
  const http::Request& request() const { return request_; }
  // The "{name}" or "{id}" in the path; empty if the path has none.
  std::string name() const;

  // The value of a field of query or body.
  // REQUIRES: status() is ok; the table has the field with this kind.
  std::string Text(const std::string& field) const;  // absent: ""
  bool Flag(const std::string& field) const;         // absent: false
  std::optional<uint64_t> Number(const std::string& field) const;

 private:
  void ReadBody(const Body& body);
  void RefuseUnknownFields(const Body& body);
  void CheckType(const Field& field);
  void CheckText(const Field& field);
  void RefuseUnknownParameters();
  void ReadParameter(const Field& field);
  void Fail(const std::string& message, const std::string& hint = "");
  const nlohmann::json* Find(const std::string& field) const;

  const Route& route_;
  const http::Request& request_;
  nlohmann::json values_ = nlohmann::json::object();
  Status status_;
};

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_CALL_H_
