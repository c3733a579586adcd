// The routes on a stranger's cpp-httplib server (0.11.4 and newer).
//
// That server reads requests its own way and has its own limits; here is only
// what keeps its known weaknesses away from our routes: bodies are counted
// while they are read and always read to their end (0.11.4 would take the
// rest for the next request), and its own handling of ranges is switched off
// (0.11.4 builds gigabytes out of overlapping ones).

#include <algorithm>
#include <memory>
#include <utility>

#include "http/server_binding.h"
#include "levelkeep/http.h"

namespace levelkeep::http {

namespace {

// Reads the whole body; keeps at most one byte more than the route takes.
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

}  // namespace

void Mount(httplib::Server* server, BackupManager* manager,
           const ApiOptions& options) {
  const auto api = std::make_shared<Api>(manager, options);
  const auto plain = [api](const httplib::Request& from,
                           httplib::Response& to) {
    ToLibrary(api->Handle(FromLibrary(from)), from, &to);
  };
  const auto with_body = [api](const httplib::Request& from,
                               httplib::Response& to,
                               const httplib::ContentReader& reader) {
    Request request = FromLibrary(from);
    ReadBody(from, reader, api->MaxBodyBytes(request.method, request.path),
             &request.body);
    ToLibrary(api->Handle(std::move(request)), from, &to);
  };
  for (const char* pattern :
       {R"(/api/backup/.+)", "/api/health", "/livez", "/readyz"}) {
    server->Get(pattern, plain);
    server->Post(pattern, with_body);
    server->Put(pattern, with_body);
    server->Patch(pattern, with_body);
    server->Delete(pattern, with_body);
  }
}

}  // namespace levelkeep::http
