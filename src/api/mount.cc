// The routes on an application's own cpp-httplib server (0.11.4 and newer).
//
// That server reads requests in its own way and has its own limits. This file
// only keeps its known faults away from our routes: bodies are counted while
// they are read and always read to their end (0.11.4 would read the rest as the
// next request), and the library's ranges are switched off (0.11.4 builds
// gigabytes from overlapping ranges).

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "api/api.h"
#include "base/text.h"
#include "http/server_binding.h"
#include "levelkeep/http.h"

namespace levelkeep::http {

namespace {

// Converts the request without its body.
Request FromLibrary(const httplib::Request& from) {
  Request request;
  request.method = from.method;
  request.path = from.path;
  for (const auto& [name, value] : from.params) {
    request.query.emplace(name, value);
  }
  for (const auto& [name, value] : from.headers) {
    const auto [it, inserted] = request.headers.emplace(Lower(name), value);
    // Two copies of a header that must be single fail the check when joined.
    if (!inserted) it->second.append(", ").append(value);
  }
  return request;
}

// Reads the whole body; keeps at most one byte more than the route allows.
void ReadBody(const httplib::Request& from,
              const httplib::ContentReader& reader, size_t limit,
              std::string* body) {
  const auto take = [&](const char* data, size_t size) {
    body->append(data, std::min(size, limit + 1 - body->size()));
    return true;
  };
  if (from.is_multipart_form_data()) {
    reader([](const auto&) { return true; }, take);
  } else {
    reader(take);
  }
}

// The patterns for the library: paths of two segments unchanged, and every path
// that begins like a longer one, so that unknown routes there get our 404.
std::set<std::string> Patterns(const api::Api& api) {
  std::set<std::string> patterns;
  for (const api::Route& route : api.routes()) {
    const auto segments = Split(route.path, '/');  // the first is empty
    patterns.insert(segments.size() <= 3
                        ? route.path
                        : "/" + std::string(segments[1]) + "/" +
                              std::string(segments[2]) + "/.+");
  }
  return patterns;
}

}  // namespace

void Mount(httplib::Server* server, BackupManager* manager,
           const ApiOptions& options) {
  const auto api = std::make_shared<api::Api>(manager, options);
  const auto answer = [api](Request request, const httplib::Request& from,
                            httplib::Response* to) {
    ToLibrary(api->Handle(std::move(request)), from.version, to);
    // The object itself is not const. Without the change, the library would cut
    // our answer into ranges again.
    const_cast<httplib::Request&>(from).ranges.clear();
  };
  const auto plain = [answer](const httplib::Request& from,
                              httplib::Response& to) {
    answer(FromLibrary(from), from, &to);
  };
  const auto with_body = [api, answer](const httplib::Request& from,
                                       httplib::Response& to,
                                       const httplib::ContentReader& reader) {
    Request request = FromLibrary(from);
    api->router()->Resolve(&request);
    ReadBody(from, reader, MaxBodyBytes(request), &request.body);
    answer(std::move(request), from, &to);
  };
  for (const std::string& pattern : Patterns(*api)) {
    server->Get(pattern, plain);
    server->Post(pattern, with_body);
    server->Put(pattern, with_body);
    server->Patch(pattern, with_body);
    server->Delete(pattern, with_body);
  }
}

}  // namespace levelkeep::http
