#include "http/router.h"

#include <chrono>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"

namespace levelkeep::http {

namespace {

constexpr char kTag[] = "Http";
constexpr size_t kMaxRequestIdLength = 64;

// The client's own id if it is safe in logs and headers, else a new one.
std::string RequestIdFor(const Request& request) {
  const std::string* id = request.FindHeader("x-request-id");
  const bool fine = id != nullptr && !id->empty() &&
                    id->size() <= kMaxRequestIdLength && IsMadeOf(*id, "-_.");
  return fine ? *id : RandomId();
}

Response NoSuchRoute(const Request& request) {
  if (request.allowed_methods.empty()) {
    return ErrorResponse(404, "not_found", "there is no such route",
                         "docs/http-api.md lists the routes");
  }
  const std::string allowed = Join(request.allowed_methods, ", ");
  Response response =
      ErrorResponse(405, "method_not_allowed",
                    "this route does not know that method", "use " + allowed);
  response.headers["Allow"] = allowed;
  return response;
}

// An encoded body would have to be inflated, to any size.
bool IsEncoded(const Request& request) {
  const std::string* encoding = request.FindHeader("content-encoding");
  return encoding != nullptr && !encoding->empty() &&
         Lower(*encoding) != "identity";
}

std::vector<std::string> Segments(std::string_view path) {
  if (!path.starts_with('/')) return {};
  const auto parts = Split(path.substr(1), '/');
  return {parts.begin(), parts.end()};
}

bool IsParameter(const std::string& segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

// One letter per segment, so that the more literal pattern has the smaller
// text; nullopt if the path does not match.
std::optional<std::string> Shape(const std::vector<std::string>& pattern,
                                 const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  std::string shape;
  for (size_t i = 0; i < pattern.size(); i++) {
    if (IsParameter(pattern[i])) {
      if (path[i].empty()) return std::nullopt;
      shape += 'p';
    } else {
      if (pattern[i] != path[i]) return std::nullopt;
      shape += 'l';
    }
  }
  return shape;
}

}  // namespace

void Router::Add(const std::string& method, const std::string& pattern,
                 Handler handler, const RouteOptions& options) {
  routes_.push_back(
      {method, pattern, Segments(pattern), std::move(handler), options});
}

void Router::Resolve(Request* request) const {
  const std::vector<std::string> segments = Segments(request->path);
  // The most literal shape is the first.
  std::map<std::string, std::vector<const Route*>> matching;
  for (const Route& route : routes_) {
    if (const auto shape = Shape(route.segments, segments)) {
      matching[*shape].push_back(&route);
    }
  }
  request->resolved = true;
  if (matching.empty()) return;
  std::set<std::string> allowed;
  for (const Route* route : matching.begin()->second) {
    allowed.insert(route->method);
    if (route->method == "GET") allowed.insert("HEAD");
    const bool exact = route->method == request->method;
    const bool head = request->method == "HEAD" && route->method == "GET";
    if (exact || (head && request->route == nullptr)) request->route = route;
  }
  request->allowed_methods.assign(allowed.begin(), allowed.end());
  if (request->route == nullptr) return;
  for (size_t i = 0; i < segments.size(); i++) {
    const std::string& name = request->route->segments[i];
    if (!IsParameter(name)) continue;
    request->parameters[name.substr(1, name.size() - 2)] = segments[i];
  }
}

Response Router::Dispatch(const Request& request) const {
  const Route* const route = request.route;
  const bool open = route != nullptr && !route->options.needs_token;
  const RequestPolicy& policy = policy_.Get();
  if (!open) {
    // Exempt: supervisors check the health under any address.
    if (auto refusal = policy.CheckHost(request)) return *refusal;
    if (auto refusal = policy.CheckToken(request)) return *refusal;
  }
  if (route == nullptr) return NoSuchRoute(request);
  if (auto refusal = policy.CheckOrigin(request)) return *refusal;
  if (IsEncoded(request)) {
    return ErrorResponse(415, "unsupported_encoding",
                         "request bodies are taken uncompressed only",
                         "leave out Content-Encoding");
  }
  if (request.body.size() > route->options.max_body_bytes) {
    return ErrorResponse(413, "too_large",
                         "the request body is larger than " +
                             FormatBytes(route->options.max_body_bytes),
                         "send less at once");
  }
  return route->handler(request);
}

Response Router::Handle(Request request) const {
  const auto started = std::chrono::steady_clock::now();
  const std::string id = RequestIdFor(request);
  Response response;
  std::string problem;
  try {
    if (!request.resolved) Resolve(&request);
    response = Dispatch(request);
  } catch (const std::exception& error) {
    problem = error.what();
  } catch (...) {
    problem = "unknown exception";
  }
  if (!problem.empty()) {
    LogError(kTag, "request " + id + " failed: " + Printable(problem, 300));
    response = ErrorResponse(500, "internal", "the request failed",
                             "the server's log says why");
  }
  response.headers.emplace("X-Request-Id", id);
  response.headers.emplace("X-Content-Type-Options", "nosniff");
  response.headers.emplace("Cache-Control", "no-store");
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - started);
  LogDebug(kTag, Printable(request.method, 16) + " " + Printable(request.path) +
                     " " + std::to_string(response.status) + " " +
                     std::to_string(took.count()) + " ms " + id);
  return response;
}

size_t MaxBodyBytes(const Request& request) {
  return request.route == nullptr ? RouteOptions().max_body_bytes
                                  : request.route->options.max_body_bytes;
}

}  // namespace levelkeep::http
