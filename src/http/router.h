// Who answers which request: routes, and what holds for all of them.

#ifndef LEVELKEEP_HTTP_ROUTER_H_
#define LEVELKEEP_HTTP_ROUTER_H_

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "http/message.h"
#include "http/request_policy.h"

namespace levelkeep::http {

struct RouteOptions {
  size_t max_body_bytes = 64 << 10;
  bool needs_token = true;
  // Health checks: answered at once, also while all handlers are at work.
  bool is_urgent = false;
};

struct Route {
  std::string method;
  std::string pattern;
  std::vector<std::string> segments;  // of the pattern; "{name}": a parameter
  Handler handler;
  RouteOptions options;
};

// Handle is a pure function of the request and of what handlers do: tests call
// it without a socket.
// Thread safety: all methods but Add may be called concurrently once all
// routes are added.
class Router {
 public:
  explicit Router(const PolicyOptions& policy = PolicyOptions());

  // `pattern` begins with '/' and may hold {parameters}, each a whole segment.
  // GET routes answer HEAD too: the response has its body, the server leaves
  // it out.
  void Add(const std::string& method, const std::string& pattern,
           Handler handler, const RouteOptions& options = RouteOptions());

  // Finds the route by method and path. Where several patterns match, the one
  // that is literal at the first difference decides, also about the methods.
  // The router outlives the request.
  void Resolve(Request* request) const;
  // Host, Origin and token checks, 404, 405 with Allow, the handler,
  // X-Request-Id, and no exception ever. Resolves what was not resolved yet.
  Response Handle(Request request) const;

 private:
  Response Dispatch(const Request& request) const;

  const RequestPolicy policy_;
  std::deque<Route> routes_;  // requests point to them
};

// What its route takes; of a request without one, what most routes take.
size_t MaxBodyBytes(const Request& request);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_ROUTER_H_
