// Requests and responses without sockets, and the routes on top of them.
//
// Api::Handle is a pure function of (request, manager): tests call it with
// golden JSON, the server binding feeds it from cpp-httplib.

#ifndef LEVELKEEP_HTTP_API_H_
#define LEVELKEEP_HTTP_API_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "levelkeep/backup_manager.h"
#include "levelkeep/http.h"
#include "levelkeep/status.h"

namespace levelkeep::http {

struct Request {
  std::string method;                          // upper case
  std::string path;                            // decoded once, without query
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // lower-case names
  std::string body;
  // Matched from the pattern: "{name}" in "/api/backup/{name}".
  std::map<std::string, std::string> parameters;
};

// A body that is produced while it is sent (server-sent events).
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // Appends the next part to `chunk`; may block for up to a second and then
  // append nothing. False: the end.
  virtual bool Next(std::string* chunk) = 0;
};

struct Response {
  int status = 200;
  std::map<std::string, std::string> headers;
  std::string content_type = "application/json; charset=utf-8";
  std::string body;
  // Instead of `body`: this range of an open file.
  std::shared_ptr<const File> file;
  uint64_t file_offset = 0;
  uint64_t file_size = 0;
  // Instead of both: a stream.
  std::shared_ptr<BodyStream> stream;
  // Kept until a large `body` was sent.
  std::shared_ptr<void> place;
};

using Handler = std::function<Response(const Request&)>;

struct RouteOptions {
  size_t max_body_bytes = 64 << 10;
  bool needs_token = true;
  // Health checks: answered at once, also while all handlers are at work.
  bool is_urgent = false;
};

// RFC 9457 problem+json with success:false, code and hint; one table maps
// StatusCode to HTTP status.
Response ErrorResponse(const Status& status);
Response ErrorResponse(int http_status, std::string_view code,
                       std::string_view detail, std::string_view hint = "");
// `json_text` as the body; status 200 unless told otherwise.
Response JsonResponse(std::string json_text, int status = 200);

// Thread safety: all methods but AddRoute may be called concurrently once
// all routes are added.
class Api {
 public:
  // Adds the backup routes. `manager` outlives this object.
  Api(BackupManager* manager, ApiOptions options);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // For hosts with routes of their own; `pattern` may hold {parameters}, each
  // a whole segment. A literal segment wins over a parameter. GET routes
  // answer HEAD too: the response has its body, the server leaves it out.
  void AddRoute(const std::string& method, const std::string& pattern,
                Handler handler, RouteOptions options = RouteOptions());
  // Host, Origin and token checks, routing (404, 405 + Allow), HEAD,
  // X-Request-Id, and no exception ever.
  Response Handle(Request request);
  // Body limit for that method and path, for the server's guard.
  size_t MaxBodyBytes(const std::string& method, const std::string& path);
  bool IsUrgent(const std::string& method, const std::string& path);

  // From now on /readyz answers 503, so that no new clients are sent here.
  void StartDraining();
  // Asks running backups, verifications and restores to stop.
  void CancelJobs();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_API_H_
