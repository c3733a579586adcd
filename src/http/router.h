// Finds the handler for a method and a path.

#ifndef LEVELKEEP_HTTP_ROUTER_H_
#define LEVELKEEP_HTTP_ROUTER_H_

#include <map>
#include <string>
#include <vector>

#include "http/api.h"

namespace levelkeep::http {

// Thread safety: Find may be called concurrently, Add may not.
class Router {
 public:
  struct Route {
    std::string method;
    std::vector<std::string> segments;  // "{name}" is a parameter
    Handler handler;
    RouteOptions options;
  };
  struct Match {
    const Route* route = nullptr;
    std::map<std::string, std::string> parameters;
    // Of the path, for 405; empty: there is no such path.
    std::vector<std::string> allowed_methods;
  };

  // REQUIRES: `pattern` begins with '/'.
  void Add(const std::string& method, const std::string& pattern,
           Handler handler, const RouteOptions& options);
  // HEAD finds GET. Where several patterns match, the one that is literal
  // at the first difference decides, also about the methods.
  Match Find(const std::string& method, const std::string& path) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_ROUTER_H_
