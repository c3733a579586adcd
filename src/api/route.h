// What a route is: its contract as data, and its handler.
//
// The router, Mount(), 405, what is refused in queries and bodies, and the
// list in docs/http-api.md (by test) all follow this table.
//
// Nothing is guessed: a route that changes something refuses query parameters
// and body fields that are not in its table, and says where they belong. Types
// are exact, so that null is no flag, and a text is never empty.

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

// What a caller must be allowed to do. So far one token allows everything, and
// kOpen alone needs none.
enum class Scope { kOpen, kRead, kCreate, kRestore, kAdmin };

struct Field {
  enum class Kind { kText, kFlag, kNumber };

  std::string name;
  Kind kind = Kind::kText;
  bool required = false;
  std::vector<std::string> choices = {};  // of a text; none: any
  uint64_t min = 0;                       // of a number
  uint64_t max = UINT64_MAX;
  std::string hint = {};   // where it is missing or wrong
  std::string wrong = {};  // detail for a wrong value, if not the usual one
};

struct Body {
  std::vector<Field> fields = {};
};

struct Route {
  std::string method;
  std::string path;     // may hold "{name}"
  std::string summary;  // as in docs/http-api.md
  Scope scope = Scope::kAdmin;
  std::vector<Field> query = {};  // a GET ignores others
  std::optional<Body> body = {};  // none: not read by Call
  // Of its own; MayAnswer knows what every route may answer.
  std::vector<int> answers = {};
  std::function<http::Response(const Call&)> handler;
  size_t max_body_bytes = http::RouteOptions().max_body_bytes;
  bool is_urgent = false;  // see http::RouteOptions
};

// Whether a request to it changes something.
bool Changes(const Route& route);

// Whether the route may answer so.
bool MayAnswer(const Route& route, int http_status);

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_ROUTE_H_
