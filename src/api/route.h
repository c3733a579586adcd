// A route: its contract as data, and its handler.
//
// The router, Mount(), the answer 405, the refusal of fields, and (by a test)
// the list in docs/http-api.md follow this table.
//
// Requests are never guessed: a route that changes something refuses query
// parameters and body fields that are not in its table, and says where they
// belong. Types are exact: null is not a flag, and a text is never empty.

#ifndef LEVELKEEP_API_ROUTE_H_
#define LEVELKEEP_API_ROUTE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "http/message.h"
#include "http/router.h"

namespace levelkeep::api {

class Call;  // api/call.h

// The right that a caller needs. So far one token gives all rights, and only
// kOpen needs none.
enum class Scope { kOpen, kRead, kCreate, kRestore, kAdmin };

struct Field {
  enum class Kind { kText, kFlag, kNumber };

  std::string name;
  Kind kind = Kind::kText;
  bool required = false;
  std::vector<std::string> choices = {};  // of a text; empty: any text
  uint64_t min = 0;                       // for a number
  uint64_t max = UINT64_MAX;
  std::string hint = {};   // shown if the field is missing or wrong
  std::string wrong = {};  // replaces the usual detail for a wrong value
};

struct Body {
  std::vector<Field> fields = {};
};

struct Route {
  std::string method;
  std::string path;     // may hold one "{name}" or "{id}"
  std::string summary;  // as in docs/http-api.md
  Scope scope = Scope::kAdmin;
  std::vector<Field> query = {};  // a GET ignores other parameters
  std::optional<Body> body = {};  // not set: Call does not read it
  // The route's own answers. Common to all routes: 400 for a malformed request
  // or field, 401 and 403 (access), 413 and 415 (the form of the body), 500 (a
  // failing disk), 503 (a server at its limits).
  std::vector<int> answers = {};
  std::function<http::Response(const Call&)> handler;
  size_t max_body_bytes = http::RouteOptions().max_body_bytes;
  bool is_urgent = false;  // see http::RouteOptions
};

// True if a request to the route changes something.
bool Changes(const Route& route);

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_ROUTE_H_
