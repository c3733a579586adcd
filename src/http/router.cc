#include "http/router.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "base/ascii.h"

namespace levelkeep::http {

namespace {

std::vector<std::string> Segments(std::string_view path) {
  if (!path.starts_with('/')) return {};
  const auto parts = Split(path.substr(1), '/');
  return {parts.begin(), parts.end()};
}

bool IsParameter(const std::string& segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

// One letter a segment, such that the smaller text is the more literal
// pattern; nothing if the path does not match.
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
  routes_.push_back({method, Segments(pattern), std::move(handler), options});
}

Router::Match Router::Find(const std::string& method,
                           const std::string& path) const {
  const std::vector<std::string> segments = Segments(path);
  std::string best_shape;
  std::vector<const Route*> candidates;
  for (const Route& route : routes_) {
    const auto shape = Shape(route.segments, segments);
    if (!shape) continue;
    if (candidates.empty() || *shape < best_shape) {
      candidates.clear();
      best_shape = *shape;
    }
    if (*shape == best_shape) candidates.push_back(&route);
  }
  Match match;
  std::set<std::string> allowed;
  for (const Route* route : candidates) {
    allowed.insert(route->method);
    if (route->method == "GET") allowed.insert("HEAD");
    const bool exact = route->method == method;
    const bool head = method == "HEAD" && route->method == "GET";
    if (exact || (head && match.route == nullptr)) match.route = route;
  }
  match.allowed_methods.assign(allowed.begin(), allowed.end());
  if (match.route == nullptr) return match;
  for (size_t i = 0; i < segments.size(); i++) {
    const std::string& name = match.route->segments[i];
    if (!IsParameter(name)) continue;
    match.parameters[name.substr(1, name.size() - 2)] = segments[i];
  }
  return match;
}

}  // namespace levelkeep::http
