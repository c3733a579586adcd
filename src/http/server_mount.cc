// The routes on a stranger's cpp-httplib server (0.11.4 and newer).
//
// That server reads requests its own way and has its own limits; here is only
// what keeps its known weaknesses away from our routes: bodies are counted
// while they are read and always read to their end (0.11.4 would take the
// rest for the next request), and its own handling of ranges is switched off
// (0.11.4 builds gigabytes out of overlapping ones).

#include <httplib.h>

#include <algorithm>
#include <memory>

#include "http/api.h"
#include "levelkeep/http.h"

namespace levelkeep::http {

namespace {

std::string LowerCase(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

Request ToRequest(const httplib::Request& from) {
  Request request;
  request.method = from.method;
  request.path = from.path;
  for (const auto& [name, value] : from.params) {
    request.query.emplace(name, value);
  }
  for (const auto& [name, value] : from.headers) {
    const auto [it, inserted] = request.headers.emplace(LowerCase(name), value);
    // Two of a kind that must be single never pass a check when joined.
    if (!inserted) it->second.append(", ").append(value);
  }
  return request;
}

void SetFile(const Response& from, httplib::Response* to) {
  const auto file = from.file;
  const uint64_t base = from.file_offset;
  to->set_content_provider(
      static_cast<size_t>(from.file_size), from.content_type,
      [file, base](size_t offset, size_t length, httplib::DataSink& sink) {
        char buffer[64 << 10];
        const size_t size = std::min(length, sizeof(buffer));
        if (!ReadExactly(*file, base + offset, buffer, size).ok()) {
          return false;
        }
        return sink.write(buffer, size);
      });
}

void Answer(const Response& from, const httplib::Request& request,
            httplib::Response* to) {
  // The object itself is not const; the library would cut our answer into
  // the ranges once more.
  const_cast<httplib::Request&>(request).ranges.clear();
  to->status = from.status;
  for (const auto& [name, value] : from.headers) to->set_header(name, value);
  if (from.file != nullptr) {
    SetFile(from, to);
  } else if (!from.content_type.empty()) {
    to->set_content(from.body, from.content_type);
  }
}

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
    Answer(api->Handle(ToRequest(from)), from, &to);
  };
  const auto with_body = [api](const httplib::Request& from,
                               httplib::Response& to,
                               const httplib::ContentReader& reader) {
    Request request = ToRequest(from);
    ReadBody(from, reader, api->MaxBodyBytes(request.method, request.path),
             &request.body);
    Answer(api->Handle(request), from, &to);
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
