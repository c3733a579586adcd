// Finds the handler of a request, and applies the rules of all routes.

#ifndef LEVELKEEP_HTTP_ROUTER_H_
#define LEVELKEEP_HTTP_ROUTER_H_

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "base/live_value.h"
#include "http/message.h"
#include "http/request_policy.h"

namespace levelkeep::http {

struct RouteOptions {
  size_t max_body_bytes = 64 << 10;
  bool needs_token = true;
  // For health checks: answered at once, even while all handlers are busy.
  bool is_urgent = false;
};

struct Route {
  std::string method;
  std::string pattern;
  std::vector<std::string> segments;  // of the pattern; "{name}": a parameter
  Handler handler;
  RouteOptions options;
};

// Handle depends only on the request and on the handlers: tests call it without
// a socket.
// Thread safety: all methods but Add may be called concurrently once all
// routes are added.
class Router {
 public:
  explicit Router(const ApiOptions& options = {})
      : policy_(RequestPolicy(options)) {}

  // `pattern` begins with '/' and may hold {parameters}, each a whole segment.
  // GET routes also answer HEAD: the handler's response has a body, and the
  // server omits it.
  void Add(const std::string& method, const std::string& pattern,
           Handler handler, const RouteOptions& options = RouteOptions());

  // From now on, requests need what these options say: host, allowed_hosts and
  // token count.
  void SetAccess(const ApiOptions& options) {
    policy_.Set(RequestPolicy(options));
  }

  // Finds the route by method and path. If several patterns match, the one that
  // is literal at the first difference wins, also for the permitted methods.
  // The router outlives the request.
  void Resolve(Request* request) const;
  // Checks Host, Origin and token, answers 404 and 405 (with Allow), calls the
  // handler, adds X-Request-Id, and never throws. Resolves the request first if
  // necessary.
  Response Handle(Request request) const;

 private:
  Response Dispatch(const Request& request) const;

  LiveValue<RequestPolicy> policy_;
  std::deque<Route> routes_;  // requests point to these
};

// The body limit of the request's route; without a route, the usual limit.
size_t MaxBodyBytes(const Request& request);

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_ROUTER_H_
